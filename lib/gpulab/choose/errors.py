"""What `gpulab.choose` raises on purpose."""

from __future__ import annotations


class ChooseError(Exception):
    """A need or a limit cannot be used; the message says what to do."""
