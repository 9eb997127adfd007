"""Pretrained models: load, look inside, cut, freeze, fine-tune, and choose between them; in PyTorch and in Keras."""

from __future__ import annotations

from gpulab.transfer import scores
from gpulab.transfer.errors import TransferError
from gpulab.transfer.freezing import freeze, unfreeze
from gpulab.transfer.gradual import GradualUnfreezing
from gpulab.transfer.labels import labels
from gpulab.transfer.loading import load
from gpulab.transfer.lora import lora, merge_lora
from gpulab.transfer.photographs import Photograph, photographs
from gpulab.transfer.rates import group_rates
from gpulab.transfer.registry import ModelCard, Preprocess, card, cards, preprocess
from gpulab.transfer.remedies import ElasticWeights, TowardStart, fisher
from gpulab.transfer.similarity import cka
from gpulab.transfer.stages import StageRow, cut, features, new_head, parameters, set_head, stages
from gpulab.transfer.tokens import Tokenizer, tokenizer

__all__ = [
    "ElasticWeights",
    "GradualUnfreezing",
    "ModelCard",
    "Photograph",
    "Preprocess",
    "StageRow",
    "Tokenizer",
    "TowardStart",
    "TransferError",
    "card",
    "cards",
    "cka",
    "cut",
    "features",
    "fisher",
    "freeze",
    "group_rates",
    "labels",
    "load",
    "lora",
    "merge_lora",
    "new_head",
    "parameters",
    "photographs",
    "preprocess",
    "scores",
    "set_head",
    "stages",
    "tokenizer",
    "unfreeze",
]
