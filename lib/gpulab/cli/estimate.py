"""``gpulab estimate``: predict time, memory and energy of a model's step on a device of the catalog."""

from __future__ import annotations

import argparse
import json

from gpulab.estimate import Estimate, estimate
from gpulab.estimate.device_model import PRECISIONS

KEYS = ("samples_per_s", "step_time_s", "peak_memory_gb", "fits", "energy_wh_per_1000_samples", "bound_by")
LAYOUTS = {"channels-last": True, "contiguous": False, "unknown": None}
BOUNDS = {"compute": "arithmetic", "memory": "memory bandwidth", "overhead": "starting kernels"}


def run(arguments: argparse.Namespace) -> int:
    """Print one prediction."""
    answer = estimate(
        arguments.model, arguments.device, arguments.batch, arguments.precision, arguments.mode, arguments.optimizer,
        arguments.image_size, arguments.seq_len, LAYOUTS[arguments.layout],
    )  # fmt: skip
    print(json.dumps(as_json(answer), indent=1) if arguments.json else as_text(answer))
    return 0


def as_json(answer: Estimate) -> dict[str, object]:
    """Return the keys that scripts rely on first, then the rest."""
    whole = answer.as_dict()
    return {key: whole[key] for key in KEYS} | {key: each for key, each in whole.items() if key not in KEYS}


def as_text(answer: Estimate) -> str:
    """Return a prediction as lines for a reader."""
    low, high = answer.interval
    room = "fits" if answer.fits else "does NOT fit"
    energy = answer.energy_wh_per_1000_samples
    lines = [
        f"{answer.model}, {answer.mode}, batch {answer.batch}, {answer.precision}, on {answer.device} (predicted, not measured)",
        f"  samples/s    {answer.samples_per_s:,.1f}   ({low:,.1f} to {high:,.1f})",
        f"  step         {answer.step_time_s * 1000:,.2f} ms, bound by {BOUNDS[answer.bound_by]}",
        f"  peak memory  {answer.peak_memory_gb:.2f} GB: {room}",
        f"  energy       {'not known' if energy is None else f'{energy:.2f} Wh per 1000 samples (estimate)'}",
        "  Loading and preparing data is not included.",
    ]
    return "\n".join(lines + [f"  Beware: {warning}." for warning in answer.warnings])


def add(areas: argparse._SubParsersAction) -> None:
    """Add the command to the grammar."""
    command = areas.add_parser("estimate", help="predict a model's speed and memory on a device without having it")
    command.add_argument("model", help="resnet50 or another of torchvision, bert-base, bert-large, gpt2, gnmt, "
                                       "a folder with a transformers config.json, or file.py:function")  # fmt: skip
    command.add_argument("--device", required=True, help="an id of the catalog, such as rtx-3090")
    command.add_argument("--precision", choices=PRECISIONS, default="fp32")
    command.add_argument("--batch", type=int, required=True, help="samples in a step")
    command.add_argument("--mode", choices=("train", "infer"), default="train")
    command.add_argument("--optimizer", help="sgd (with momentum), adam or adamw; default: the model's usual one")
    command.add_argument("--image-size", type=int, default=224)
    command.add_argument("--seq-len", type=int, help="tokens of a sample; default: 384 for BERT, 1024 for GPT-2")
    command.add_argument("--layout", choices=tuple(LAYOUTS), default="unknown", help="of images in memory")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=run)
