"""The trained reference CNN in whole numbers: weights of 8 bits from a small file, and a forward pass in NumPy.

The same file goes into the page, where JavaScript computes the same. `experiments/reference_weights.py` trains the
network and writes the file.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / "reference-cnn.json"
LAYERS = ("conv1", "conv2", "conv3", "dense1", "dense2")
CHUNK = 250  # images at a time: the windows of the second layer are the largest array


def quantize(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round weights to 8 bits, with one scale for each output channel (the first axis).

    Parameters
    ----------
    weight : ndarray, (out, ...), float

    Returns
    -------
    tuple of ndarray
        Whole numbers from -127 to 127 in int8, and the scales (out,) in float32: weight is about number times scale.

    Examples
    --------
    >>> import numpy as np
    >>> quantize(np.array([[1.0, -0.5], [0.0, 12.7]]))[0].tolist()
    [[127, -64], [0, 127]]
    """
    largest = np.abs(weight.reshape(len(weight), -1)).max(axis=1)
    scale = (np.where(largest > 0, largest, 1) / 127).astype(np.float32)
    steps = weight / scale.reshape(-1, *[1] * (weight.ndim - 1))
    return np.clip(np.rint(steps), -127, 127).astype(np.int8), scale


def pack(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, object]]:
    """Return the layers as plain text: 8-bit weights, scales and biases in base64, little-endian.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        ``conv1.weight``, ``conv1.bias`` and so on, in PyTorch's names and layouts.
    """
    packed: dict[str, dict[str, object]] = {}
    for layer in LAYERS:
        steps, scale = quantize(arrays[f"{layer}.weight"])
        parts = {"weight": steps, "scale": scale, "bias": arrays[f"{layer}.bias"].astype(np.float32)}
        texts = {key: base64.b64encode(part.tobytes()).decode() for key, part in parts.items()}
        packed[layer] = {"shape": list(steps.shape), **texts}
    return packed


def unpack(layer: Mapping[str, object]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a layer's 8-bit weights, its scales and its biases from what :func:`pack` made."""
    weight = np.frombuffer(base64.b64decode(layer["weight"]), np.int8).reshape(layer["shape"])
    return weight, *(np.frombuffer(base64.b64decode(layer[key]), "<f4") for key in ("scale", "bias"))


@cache
def stored() -> dict[str, dict[str, object]]:
    """Return the packed layers of the course's trained network."""
    return json.loads(FILE.read_text(encoding="utf-8"))["layers"]


def digest() -> str:
    """Return the SHA-256 of the stored file; the experiment's row names the file that it wrote."""
    return hashlib.sha256(FILE.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def weights(layers: Mapping[str, Mapping[str, object]] | None = None) -> dict[str, np.ndarray]:
    """Return float32 arrays, 8-bit weights times scale, in PyTorch's names and layouts."""
    found = {}
    for name, layer in (layers or stored()).items():
        steps, scale, bias = unpack(layer)
        found[f"{name}.weight"] = steps * scale.reshape(-1, *[1] * (steps.ndim - 1))
        found[f"{name}.bias"] = bias
    return found


def forward(images: np.ndarray, arrays: Mapping[str, np.ndarray] | None = None) -> dict[str, np.ndarray]:
    """Send images through the network.

    Parameters
    ----------
    images : ndarray, (n, 28, 28), float in 0..1
    arrays : mapping, optional
        Weights by name; by default the stored ones.

    Returns
    -------
    dict of str to ndarray
        The maps after ``conv1``, ``pool1``, ``conv2``, ``pool2``, ``conv3`` (with their ReLU), (n, channels, height,
        width), and the ``logits`` (n, 10).
    """
    arrays = weights() if arrays is None else arrays
    pieces = [_forward(images[i : i + CHUNK], arrays) for i in range(0, len(images), CHUNK)]
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}


def _forward(images: np.ndarray, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    maps, found = images[:, None].astype(np.float32), {}
    for number in (1, 2, 3):
        weight, bias = arrays[f"conv{number}.weight"], arrays[f"conv{number}.bias"]
        windows = np.lib.stride_tricks.sliding_window_view(maps, weight.shape[2:], axis=(2, 3))
        maps = np.tensordot(windows, weight, ((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2) + bias[:, None, None]
        maps = found[f"conv{number}"] = np.maximum(maps, 0)
        if number < 3:
            n, channels, size = *maps.shape[:2], maps.shape[2] // 2 * 2
            windows = maps[:, :, :size, :size].reshape(n, channels, size // 2, 2, size // 2, 2)
            maps = found[f"pool{number}"] = windows.max(axis=(3, 5))
    hidden = maps.reshape(len(maps), -1) @ arrays["dense1.weight"].T + arrays["dense1.bias"]
    found["logits"] = np.maximum(hidden, 0) @ arrays["dense2.weight"].T + arrays["dense2.bias"]
    return found
