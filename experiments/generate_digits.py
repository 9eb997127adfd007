"""What do an autoencoder, a variational autoencoder and a style-based GAN make of the digits, and how does each fail?

All networks see the training part only. The judge is the trained reference CNN in `lib/gpulab/widgets`: it *recognizes*
an image to which it gives one class a probability above 0.9. "classes" is the exponential of the entropy of the
recognized classes: 10 if all come equally often, 1 if there is one only.

Variants of the autoencoders, with a code of 8 numbers (of 2, for a picture of the plane): `auto` has no KL term, and
its codes are drawn from a Gaussian fitted to the training codes; `beta-1` and `beta-20` weigh the KL term by 1 and 20.
Variants of the GAN: `penalty` has a gradient penalty on real images; `none` has none; `greedy` has the penalty, and ten
steps of the generator for each one of the discriminator.

There are two seeds in PyTorch and one in Keras. Each runs in a process of its own and is kept in `_build/`, so that a
stopped run goes on.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from experiments import stamp

RUNS = (("torch", 0), ("torch", 1), ("keras", 0))  # each of about three minutes on a quiet core
BATCH, LR = 32, 2e-3
AUTO = {"auto": (0.0, 8), "beta-1": (1.0, 8), "beta-20": (20.0, 4)}  # weight of the KL term, epochs
GAN = {
    "penalty": {"steps": 1000, "penalty": 1.0, "each": 1},
    "none": {"steps": 400, "penalty": 0.0, "each": 1},
    "greedy": {"steps": 60, "penalty": 1.0, "each": 10},  # steps of the discriminator; generator steps for each
}
GAN_BATCH, NOISE, EVERY = 32, 32, 4  # length of z; the penalty is computed at every fourth step
SAMPLES, KEPT = 500, 30

Row = dict[str, Any]


# --- The judge's view ----------------------------------------------------------------------------------------------


def judged(images: np.ndarray) -> dict[str, float]:
    """Return what the trained classifier says of images (n, 28, 28), and how gray and how different they are."""
    from gpulab.widgets.network import forward

    logits = forward(images)["logits"]
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    sure = p.max(axis=1) > 0.9
    counts = np.bincount(p.argmax(axis=1)[sure], minlength=10)
    share = counts[counts > 0] / max(counts.sum(), 1)
    gray = ((images > 0.2) & (images < 0.8)).sum() / max((images > 0.2).sum(), 1)
    return {
        "recognized": round(float(sure.mean()), 3),
        "classes": round(float(np.exp(-(share * np.log(share)).sum())), 2) if counts.sum() else 0.0,
        "counts": counts.tolist(),
        "gray": round(float(gray), 3),
        "spread": round(float(images.std(axis=0).mean()), 4),
    }


def packed(images: np.ndarray) -> str:
    """Return images (n, 28, 28) as text: bytes from 0 to 31, compressed, in base64."""
    whole = np.rint(np.clip(images, 0, 1) * 31).astype(np.uint8)
    return base64.b64encode(zlib.compress(whole.tobytes(), 9)).decode()


def picture(images: np.ndarray, **names: Any) -> Row:
    """Return a row that holds images."""
    return {**names, "kind": "images", "count": len(images), "images": packed(images)}


# --- The two sides: each returns functions of NumPy arrays ---------------------------------------------------------


def torch_auto(seed: int, size: int, beta: float, x: np.ndarray) -> tuple[Callable, Callable, Callable]:
    """Return (train one epoch, encode, decode) of a convolutional autoencoder in PyTorch."""
    import torch
    from torch import nn
    from torch.nn import functional as F  # noqa: N812

    torch.manual_seed(seed)
    encoder = nn.Sequential(
        nn.Conv2d(1, 16, 4, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(16, 32, 4, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(1568, 64), nn.ReLU(), nn.Linear(64, 2 * size),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(size, 64), nn.ReLU(), nn.Linear(64, 1568), nn.ReLU(), nn.Unflatten(1, (32, 7, 7)),
        nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1), nn.ReLU(),
        nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1),
    )  # fmt: skip
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], LR)
    images = torch.from_numpy(x[:, None])

    def epoch() -> None:
        for chosen in torch.randperm(len(images)).split(BATCH):
            batch = images[chosen]
            mean, log_var = encoder(batch).chunk(2, dim=1)
            z = mean + torch.exp(log_var / 2) * torch.randn_like(mean) if beta else mean
            loss = F.binary_cross_entropy_with_logits(decoder(z), batch, reduction="sum") / len(batch)
            if beta:
                loss = loss + beta * 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum() / len(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def encode(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.no_grad():
            mean, log_var = encoder(torch.from_numpy(batch[:, None])).chunk(2, dim=1)
        return mean.numpy(), log_var.numpy()

    def decode(z: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return decoder(torch.from_numpy(z.astype(np.float32))).numpy()[:, 0]

    return epoch, encode, decode


def keras_auto(seed: int, size: int, beta: float, x: np.ndarray) -> tuple[Callable, Callable, Callable]:
    """Return (train one epoch, encode, decode) of the same autoencoder in Keras."""
    import keras
    import tensorflow as tf
    from keras import layers

    keras.utils.set_random_seed(seed)
    encoder = keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(16, 4, strides=2, padding="same", activation="relu"),
        layers.Conv2D(32, 4, strides=2, padding="same", activation="relu"),
        layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(2 * size),
    ])  # fmt: skip
    decoder = keras.Sequential([
        keras.Input((size,)),
        layers.Dense(64, activation="relu"), layers.Dense(1568, activation="relu"), layers.Reshape((7, 7, 32)),
        layers.Conv2DTranspose(16, 4, strides=2, padding="same", activation="relu"),
        layers.Conv2DTranspose(1, 4, strides=2, padding="same"),
    ])  # fmt: skip
    optimizer = keras.optimizers.Adam(LR)
    weights = encoder.trainable_variables + decoder.trainable_variables
    optimizer.build(weights)
    rng = np.random.default_rng(seed)

    @tf.function(reduce_retracing=True)
    def step(batch: Any) -> None:
        n = tf.cast(tf.shape(batch)[0], tf.float32)
        with tf.GradientTape() as tape:
            mean, log_var = tf.split(encoder(batch), 2, axis=1)
            z = mean + tf.exp(log_var / 2) * tf.random.normal(tf.shape(mean)) if beta else mean
            loss = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=batch, logits=decoder(z))) / n
            if beta:
                loss = loss + beta * 0.5 * tf.reduce_sum(mean**2 + tf.exp(log_var) - 1 - log_var) / n
        optimizer.apply(tape.gradient(loss, weights), weights)

    def epoch() -> None:
        order = rng.permutation(len(x))
        for start in range(0, len(x), BATCH):
            step(tf.constant(x[order[start : start + BATCH], :, :, None]))

    def encode(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return tuple(np.split(encoder(batch[..., None]).numpy(), 2, axis=1))

    def decode(z: np.ndarray) -> np.ndarray:
        return decoder(z.astype(np.float32)).numpy()[..., 0]

    return epoch, encode, decode


def torch_gan(seed: int, penalty: float, each: int, x: np.ndarray) -> tuple[Callable, Callable, Callable]:
    """Return (one step, mapping, synthesis) of a small style-based GAN in PyTorch."""
    import torch
    from torch import nn
    from torch.nn import functional as F  # noqa: N812

    torch.manual_seed(seed)

    def dense(n_in: int, n_out: int, gain: float = 1.0) -> nn.Linear:
        layer = nn.Linear(n_in, n_out)
        nn.init.normal_(layer.weight, std=(gain / n_in) ** 0.5)
        nn.init.zeros_(layer.bias)
        return layer

    def adain(maps: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        scale, shift = style[:, :, None, None].chunk(2, dim=1)
        return (1 + scale) * F.instance_norm(maps) + shift

    class Block(nn.Module):
        def __init__(self, c_in: int, c_out: int) -> None:
            super().__init__()
            self.conv = nn.ConvTranspose2d(c_in, c_out, 4, stride=2, padding=1)
            self.noise = nn.Parameter(torch.zeros(c_out, 1, 1))
            self.style = dense(NOISE, 2 * c_out)

        def forward(self, maps: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
            maps = self.conv(maps)
            maps = maps + self.noise * torch.randn(len(maps), 1, *maps.shape[2:])
            return adain(F.leaky_relu(maps, 0.2), self.style(w))

    class Generator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mapping = nn.Sequential(
                dense(NOISE, 64, 2), nn.LeakyReLU(0.2), dense(64, NOISE, 2), nn.LeakyReLU(0.2)
            )
            self.constant = nn.Parameter(torch.randn(1, 32, 7, 7))
            self.style = dense(NOISE, 64)
            self.block1, self.block2 = Block(32, 16), Block(16, 16)
            self.image = nn.Conv2d(16, 1, 3, padding=1)

        def synthesis(self, w0: torch.Tensor, w1: torch.Tensor, w2: torch.Tensor) -> torch.Tensor:
            maps = adain(self.constant.expand(len(w0), -1, -1, -1), self.style(w0))
            return torch.sigmoid(self.image(self.block2(self.block1(maps, w1), w2)))

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            w = self.mapping(z)
            return self.synthesis(w, w, w)

    generator = Generator()
    critic = nn.Sequential(
        nn.Conv2d(1, 16, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(16, 32, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(1568, 1),
    )  # fmt: skip
    best = {"lr": LR, "betas": (0.0, 0.99)}
    for_g, for_d = torch.optim.Adam(generator.parameters(), **best), torch.optim.Adam(critic.parameters(), **best)
    images, count = torch.from_numpy(x[:, None]), iter(range(10**9))

    def step() -> tuple[float, float, float, float]:
        lazy = penalty and next(count) % EVERY == 0
        real = images[torch.randint(len(images), (GAN_BATCH,))].requires_grad_(bool(lazy))
        with torch.no_grad():
            fake = generator(torch.randn(GAN_BATCH, NOISE))
        on_real, on_fake = critic(real), critic(fake)
        loss = (F.softplus(-on_real) + F.softplus(on_fake)).mean()
        total = loss
        if lazy:
            (slope,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
            total = loss + EVERY * penalty / 2 * slope.square().sum(dim=(1, 2, 3)).mean()
        for_d.zero_grad()
        total.backward()
        for_d.step()
        for _ in range(each):
            g_loss = F.softplus(-critic(generator(torch.randn(GAN_BATCH, NOISE)))).mean()
            for_g.zero_grad()
            g_loss.backward()
            for_g.step()
        chances = (torch.sigmoid(on).mean().item() for on in (on_real, on_fake))
        return loss.item(), g_loss.item(), *chances

    def mapping(z: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return generator.mapping(torch.from_numpy(z)).numpy()

    def synthesis(*w: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return generator.synthesis(*map(torch.from_numpy, w)).numpy()[:, 0]

    return step, mapping, synthesis


def keras_gan(seed: int, penalty: float, each: int, x: np.ndarray) -> tuple[Callable, Callable, Callable]:
    """Return (one step, mapping, synthesis) of the same GAN in Keras."""
    import keras
    import tensorflow as tf
    from keras import layers

    keras.utils.set_random_seed(seed)

    def dense(n_out: int, gain: float = 1.0) -> layers.Dense:
        return layers.Dense(
            n_out, kernel_initializer=keras.initializers.VarianceScaling(gain, "fan_in", "untruncated_normal")
        )

    def adain(maps: Any, style: Any) -> Any:
        mean, variance = tf.nn.moments(maps, axes=(1, 2), keepdims=True)
        scale, shift = tf.split(style[:, None, None, :], 2, axis=-1)
        return (1 + scale) * (maps - mean) * tf.math.rsqrt(variance + 1e-5) + shift

    class Block(layers.Layer):
        def __init__(self, c_out: int) -> None:
            super().__init__()
            self.conv = layers.Conv2DTranspose(c_out, 4, strides=2, padding="same")
            self.noise = self.add_weight(shape=(c_out,), initializer="zeros")
            self.style = dense(2 * c_out)

        def call(self, maps: Any, w: Any) -> Any:
            maps = self.conv(maps)
            maps = maps + self.noise * tf.random.normal((tf.shape(maps)[0], *maps.shape[1:3], 1))
            return adain(tf.nn.leaky_relu(maps, 0.2), self.style(w))

    class Generator(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            leaky = layers.LeakyReLU(negative_slope=0.2)
            self.mapping = keras.Sequential([keras.Input((NOISE,)), dense(64, 2), leaky, dense(NOISE, 2), leaky])
            self.constant = self.add_weight(shape=(1, 7, 7, 32), initializer=keras.initializers.RandomNormal(stddev=1))
            self.style, self.block1, self.block2 = dense(64), Block(16), Block(16)
            self.image = layers.Conv2D(1, 3, padding="same", activation="sigmoid")

        def synthesis(self, w0: Any, w1: Any, w2: Any) -> Any:
            maps = adain(tf.repeat(self.constant, tf.shape(w0)[0], axis=0), self.style(w0))
            return self.image(self.block2(self.block1(maps, w1), w2))

        def call(self, z: Any) -> Any:
            w = self.mapping(z)
            return self.synthesis(w, w, w)

    generator = Generator()
    generator(tf.zeros((1, NOISE)))
    critic = keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(16, 4, strides=2, padding="same"), layers.LeakyReLU(negative_slope=0.2),
        layers.Conv2D(32, 4, strides=2, padding="same"), layers.LeakyReLU(negative_slope=0.2),
        layers.Flatten(), layers.Dense(1),
    ])  # fmt: skip
    for_g, for_d = (keras.optimizers.Adam(LR, beta_1=0.0, beta_2=0.99, epsilon=1e-8) for _ in range(2))
    for_g.build(generator.trainable_variables)
    for_d.build(critic.trainable_variables)
    rng, count = np.random.default_rng(seed), iter(range(10**9))

    @tf.function
    def critic_step(real: Any, lazy: bool) -> Any:
        fake = generator(tf.random.normal((GAN_BATCH, NOISE)))
        with tf.GradientTape() as tape:
            with tf.GradientTape() as inner:
                inner.watch(real)
                on_real = critic(real)
            on_fake = critic(fake)
            loss = tf.reduce_mean(tf.nn.softplus(-on_real) + tf.nn.softplus(on_fake))
            total = loss
            if lazy:
                slope = inner.gradient(on_real, real)
                total = loss + EVERY * penalty / 2 * tf.reduce_mean(tf.reduce_sum(slope**2, axis=(1, 2, 3)))
        for_d.apply(tape.gradient(total, critic.trainable_variables), critic.trainable_variables)
        return loss, tf.reduce_mean(tf.sigmoid(on_real)), tf.reduce_mean(tf.sigmoid(on_fake))

    @tf.function
    def generator_step() -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.softplus(-critic(generator(tf.random.normal((GAN_BATCH, NOISE))))))
        for_g.apply(tape.gradient(loss, generator.trainable_variables), generator.trainable_variables)
        return loss

    def step() -> tuple[float, float, float, float]:
        lazy = bool(penalty) and next(count) % EVERY == 0
        real = tf.constant(x[rng.integers(len(x), size=GAN_BATCH), :, :, None])
        d_loss, chance_real, chance_fake = critic_step(real, lazy)
        for _ in range(each):
            g_loss = generator_step()
        return float(d_loss), float(g_loss), float(chance_real), float(chance_fake)

    def mapping(z: np.ndarray) -> np.ndarray:
        return generator.mapping(z).numpy()

    def synthesis(*w: np.ndarray) -> np.ndarray:
        return generator.synthesis(*map(tf.constant, w)).numpy()[..., 0]

    return step, mapping, synthesis


SIDES = {"torch": (torch_auto, torch_gan), "keras": (keras_auto, keras_gan)}


# --- Parts ---------------------------------------------------------------------------------------------------------


def autoencoders(framework: str, seed: int) -> Iterator[Row]:
    """Yield the rows of all autoencoders with one seed."""
    for variant, (beta, epochs) in AUTO.items():
        yield from one_autoencoder(framework, seed, variant, beta, epochs, 8)
        if seed == 0 and framework == "torch" and variant != "beta-20":
            yield from one_autoencoder(framework, seed, variant, beta, epochs, 2)


def one_autoencoder(framework: str, seed: int, variant: str, beta: float, epochs: int, size: int) -> Iterator[Row]:
    """Train one autoencoder; yield its measurements, and its pictures for the first seed."""
    from gpulab.data import load

    digits = load("digits")
    x, valid = digits.train.x[..., 0], digits.valid.x[..., 0]
    epoch, encode, decode = SIDES[framework][0](seed, size, beta, x)
    names = {"framework": framework, "model": "auto", "variant": variant, "seed": seed, "size": size}
    draws = np.random.default_rng(seed).standard_normal((SAMPLES, size))
    start = time.perf_counter()
    for number in range(1, epochs + 1):
        epoch()
        if number % 2 and number != 1:
            continue
        seconds = time.perf_counter() - start
        mean, log_var = encode(valid)
        noise = np.random.default_rng(number).standard_normal(mean.shape)
        z = mean + np.exp(log_var / 2) * noise if beta else mean
        kl = 0.5 * (mean**2 + np.exp(log_var) - 1 - log_var).mean(axis=0) if beta else np.zeros(size)
        codes = encode(x)[0]
        lower = np.linalg.cholesky(np.cov(codes.T) + 1e-6 * np.eye(size))
        sampled = sigmoid(decode(draws if beta else codes.mean(axis=0) + draws @ lower.T))
        rebuilt = decode(z)
        yield {
            **names,
            "kind": "score",
            "epoch": number,
            "seconds": round(seconds, 1),
            "reconstruction": round(float(cross_entropy(rebuilt, valid)), 2),
            "kl": round(float(kl.sum()), 3),
            "active": int((kl > 0.1).sum()),
            **judged(sampled),
        }
    if seed or framework != "torch":
        return
    if size == 8:
        yield picture(sampled[:KEPT], **names, shows="samples")
        yield picture(sigmoid(decode(mean[:10])), **names, shows="rebuilt")
        ends = (digits.valid.y == 3).argmax(), (digits.valid.y == 7).argmax()
        share = np.linspace(0, 1, 10)[:, None]
        yield picture(sigmoid(decode((1 - share) * mean[ends[0]] + share * mean[ends[1]])), **names, shows="path")
    else:
        low, high = codes.mean(axis=0) - 2 * codes.std(axis=0), codes.mean(axis=0) + 2 * codes.std(axis=0)
        across, down = np.linspace(low[0], high[0], 8), np.linspace(high[1], low[1], 8)
        plane = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
        yield picture(sigmoid(decode(plane)), **names, shows="plane")
        yield {**names, "kind": "codes", "codes": hundredths(mean), "low": hundredths(low), "high": hundredths(high)}


def hundredths(values: np.ndarray) -> list[Any]:
    """Return an array as lists of numbers with two digits."""
    return np.round(values.astype(np.float64), 2).tolist()


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Return probabilities; exact enough for float32."""
    return 0.5 * (1 + np.tanh(logits / 2))


def cross_entropy(logits: np.ndarray, x: np.ndarray) -> float:
    """Return the binary cross-entropy of images in nats, summed over pixels, the mean over images."""
    return (np.logaddexp(0, logits) - x * logits).sum(axis=(1, 2)).mean()


def gans(framework: str, seed: int, variant: str) -> Iterator[Row]:
    """Train one GAN; yield its measurements, and pictures for the first seed."""
    from gpulab.data import load

    x = load("digits").train.x[..., 0]
    plan = dict(GAN[variant])
    steps = plan.pop("steps")
    step, mapping, synthesis = SIDES[framework][1](seed, plan["penalty"], plan["each"], x)
    names = {"framework": framework, "model": "gan", "variant": variant, "seed": seed}
    z = np.random.default_rng(seed).standard_normal((SAMPLES, NOISE)).astype(np.float32)
    seconds = 0.0
    recent = []
    for number in range(1, steps + 1):
        start = time.perf_counter()
        recent.append(step())
        seconds += time.perf_counter() - start
        if number * 10 % steps:
            continue
        d_loss, g_loss, on_real, on_fake = np.mean(recent, axis=0)
        recent = []
        w = mapping(z)
        sampled = synthesis(w, w, w)
        yield {
            **names,
            "kind": "score",
            "step": number,
            "seconds": round(seconds, 1),
            "d_loss": round(float(d_loss), 4),
            "g_loss": round(float(g_loss), 3),
            "on_real": round(float(on_real), 3),
            "on_fake": round(float(on_fake), 3),
            **judged(sampled),
        }
    if seed or framework != "torch":
        return
    yield picture(sampled[:KEPT], **names, shows="samples")
    if variant == "penalty":
        rows, columns = w[:5], w[5:11]
        for shows, order in (("mixed-coarse", "rcc"), ("mixed-fine", "rrc")):
            pick = {"r": np.repeat(rows, 6, axis=0), "c": np.tile(columns, (5, 1))}
            yield picture(synthesis(*(pick[letter] for letter in order)), **names, shows=shows)
        yield picture(synthesis(*3 * [w[:11]]), **names, shows="parents")


def kept(framework: str, seed: int) -> Path:
    """Return the file of a part that the present script wrote, or will write."""
    folder = stamp.ROOT / "_build" / "generate_digits" / stamp.script_hash("generate_digits")[:12]
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{framework}-{seed}.json"


def run_part(framework: str, seed: int) -> None:
    """Train everything of one framework with one seed, and keep the rows."""
    start = time.perf_counter()
    rows = list(autoencoders(framework, seed))
    for variant in GAN:
        rows += gans(framework, seed, variant)
    record = {"seconds": time.perf_counter() - start, "rows": rows}
    kept(framework, seed).write_text(json.dumps(record), encoding="utf-8")


def main() -> None:
    """Compute what is missing, and store all rows with their stamp."""
    rows, seconds = [], 0.0
    for part in RUNS:
        if not kept(*part).exists():
            subprocess.run([sys.executable, "-m", "experiments.generate_digits", *map(str, part)], check=True)
        record = json.loads(kept(*part).read_text(encoding="utf-8"))
        rows += record["rows"]
        seconds += record["seconds"]
    real = {"kind": "real", **real_digits()}
    path = stamp.store("generate_digits", [real, *rows], [0, 1], ["numpy", "torch", "tensorflow", "keras"], seconds)
    print(f"{len(rows) + 1} rows in {seconds:.0f} s, stored in {path.relative_to(stamp.ROOT)}")


def real_digits() -> dict[str, float]:
    """Return what the judge says of the validation digits, for comparison."""
    from gpulab.data import load

    return judged(load("digits").valid.x[..., 0])


if __name__ == "__main__":
    if len(sys.argv) == 3:
        run_part(sys.argv[1], int(sys.argv[2]))
    else:
        main()
