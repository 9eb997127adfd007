"""Load a pretrained model: one call, two frameworks, three sources."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from gpulab.transfer import text, weights
from gpulab.transfer.errors import TransferError
from gpulab.transfer.registry import card

FRAMEWORKS = ("keras", "torch")


def load(
    name: str,
    framework: str,
    *,
    classes: int | None = None,
    source: str | os.PathLike[str] | None = "package",
    preprocess: bool | None = True,
    dropout: float = 0.2,
) -> Any:
    """Return a pretrained model, cut into the same named stages in both frameworks.

    Parameters
    ----------
    name : str
        Of a card: see :func:`gpulab.transfer.cards`.
    framework : {"torch", "keras"}
    classes : int, optional
        None keeps the head of the source task; an encoder without one returns its features. A number makes a fresh
        linear head of so many logits (seed the framework first).
    source : str, path or None
        "package": the pinned asset in the course's cache. A folder that holds the same file. "hub": the makers'
        address, asked only then. The file's hash is compared with the published one each time. None: no weights are
        read, and the network of the same architecture starts from random ones.
    preprocess : bool or None
        For images. True: the model takes pixels from 0 to 1 and normalizes them itself. False: it takes what
        :func:`gpulab.transfer.preprocess` returns. Either way it refuses images that are something else, where it can
        see them. None: it takes what it gets without a look; only good for seeing what goes wrong.
    dropout : float
        Before the head's linear layer, in training.

    Returns
    -------
    torch.nn.Module or keras.Model
        Images are (n, height, width, 3) in Keras and (n, 3, height, width) inside PyTorch, of any size; ``fit``,
        ``evaluate`` and ``predict`` take arrays (n, height, width, 3) for both. Returns logits. In torch it has
        ``stages`` (an nn.ModuleDict) and ``head``; in Keras the name of each layer starts with its stage's. The
        torch model is in evaluation mode.

    Raises
    ------
    TransferError
        The name is not known, an argument is out of range, or the file is missing, damaged or another one.

    Examples
    --------
    >>> load("mobilenet-v2", "jax")
    Traceback (most recent call last):
    ...
    gpulab.transfer.errors.TransferError: There is no framework 'jax' in the course. Choose one of: keras, torch.
    """
    card(name)
    if framework not in FRAMEWORKS:
        raise TransferError(f"There is no framework {framework!r} in the course. Choose one of: keras, torch.")
    if classes is not None:
        check_classes(classes)
    check_dropout(dropout)
    model = BUILDERS.get(name, _image)(name, framework, classes, source, preprocess, dropout)
    return model.eval() if framework == "torch" else model


def _image(
    name: str,
    framework: str,
    classes: int | None,
    source: str | os.PathLike[str] | None,
    preprocess: bool | None,
    dropout: float,
) -> Any:
    """Build a network for images."""
    arrays = None if source is None else weights.read(name, source)
    if framework == "torch":
        from gpulab.transfer import images_torch as images
    else:
        from gpulab.transfer import images_keras as images
    return images.build(name, arrays, classes=classes, preprocess=preprocess, dropout=dropout)


# Models that are no networks of the tables: name -> a function with the arguments of `_image`.
BUILDERS: dict[str, Callable[..., Any]] = {"minilm": text.build}


def check_classes(classes: object) -> None:
    """Refuse a number of classes that is none.

    Raises
    ------
    TransferError
        It is not a whole number of at least 1.
    """
    if isinstance(classes, bool) or not isinstance(classes, int) or classes < 1:
        raise TransferError(f"classes={classes!r}: expected a whole number of at least 1, or None for the old head.")


def check_dropout(dropout: object) -> None:
    """Refuse a share that is none.

    Raises
    ------
    TransferError
        It is not a number from 0 to below 1.
    """
    if isinstance(dropout, bool) or not isinstance(dropout, int | float) or not 0 <= dropout < 1:
        raise TransferError(f"dropout={dropout!r}: expected a share from 0 to below 1, such as 0.2.")
