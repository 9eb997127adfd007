"""What do the ready-made workloads of `gpulab choose` compute and hold for each sample?

Each is one true step of a network that stands for an application: clips of video, an agent that learns by playing, two
generative models. The networks follow the papers named below; the step is traced and stored beside ``gpulab.choose``.
Images and text have theirs already, beside ``gpulab.estimate``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from experiments import stamp
from gpulab.choose.ready import FOLDER
from gpulab.estimate import Subject, trace

Built = tuple[nn.Module, tuple[Any, ...], Callable[[Any], Any] | None]


def video(batch: int) -> Built:
    """R3D-18 on 16 frames of 112 x 112: a residual network with convolutions over time (Tran et al. 2018)."""
    from torchvision.models.video import r3d_18

    labels = torch.zeros(batch, dtype=torch.long)
    return r3d_18(weights=None), (torch.empty(batch, 3, 16, 112, 112),), lambda out: F.cross_entropy(out, labels)


def agent(batch: int) -> Built:
    """The network of a deep Q-learning agent (Mnih et al. 2015): four gray frames in, a value an action out."""
    net = nn.Sequential(
        nn.Conv2d(4, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 18),
    )  # fmt: skip
    return net, (torch.empty(batch, 4, 84, 84),), lambda out: F.smooth_l1_loss(out, torch.zeros_like(out))


def generator() -> nn.Sequential:
    """Return the generator of DCGAN: 100 random numbers to an image of 64 x 64 (Radford et al. 2016)."""
    layers: list[nn.Module] = []
    widths = (100, 1024, 512, 256, 128)
    for i, (a, b) in enumerate(zip(widths, widths[1:], strict=False)):
        stride, padding = (1, 0) if i == 0 else (2, 1)
        layers += [nn.ConvTranspose2d(a, b, 4, stride, padding, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(128, 3, 4, 2, 1), nn.Tanh())


def discriminator() -> nn.Sequential:
    """Return the discriminator of DCGAN: an image of 64 x 64 to one number."""
    layers: list[nn.Module] = [nn.Conv2d(3, 128, 4, 2, 1), nn.LeakyReLU(0.2)]
    for a, b in ((128, 256), (256, 512), (512, 1024)):
        layers += [nn.Conv2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(1024, 1, 4))


class Pair(nn.Module):
    """Generator and discriminator in one step: real images, made ones, and made ones again for the generator."""

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.discriminator = generator(), discriminator()

    def forward(self, noise: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """Return the sum of the two losses in training, made images otherwise."""
        made = self.generator(noise)
        if not self.training:
            return made
        answers = (self.discriminator(real), self.discriminator(made.detach()), self.discriminator(made))
        return sum(F.softplus(sign * answer).mean() for sign, answer in zip((-1, 1, -1), answers, strict=True))


def gan(batch: int) -> Built:
    """DCGAN on 64 x 64; where it only makes images, the generator alone works."""
    return Pair(), (torch.empty(batch, 100, 1, 1), torch.empty(batch, 3, 64, 64)), lambda loss: loss


class Autoencoder(nn.Module):
    """A variational autoencoder with convolutions, on images of 64 x 64 (Kingma and Welling 2014)."""

    def __init__(self, latent: int = 128) -> None:
        super().__init__()
        down, up, widths = [], [], (3, 32, 64, 128, 256)
        for a, b in zip(widths, widths[1:], strict=False):
            down += [nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.ReLU()]
            up = [nn.ConvTranspose2d(b, a, 4, 2, 1), *([nn.BatchNorm2d(a), nn.ReLU()] if a > 3 else []), *up]
        self.down, self.code = nn.Sequential(*down, nn.Flatten()), nn.Linear(4096, 2 * latent)
        self.open, self.up = nn.Linear(latent, 4096), nn.Sequential(nn.Unflatten(1, (256, 4, 4)), *up)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the loss: how far the image made from the code is from the original, and the code from noise."""
        mean, spread = self.code(self.down(images)).chunk(2, dim=1)
        made = self.up(self.open(mean + torch.exp(spread / 2) * torch.randn_like(spread)))
        return F.mse_loss(made, images, reduction="sum") + (mean**2 + spread.exp() - spread).sum()


def vae(batch: int) -> Built:
    """The autoencoder on 64 x 64."""
    return Autoencoder(), (torch.empty(batch, 3, 64, 64),), lambda loss: loss


SUBJECTS = {"r3d-18": (video, "sgd", 16), "dqn": (agent, "adam", 32), "dcgan": (gan, "adam", 128),
            "vae": (vae, "adam", 128)}  # fmt: skip


def compute() -> list[dict[str, object]]:
    """Trace and store each workload; return what each costs."""
    rows = []
    for name, (build, optimizer, batch) in SUBJECTS.items():
        for mode in ("train", "infer"):
            for half in (True, False):
                work = trace(Subject(name, build, optimizer), batch, half, mode)
                work.save(FOLDER / f"{name}-{mode}-{16 if half else 32}.json")
                rows.append({
                    "model": name, "mode": mode, "bits": 16 if half else 32, "batch": batch,
                    "parameters": work.parameters, "gflop_per_sample": round(work.flops / batch / 1e9, 4),
                    "any_batch": work.exact_batch is None,
                })  # fmt: skip
    return rows


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    stamp.run("ready_workloads", compute, (), ["torch", "torchvision"])
