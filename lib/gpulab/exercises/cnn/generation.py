"""The exercises of the pages on generating images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array
from gpulab.exercises.engine import exercise


@exercise("cnn/gaussian-kl", "function", "a function gaussian_kl(mean, log_var) of two arrays (n, k)")
def gaussian_kl(answer: Any) -> Iterator[Case]:
    """Compute the KL divergence of n diagonal Gaussians from the standard normal, in nats."""

    def terms(mean: np.ndarray, log_var: np.ndarray) -> np.ndarray:
        return (mean**2 + np.exp(log_var) - 1 - log_var) / 2

    mistakes = [
        Mistake("One number for each of the n codes: add up over the k numbers of a code.", gives=terms),
        Mistake(
            "Add up over the k numbers of a code, not over the n codes.", gives=lambda m, v: terms(m, v).sum(axis=0)
        ),
        Mistake(
            "The k numbers are independent, so that their divergences add up. A mean is too small.",
            gives=lambda m, v: terms(m, v).mean(axis=-1),
        ),
        Mistake("Leave the n codes apart: the mean over a batch comes later.", gives=lambda m, v: terms(m, v).sum()),
        Mistake(
            "Leave the n codes apart: the mean over a batch comes later.",
            gives=lambda m, v: terms(m, v).sum(axis=-1).mean(),
        ),
        Mistake("A factor is missing: compare with the formula.", gives=lambda m, v: 2 * terms(m, v).sum(axis=-1)),
        Mistake("The sign is wrong: a divergence is never negative.", gives=lambda m, v: -terms(m, v).sum(axis=-1)),
        Mistake(
            "`log_var` is the logarithm of the variance, not the variance.",
            gives=lambda m, v: ((m**2 + v - 1 - np.log(v)) / 2).sum(axis=-1),
        ),
        Mistake(
            "`log_var` is the logarithm of the variance, not of the standard deviation.",
            gives=lambda m, v: ((m**2 + np.exp(2 * v) - 1 - 2 * v) / 2).sum(axis=-1),
        ),
        Mistake(
            "The variance stands in the formula, not the standard deviation.",
            gives=lambda m, v: ((m**2 + np.exp(v / 2) - 1 - v) / 2).sum(axis=-1),
        ),
        Mistake("The mean enters squared.", gives=lambda m, v: ((m + np.exp(v) - 1 - v) / 2).sum(axis=-1)),
    ]
    hint = "Write the formula for one number first. A standard normal itself must give zero."
    a, b = np.log(2.0), np.log(3.0)
    for label, mean, log_var, right in (
        ("one code with one number, mean 0 and variance 1", [[0.0]], [[0.0]], [0]),
        ("mean 2 and variance 1", [[2.0]], [[0.0]], [2]),
        ("mean 0 and variance 2", [[0.0]], [[a]], [(1 - a) / 2]),
        ("one code with two numbers", [[1.0, -2]], [[0.0, b]], [1 / 2 + (6 - b) / 2]),
        (
            "two codes with three numbers",
            [[0.0, 0, 1], [3, 0, -1]],
            [[a, 0, 0], [-a, b, 0]],
            [(1 - a) / 2 + 1 / 2, (9 - 1 / 2 + a) / 2 + (2 - b) / 2 + 1 / 2],
        ),
    ):
        yield from called(
            answer,
            (np.array(mean), np.array(log_var)),
            Array(right),
            name="gaussian_kl",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for {label},",
            verb="is",
        )


@exercise("cnn/reparameterize", "function", "a function draw_gradients(g, log_var, noise) of arrays (n, k)")
def reparameterize(answer: Any) -> Iterator[Case]:
    """Pass the gradient of z = mean + std * noise back to the mean and to the log-variance."""

    def made(change: Any) -> Any:
        """Return a function that gives the gradients with the second one changed."""
        return lambda g, v, e: (g, change(g, v, e))

    swapped = "First the gradient for the mean, then the one for the log-variance."
    mistakes = [
        Mistake(swapped, gives=lambda g, v, e: (g * e * np.exp(v / 2) / 2, g)),
        Mistake(
            "This is the gradient for the standard deviation. One more step of the chain rule leads to `log_var`.",
            gives=made(lambda g, v, e: g * e),
        ),
        Mistake(
            "The inner derivative is missing: differentiate log_var / 2, too.",
            gives=made(lambda g, v, e: g * e * np.exp(v / 2)),
        ),
        Mistake(
            "exp(log_var) is the variance. The noise is multiplied by the standard deviation.",
            gives=made(lambda g, v, e: g * e * np.exp(v)),
        ),
        Mistake(
            "exp(log_var) is the variance. The noise is multiplied by the standard deviation.",
            gives=made(lambda g, v, e: g * e * np.exp(v) / 2),
        ),
        Mistake("The noise is a factor in the gradient.", gives=made(lambda g, v, e: g * np.exp(v / 2) / 2)),
        Mistake(
            "The gradient that arrives, `g`, is a factor of both.",
            gives=lambda g, v, e: (np.ones_like(g), e * np.exp(v / 2) / 2),
        ),
        Mistake(
            "The mean has no factor: make it a little larger, and z grows by as much.",
            gives=lambda g, v, e: (g * e, g * e * np.exp(v / 2) / 2),
        ),
        Mistake("Give back two arrays.", when=lambda got: np.asarray(got).ndim < 3),
    ]
    hint = "z = mean + exp(log_var / 2) * noise. Differentiate z for each of the two, and multiply by g."
    a = np.log(4.0)
    for label, g, log_var, noise, right in (
        ("one number, variance 1, noise 2", [[1.0]], [[0.0]], [[2.0]], [[[1]], [[1]]]),
        ("noise 0", [[3.0]], [[0.0]], [[0.0]], [[[3]], [[0]]]),
        ("variance 4, noise −1", [[1.0]], [[a]], [[-1.0]], [[[1]], [[-1]]]),
        ("a gradient of 5", [[5.0]], [[a]], [[3.0]], [[[5]], [[15]]]),
        (
            "two codes with two numbers",
            [[1.0, -1], [2, 0]],
            [[0.0, a], [-a, 0]],
            [[1.0, 1], [4, 7]],
            [[[1, -1], [2, 0]], [[1 / 2, -1], [2, 0]]],
        ),
    ):
        yield from called(
            answer,
            (np.array(g), np.array(log_var), np.array(noise)),
            Array(np.array(right, float)),
            name="draw_gradients",
            mistakes=mistakes,
            hint=hint,
            label=f"The pair for {label},",
            verb="is",
        )


@exercise("cnn/gan-losses", "function", "a function gan_losses(on_real, on_fake) of logits")
def gan_losses(answer: Any) -> Iterator[Case]:
    """Compute the loss of the discriminator and the non-saturating loss of the generator from logits."""

    def soft(t: np.ndarray) -> np.ndarray:
        return np.logaddexp(0, t)

    def pair(d: Any, g: Any) -> Any:
        return lambda r, f: (d(r, f), g(r, f))

    right_d = lambda r, f: soft(-r).mean() + soft(f).mean()  # noqa: E731
    right_g = lambda r, f: soft(-f).mean()  # noqa: E731
    saturating = "This generator loss is the saturating one: it is flat where the discriminator sees the fakes for sure."
    mistakes = [
        Mistake(saturating, gives=pair(right_d, lambda r, f: -soft(f).mean())),
        Mistake(
            "The generator wants its fakes to be called real. This loss falls when they are called fake.",
            gives=pair(right_d, lambda r, f: soft(f).mean()),
        ),
        Mistake(
            "The labels are changed over: the discriminator's loss must fall when the logits of real images rise.",
            gives=pair(lambda r, f: soft(r).mean() + soft(-f).mean(), right_g),
        ),
        Mistake(
            "The labels are changed over: the discriminator's loss must fall when the logits of real images rise.",
            gives=pair(lambda r, f: soft(r).mean() + soft(-f).mean(), lambda r, f: soft(f).mean()),
        ),
        Mistake(
            "The discriminator looks at fakes, too: its loss has two terms.",
            gives=pair(lambda r, f: soft(-r).mean(), right_g),
        ),
        Mistake(
            "The real images are no part of the generator's loss: it cannot change them.",
            gives=pair(right_d, lambda r, f: soft(-f).mean() + soft(r).mean()),
        ),
        Mistake("Take the mean over the batch, not the sum.", gives=pair(
            lambda r, f: soft(-r).sum() + soft(f).sum(), lambda r, f: soft(-f).sum()
        )),
        Mistake("Add the two terms of the discriminator. Here they are averaged.", gives=pair(
            lambda r, f: right_d(r, f) / 2, right_g
        )),
        Mistake("First the discriminator's loss, then the generator's.", gives=lambda r, f: (right_g(r, f), right_d(r, f))),
        Mistake(
            "For a logit far from zero the probability rounds to 0 or 1, and its logarithm is lost. "
            "Use log(1 + e^t) of the logit: `np.logaddexp(0, t)`.",
            when=lambda got: not np.isfinite(np.asarray(got, float)).all(),
        ),
        Mistake("Two numbers are asked for.", when=lambda got: np.asarray(got).shape != (2,)),
    ]  # fmt: skip
    hint = "−log of a sigmoid is log(1 + e^−t). Which logits should be large, and for whom?"
    a = np.log(2.0)
    for label, on_real, on_fake, right in (
        ("logits of zero", [0.0], [0.0], (2 * a, a)),
        ("a real logit of ln 3 and a fake one of −ln 3", [np.log(3)], [-np.log(3)], (2 * np.log(4 / 3), np.log(4))),
        (
            "two real and three fake images",
            [0.0, np.log(3)],
            [0.0, 0.0, np.log(3)],
            ((a + np.log(4 / 3)) / 2 + (2 * a + np.log(4)) / 3, (2 * a + np.log(4 / 3)) / 3),
        ),
        ("logits of 1,000 and −1,000", [1000.0], [-1000.0], (0, 1000)),
        ("logits of −1,000 and 1,000", [-1000.0], [1000.0], (2000, 0)),
    ):
        yield from called(
            answer,
            (np.array(on_real), np.array(on_fake)),
            Array(np.array(right, float)),
            name="gan_losses",
            mistakes=mistakes,
            hint=hint,
            label=f"The pair for {label},",
            verb="is",
        )


@exercise("cnn/adain", "function", "a function restyle(maps, scale, shift) of maps (n, h, w, c)")
def adain(answer: Any) -> Iterator[Case]:
    """Normalize each map of each image, then scale and shift it."""
    mistakes = [
        Mistake(
            "Each image has its own statistics: here the mean is taken over the batch, too.", gives=_restyled((0, 1, 2))
        ),
        Mistake("Each channel has its own statistics: here the mean is taken over the channels.", gives=_restyled((3,))),
        Mistake(
            "Each channel has its own statistics: here the mean is taken over the channels, too.",
            gives=_restyled((1, 2, 3)),
        ),
        Mistake("Divide by the standard deviation, not by the variance.", gives=_restyled((1, 2), power=1.0)),
        Mistake("Each map must get a standard deviation of 1 before it is scaled.", gives=_restyled((1, 2), power=0.0)),
        Mistake("A nearly flat map has a variance near 0. What is added to it?", gives=_restyled((1, 2), inside=0.0)),
        Mistake(
            "The 1e-5 belongs under the root, as a part of the variance.",
            gives=_restyled((1, 2), inside=0.0, outside=1e-5),
        ),
        Mistake("Take the mean away first.", gives=_restyled((1, 2), centered=False)),
        Mistake("Multiply by `scale` itself here, not by 1 + scale.", gives=_restyled((1, 2), extra=1.0)),
        Mistake("Normalize before you scale and shift.", gives=lambda x, a, b: _plain(x, a, b)),
        Mistake(
            "`scale` and `shift` have the shape (n, c). Put two axes in between: `scale[:, None, None]`.",
            when=lambda got: np.asarray(got).ndim != 4,
        ),
    ]
    hint = "Mean and variance over rows and columns only, with `keepdims=True`; 1e-5 is added to the variance."
    rng = np.random.default_rng(0)
    for label, (n, h, w, c) in (
        ("one image with one map of 2 × 2", (1, 2, 2, 1)),
        ("one image with two maps", (1, 2, 3, 2)),
        ("two images with two maps", (2, 3, 2, 2)),
        ("three images with three maps of 3 × 3, one nearly flat", (3, 3, 3, 3)),
    ):
        maps = rng.integers(-9, 10, (n, h, w, c)) * np.arange(1.0, c + 1) + np.arange(n)[:, None, None, None]
        if n == 3:
            maps[0, :, :, 0] /= 1000
        call = (maps, rng.integers(1, 5, (n, c)) / 2, rng.integers(-3, 4, (n, c)) * 1.0)
        yield from called(
            answer,
            call,
            Array(_by_loops(*call), rel=1e-4, absolute=1e-4),
            name="restyle",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for {label},",
            verb="is",
        )


def _restyled(
    axes: tuple[int, ...],
    power: float = 0.5,
    centered: bool = True,
    extra: float = 0.0,
    inside: float = 1e-5,
    outside: float = 0.0,
) -> Any:
    """Return a function that restyles maps, with a part of it changed."""

    def mistaken(maps: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
        mean = maps.mean(axis=axes, keepdims=True)
        variance = maps.var(axis=axes, keepdims=True) + inside
        return _plain((maps - mean * centered) / (variance**power + outside), scale + extra, shift)

    return mistaken


def _plain(maps: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    return scale[:, None, None] * maps + shift[:, None, None]


def _by_loops(maps: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return the restyled maps, one map at a time."""
    out = np.empty(maps.shape)
    for i, j in np.ndindex(scale.shape):
        one = maps[i, :, :, j]
        out[i, :, :, j] = scale[i, j] * (one - one.mean()) / (one.var() + 1e-5) ** 0.5 + shift[i, j]
    return out
