"""The one error of this room."""

from __future__ import annotations


class TransferError(Exception):
    """A pretrained model cannot be loaded or changed as asked; the message says what was expected and what to do."""
