"""What the explorers compute in NumPy is what PyTorch computes."""

from __future__ import annotations

from itertools import product

import numpy as np
import torch

from gpulab.data import load
from gpulab.models import reference_cnn
from gpulab.widgets import grids, network


def test_numpy_network_gives_torchs_logits() -> None:
    images = load("digits").test.x[:50]
    model = reference_cnn("torch")
    model.load_state_dict({name: torch.tensor(array) for name, array in network.weights().items()})
    with torch.no_grad():
        expected = model(torch.from_numpy(images.transpose(0, 3, 1, 2))).numpy()
    assert np.abs(network.forward(images[..., 0])["logits"] - expected).max() < 1e-4


def test_numpy_convolution_and_pooling_are_torchs() -> None:
    image, kernel = grids.small_digit(4).astype(np.float64), np.random.default_rng(0).normal(size=(3, 3))
    x, w = torch.from_numpy(image)[None, None], torch.from_numpy(kernel)[None, None]
    for stride, padding, dilation in product((1, 2, 3), (0, 1, 2), (1, 2)):
        expected = torch.nn.functional.conv2d(x, w, stride=stride, padding=padding, dilation=dilation)[0, 0]
        assert np.allclose(grids.convolve(image, kernel, stride, padding, dilation), expected)
    for window, stride in product((2, 3, 5), (1, 2, 4)):
        assert np.allclose(grids.pool(image, window, stride), torch.nn.functional.max_pool2d(x, window, stride)[0, 0])
        mean = torch.nn.functional.avg_pool2d(x, window, stride)[0, 0]
        assert np.allclose(grids.pool(image, window, stride, "average"), mean)
