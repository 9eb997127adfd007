"""Answers to the exercises of the pages on generating images."""

from __future__ import annotations

import numpy as np

from tests.exercises.walk import Answers


def gaussian_kl(mean, log_var):
    return 0.5 * (mean**2 + np.exp(log_var) - 1 - log_var).sum(axis=1)


def draw_gradients(g, log_var, noise):
    return g, 0.5 * g * np.exp(log_var / 2) * noise


def softplus(t):
    return np.logaddexp(0, t)


def gan_losses(on_real, on_fake):
    return softplus(-on_real).mean() + softplus(on_fake).mean(), softplus(-on_fake).mean()


def by_probabilities(on_real, on_fake):
    with np.errstate(all="ignore"):
        p, q = 1 / (1 + np.exp(-on_real)), 1 / (1 + np.exp(-on_fake))
        return -np.log(p).mean() - np.log(1 - q).mean(), -np.log(q).mean()


def restyle(maps, scale, shift, axes=(1, 2), root=0.5, inside=1e-5, outside=0):
    mean, var = maps.mean(axis=axes, keepdims=True), maps.var(axis=axes, keepdims=True)
    return scale[:, None, None] * (maps - mean) / ((var + inside) ** root + outside) + shift[:, None, None]


ANSWERS = {
    "cnn/gaussian-kl": Answers(
        gaussian_kl,
        [
            (lambda m, v: 0.5 * (m**2 + np.exp(v) - 1 - v), "add up over the k numbers"),
            (lambda m, v: gaussian_kl(m.T, v.T), "not over the n codes"),
            (lambda m, v: gaussian_kl(m, v) / m.shape[1], "A mean is too small"),
            (lambda m, v: gaussian_kl(m, v).mean(), "the mean over a batch comes later"),
            (lambda m, v: -gaussian_kl(m, v), "never negative"),
            (lambda m, v: 2 * gaussian_kl(m, v), "A factor is missing"),
            (lambda m, v: gaussian_kl(m, 2 * v), "not of the standard deviation"),
            (lambda m, v: 0.5 * (m**2 + np.exp(v / 2) - 1 - v).sum(axis=1), "not the standard deviation"),
            (lambda m, v: 0.5 * (m + np.exp(v) - 1 - v).sum(axis=1), "squared"),
            (lambda m, v: None, "the function returns nothing"),
        ],
    ),
    "cnn/reparameterize": Answers(
        draw_gradients,
        [
            (lambda g, v, e: draw_gradients(g, v, e)[::-1], "First the gradient for the mean"),
            (lambda g, v, e: (g, g * e), "for the standard deviation"),
            (lambda g, v, e: (g, g * e * np.exp(v / 2)), "inner derivative"),
            (lambda g, v, e: (g, g * e * np.exp(v) / 2), "the variance"),
            (lambda g, v, e: (g, g * np.exp(v / 2) / 2), "The noise is a factor"),
            (lambda g, v, e: (np.ones_like(g), e * np.exp(v / 2) / 2), "is a factor of both"),
            (lambda g, v, e: draw_gradients(g, v, e)[1], "two arrays"),
        ],
    ),
    "cnn/gan-losses": Answers(
        gan_losses,
        [
            (lambda r, f: (gan_losses(r, f)[0], -softplus(f).mean()), "saturating"),
            (lambda r, f: (gan_losses(r, f)[0], softplus(f).mean()), "wants its fakes to be called real"),
            (lambda r, f: (gan_losses(-r, -f)[0], softplus(-f).mean()), "labels are changed over"),
            (lambda r, f: (softplus(-r).mean(), softplus(-f).mean()), "two terms"),
            (lambda r, f: (gan_losses(r, f)[0] / 2, softplus(-f).mean()), "averaged"),
            (lambda r, f: gan_losses(r, f)[::-1], "First the discriminator"),
            (by_probabilities, "rounds to 0 or 1"),
            (lambda r, f: sum(gan_losses(r, f)), "Two numbers"),
        ],
    ),
    "cnn/adain": Answers(
        restyle,
        [
            (lambda x, a, b: restyle(x, a, b, axes=(0, 1, 2)), "over the batch"),
            (lambda x, a, b: restyle(x, a, b, axes=3), "over the channels"),
            (lambda x, a, b: restyle(x, a, b, axes=(1, 2, 3)), "over the channels"),
            (lambda x, a, b: restyle(x, a, b, root=1), "not by the variance"),
            (lambda x, a, b: restyle(x, a, b, root=0), "standard deviation of 1"),
            (lambda x, a, b: restyle(x, a + 1, b), "not by 1 + scale"),
            (lambda x, a, b: restyle(x, a, b, inside=0), "has a variance near 0"),
            (lambda x, a, b: restyle(x, a, b, inside=0, outside=1e-5), "belongs under the root"),
            (lambda x, a, b: a[:, None, None] * x + b[:, None, None], "Normalize before"),
        ],
    ),
}
