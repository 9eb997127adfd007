"""A recipe trained in PyTorch: the way the tutorials write it, and a short loop of which every part can be switched."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch._dynamo  # the first optimizer would import it, which takes a second: imports are not on the clock
from gpulab.models import reference_cnn
from gpulab.train import layout, memory, schedules
from torch import nn
from torch.nn import functional as F

from benchmarks.speed_run import rates

if TYPE_CHECKING:
    from benchmarks.speed_run.recipes import Recipe

Predict = Callable[[np.ndarray], np.ndarray]
Part = tuple[np.ndarray, np.ndarray]
VIEWS = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))  # corners in an image padded by 1: as it is, and moved by one pixel
SHARES = (2, 1, 1, 1, 1)  # the image as it is counts twice


def train(recipe: Recipe, train: Part, valid: Part, seed: int) -> Predict:
    """Train a fresh network; return the function that names the classes of images.

    Parameters
    ----------
    recipe : Recipe
    train, valid : (images, labels)
        Arrays (n, 28, 28, 1) float32 in 0..1, and (n,) int64. The validation part is used by ``recipe.stop`` only.
    seed : int
    """
    torch.manual_seed(seed)
    if recipe.memory:
        memory.keep_freed()
    model = network(recipe)
    run = _tutorial if recipe.way == "tutorial" else _tensors
    model = run(recipe, model, train, valid, seed)
    model.eval()

    def predict(images: np.ndarray) -> np.ndarray:
        return answers(model, _images(images, recipe), recipe.views).argmax(1).numpy()

    return predict


def network(recipe: Recipe) -> nn.Sequential:
    """Return a fresh network as the recipe wants it."""
    if recipe.open_class:
        model = _other(*recipe.widths)
    else:
        model = reference_cnn("torch")
    if recipe.pool_first:
        parts = dict(model.named_children())
        order = [name for number in "12" for name in (f"conv{number}", f"pool{number}", f"relu{number}")]
        order += [name for name in parts if name not in order]
        model = nn.Sequential(*(parts[name] for name in order))
        for part in model:
            if isinstance(part, nn.ReLU):
                part.inplace = True
    if recipe.init == "he":
        for part in model:
            if isinstance(part, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
                nn.init.zeros_(part.bias)
    return model


def _other(one: int, two: int, three: int) -> nn.Sequential:
    """Return the reference CNN with other numbers of maps."""
    model = reference_cnn("torch")
    model.conv1 = nn.Conv2d(1, one, 3)
    model.conv2 = nn.Conv2d(one, two, 3)
    model.conv3 = nn.Conv2d(two, three, 3)
    model.dense1 = nn.Linear(9 * three, 64)
    return model


def _images(images: np.ndarray, recipe: Recipe) -> torch.Tensor:
    x = torch.from_numpy(images).permute(0, 3, 1, 2)
    return layout.channels_last(x) if recipe.layout else x.contiguous()


@torch.no_grad()
def answers(model: nn.Module, x: torch.Tensor, views: int) -> torch.Tensor:
    """Return logits (n, 10), for several views averaged over moved copies of the images."""
    if views == 1:
        return model(x)
    height, width = x.shape[2:]
    padded = F.pad(x, (1, 1, 1, 1))
    moved = (padded[:, :, i : i + height, j : j + width] for i, j in VIEWS)
    return sum(share * model(layout.channels_last(copy)) for share, copy in zip(SHARES, moved, strict=True))


# --- As the tutorials write it -------------------------------------------------------------------------------------


def _tutorial(recipe: Recipe, model: nn.Sequential, train: Part, valid: Part, seed: int) -> nn.Sequential:
    """Train with a DataLoader that moves each image with torchvision."""
    from torch.utils.data import DataLoader, Dataset
    from torchvision.transforms import v2

    move = v2.RandomCrop(28, padding=recipe.shift)

    class Digits(Dataset):
        def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
            self.images, self.labels = torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(labels)

        def __len__(self) -> int:
            return len(self.images)

        def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
            return move(self.images[index]), self.labels[index]

    loader = DataLoader(Digits(*train), batch_size=recipe.batch_size, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.lr)
    steps = round(recipe.epochs) * len(loader)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.lr, total_steps=steps, cycle_momentum=False)
    for _ in range(round(recipe.epochs)):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            schedule.step()
    return model


# --- The short loop ------------------------------------------------------------------------------------------------


def _tensors(recipe: Recipe, model: nn.Sequential, train: Part, valid: Part, seed: int) -> nn.Sequential:
    """Train on batches that are cut from tensors."""
    images, labels = torch.from_numpy(train[0])[:, :, :, 0], torch.from_numpy(train[1])
    weights = list(model.parameters())
    optimizers = make_optimizers(recipe, weights)
    highest = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    per_epoch = math.ceil(len(images) / recipe.batch_size)
    total = max(1, round(recipe.epochs * per_epoch))
    factor = rates.triangle if recipe.schedule == "triangle" else schedules.one_cycle
    mean = [weight.detach().clone() for weight in weights] if recipe.average else None
    half = recipe.precision == "bf16"
    for step, (x, y) in enumerate(batches(recipe, images, labels, np.random.default_rng(seed), total)):
        for optimizer, rate in zip(optimizers, highest, strict=True):
            for group, lr in zip(optimizer.param_groups, rate, strict=True):
                group["lr"] = lr * factor(step, total)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            outputs = model(x)
        loss = F.cross_entropy(outputs.float(), y, label_smoothing=recipe.smoothing)
        for weight in weights:
            weight.grad = None
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        if mean is not None:
            torch._foreach_lerp_(mean, [w.detach() for w in weights], 1 - rates.decay(recipe.average, step))
        if recipe.stop and (step + 1) % (per_epoch // 2) == 0 and _good_enough(recipe, model, mean, valid):
            break
    if mean is not None:
        _put(weights, mean)
    return model


def _good_enough(recipe: Recipe, model: nn.Sequential, mean: list[torch.Tensor] | None, valid: Part) -> bool:
    """Tell whether the share of right validation digits is what the recipe stops at, with the mean weights if any."""
    weights = list(model.parameters())
    now = [weight.detach().clone() for weight in weights]
    if mean is not None:
        _put(weights, mean)
    right = answers(model, _images(valid[0], recipe), recipe.views).argmax(1).numpy() == valid[1]
    _put(weights, now)
    return bool(right.mean() >= recipe.stop)


@torch.no_grad()
def _put(weights: list[nn.Parameter], values: list[torch.Tensor]) -> None:
    for weight, value in zip(weights, values, strict=True):
        weight.copy_(value)


def batches(
    recipe: Recipe, images: torch.Tensor, labels: torch.Tensor, rng: np.random.Generator, total: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield so many batches; images are (n, 28, 28), those of a batch (b, 1, 28, 28).

    All moved images of an epoch are made at once: one copy of 3,500 images, instead of 3,500 copies of one.
    """
    n, height, width = images.shape
    side = 2 * recipe.shift + 1
    pad = (recipe.shift,) * 4
    windows = F.pad(images, pad).unfold(1, height, 1).unfold(2, width, 1)  # (n, side, side, 28, 28), no copy
    corners, done = rates.Corners(rng, n, side, recipe.distinct), 0
    while done < total:
        down, right = corners.next()
        moved = windows[torch.arange(n), torch.from_numpy(down), torch.from_numpy(right)].unsqueeze(1)
        if recipe.layout:
            moved = layout.channels_last(moved)
        for index in torch.from_numpy(rng.permutation(n)).split(recipe.batch_size):
            if done == total:
                return
            done += 1
            yield moved[index], labels[index]


# --- Optimizers ----------------------------------------------------------------------------------------------------


def make_optimizers(recipe: Recipe, weights: list[nn.Parameter]) -> list[torch.optim.Optimizer]:
    """Return the optimizers that share the weights."""
    fused = recipe.fused or None
    if recipe.optimizer == "adam":
        return [torch.optim.Adam(weights, lr=recipe.lr, fused=fused)]
    if recipe.optimizer == "nesterov":
        return [torch.optim.SGD(weights, lr=recipe.lr, momentum=0.9, nesterov=True, fused=fused)]
    hidden = [weight for weight in weights[:-2] if weight.ndim > 1]
    rest = [weight for weight in weights if all(weight is not other for other in hidden)]
    return [Muon(hidden, lr=recipe.lr), torch.optim.Adam(rest, lr=recipe.lr, betas=(0.9, 0.99), fused=fused)]


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal, after Keller Jordan's Muon.

    The update of a matrix of weights is replaced by the nearest matrix whose singular values are all about one, so that
    every direction is learned equally fast.
    """

    def __init__(self, weights: Any, lr: float, momentum: float = 0.9) -> None:
        super().__init__(weights, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Update the weights once."""
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                speed = state.setdefault("speed", torch.zeros_like(weight))
                speed.mul_(group["momentum"]).add_(weight.grad)
                update = (weight.grad + group["momentum"] * speed).reshape(len(weight), -1)
                rows, columns = update.shape
                size = max(1.0, rows / columns) ** 0.5
                weight.add_(orthogonal(update).view_as(weight), alpha=-group["lr"] * size)


def orthogonal(matrix: torch.Tensor, rounds: int = 5) -> torch.Tensor:
    """Return about the nearest matrix whose singular values are one: Newton-Schulz, an odd polynomial again and again."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(rounds):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if tall else x
