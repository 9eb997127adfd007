"""Ready-made workloads for the four kinds of applications, so that a choice needs no model of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from gpulab.choose.errors import ChooseError
from gpulab.estimate import EstimateError, Workload
from gpulab.estimate import workload as counted

FOLDER = Path(__file__).with_name("workloads")


@dataclass(frozen=True)
class Ready:
    """A workload that stands for an application.

    Attributes
    ----------
    model : str
        Its name.
    application : str
        ``"image and video"``, ``"text"``, ``"reinforcement learning"`` or ``"generative"``.
    words : str
        What it is, in a few words; a sample is what the words say.
    batch, infer_batch : int
        Samples in a step of training, and in a step of inference.
    samples : int
        A whole training: passes over a data set, or an agent's updates.
    served : int
        Samples to answer in inference.
    source : str
        Where the network and the length of its training come from.
    """

    model: str
    application: str
    words: str
    batch: int
    infer_batch: int
    samples: int
    served: int
    source: str


READY: Mapping[str, Ready] = MappingProxyType({each.model: each for each in (
    Ready("resnet50", "image and video", "ResNet-50, images of 224 x 224", 128, 32, 90 * 1_281_167, 100_000_000,
          "He et al. 2016; 90 passes over ImageNet"),
    Ready("r3d-18", "image and video", "R3D-18, clips of 16 frames of 112 x 112", 32, 8, 45 * 240_000, 10_000_000,
          "Tran et al. 2018; 45 passes over the 240,000 clips of Kinetics"),
    Ready("bert-base", "text", "BERT-base, questions on texts of 384 tokens", 32, 8, 2 * 88_000, 100_000_000,
          "Devlin et al. 2019; two passes over SQuAD"),
    Ready("gpt2", "text", "GPT-2 (124 M), texts of 1024 tokens", 8, 4, 1_000_000, 10_000_000,
          "Radford et al. 2019; a million texts"),
    Ready("dqn", "reinforcement learning", "deep Q-network, screens of 84 x 84", 32, 4, 32 * 12_500_000, 50_000_000,
          "Mnih et al. 2015; 50 million frames, an update of 32 samples after every fourth"),
    Ready("dcgan", "generative", "DCGAN, images of 64 x 64", 128, 64, 25 * 200_000, 10_000_000,
          "Radford et al. 2016; 25 passes over 200,000 images"),
    Ready("vae", "generative", "convolutional VAE, images of 64 x 64", 128, 64, 50 * 200_000, 10_000_000,
          "Kingma and Welling 2014; 50 passes over 200,000 images"),
)})  # fmt: skip


@cache
def load(model: str, half: bool, mode: str) -> Workload:
    """Return the counted step of a ready-made workload, or of a model that `gpulab.estimate` knows.

    Raises
    ------
    ChooseError
        There is no such model; the message lists the ready-made ones.

    Examples
    --------
    >>> load("dqn", half=False, mode="train").batch
    32
    """
    path = FOLDER / f"{model}-{mode}-{16 if half else 32}.json"
    if "/" not in model and path.exists():
        return Workload.load(path)
    try:
        return counted(model, 8, "fp16" if half else "fp32", mode)
    except EstimateError as error:
        raise ChooseError(f"{error}. Ready-made: {', '.join(READY)}") from None
