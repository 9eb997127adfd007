"""Read the files of the sets of sequences, and count the steps of each sequence."""

from __future__ import annotations

import csv

import numpy as np

from gpulab import assets
from gpulab.data.splits import fingerprint


def raw_names() -> tuple[np.ndarray, np.ndarray]:
    """Return the names on one list only: int64 (n, longest), letters 1 to 26 and then 0, and labels, int64 (n,)."""
    with assets.file("names").open(encoding="utf-8", newline="") as stream:
        rows = [(row["name"], row["list"]) for row in csv.DictReader(stream)]
    lists: dict[str, set[str]] = {}
    for name, which in rows:
        lists.setdefault(name, set()).add(which)
    chosen = [(name, which) for name, which in rows if len(lists[name]) == 1]
    x = np.zeros((len(chosen), max(len(name) for name, _ in chosen)), np.int64)
    for row, (name, _) in zip(x, chosen, strict=True):
        row[: len(name)] = [ord(letter) - ord("A") + 1 for letter in name]
    return x, np.array([which == "M" for _, which in chosen], np.int64)


def raw_vowels(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the official ``"train"`` or ``"test"`` recordings: float32 (n, 29, 12), and labels, int64 (n,)."""
    from safetensors.numpy import load_file

    tensors = load_file(assets.file("vowels"))
    return tensors[f"{part}_x"], tensors[f"{part}_y"].astype(np.int64)


def raw_snippets() -> tuple[np.ndarray, np.ndarray]:
    """Return the sentences whose mean rating is not 0: str (n,), and whether it is positive, int64 (n,)."""
    text = assets.file("snippets").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line]
    rated = [(sentence.strip(), float(rating)) for _, rating, sentence in rows if float(rating)]
    return np.array([sentence for sentence, _ in rated]), np.array([rating > 0 for _, rating in rated], np.int64)


def in_order_of_hash(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put samples in the order of their SHA-256, so that the first few are no special ones."""
    order = np.argsort([fingerprint(sample) for sample in x], kind="stable")
    return x[order], y[order]


def lengths(x: np.ndarray) -> np.ndarray:
    """Count the steps of each sequence before its padding.

    Parameters
    ----------
    x : ndarray, (n, steps) int or (n, steps, features) float
        Tokens, or the features of each step. Padding is 0, in every feature, and stands at the end.

    Returns
    -------
    ndarray, (n,), int64
        The number of the last step that is not 0, counted from 1; 0 for a sequence of padding alone.

    Raises
    ------
    ValueError
        ``x`` has another number of axes, or no numbers in it.

    Examples
    --------
    >>> import numpy as np
    >>> lengths(np.array([[3, 1, 0, 0], [5, 0, 2, 0]]))
    array([2, 3])
    >>> lengths(np.array([[[0.5, 0.0], [0.0, 0.2], [0.0, 0.0]]]))
    array([2])
    """
    x = np.asarray(x)
    if x.ndim not in (2, 3) or x.dtype.kind not in "biuf":
        raise ValueError(
            f"x has the shape {x.shape} and the type {x.dtype}; give numbers of the shape (n, steps) or "
            "(n, steps, features). Text must be turned into tokens first."
        )
    used = x != 0 if x.ndim == 2 else (x != 0).any(axis=2)
    return (used * np.arange(1, x.shape[1] + 1)).max(axis=1, initial=0).astype(np.int64)
