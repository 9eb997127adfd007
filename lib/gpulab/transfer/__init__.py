"""Pretrained models: load, look inside, cut, freeze, fine-tune, and choose between them; in PyTorch and in Keras."""

from __future__ import annotations
