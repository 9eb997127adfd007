"""MiniLM, the course's pretrained text model: its numbers, and which file builds it in which framework."""

from __future__ import annotations

import os
from typing import Any

from gpulab.transfer import weights

# In the words of the file config.json that comes with the weights.
CONFIG: dict[str, Any] = {
    "vocab_size": 30522,
    "hidden_size": 384,
    "num_hidden_layers": 6,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
}


def build(
    name: str,
    framework: str,
    classes: int | None,
    source: str | os.PathLike[str] | None,
    preprocess: bool | None,
    dropout: float,
) -> Any:
    """Return the encoder for :func:`gpulab.transfer.load`; ``preprocess`` is for images and does nothing here."""
    file = None if source is None else weights.locate(name, source)
    if framework == "torch":
        from gpulab.transfer import text_torch as side
    else:
        from gpulab.transfer import text_keras as side
    return side.build(file, classes=classes, dropout=dropout)
