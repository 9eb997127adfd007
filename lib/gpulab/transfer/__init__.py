"""Pretrained models: load, look inside, cut, freeze, fine-tune, and choose between them; in PyTorch and in Keras."""

from __future__ import annotations

from gpulab.transfer import scores
from gpulab.transfer.similarity import cka

__all__ = ["cka", "scores"]
