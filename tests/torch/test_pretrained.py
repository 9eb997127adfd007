"""The pretrained weights are the true ones: known answers on known inputs, in torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from gpulab import assets
from gpulab.data import load


@pytest.fixture(scope="module")
def mobilenet() -> nn.Module:
    from torchvision.models import mobilenet_v2

    model = mobilenet_v2(weights=None)
    model.load_state_dict(load_file(assets.file("mobilenet-v2")))
    return model.eval()


def prepared(images: np.ndarray) -> torch.Tensor:
    """Return images, float32 (n, height, width, 3) in 0..1, as MobileNetV2 was trained to see them."""
    mean, spread = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    return torch.from_numpy((images - mean) / spread).permute(0, 3, 1, 2)


def test_mobilenet_names_a_real_photograph(mobilenet: nn.Module) -> None:
    from sklearn.datasets import load_sample_image
    from torchvision.models import MobileNet_V2_Weights

    weights = MobileNet_V2_Weights.IMAGENET1K_V1
    photo = torch.from_numpy(load_sample_image("china.jpg").copy()).permute(2, 0, 1)
    with torch.no_grad():
        scores = mobilenet(weights.transforms()(photo)[None]).softmax(1)[0]
    assert weights.meta["categories"][int(scores.argmax())] == "palace" and scores.max() > 0.6


def test_its_features_tell_the_photographs_apart(mobilenet: nn.Module) -> None:
    photos = load("photos")
    with torch.no_grad():
        train, test = (mobilenet.features(prepared(part.x)).mean((2, 3)).numpy() for part in (photos.train, photos.test))
    centers = np.stack([train[photos.train.y == label].mean(0) for label in range(len(photos.classes))])
    answers = ((test[:, None] - centers[None]) ** 2).sum(-1).argmin(1)
    assert (answers == photos.test.y).mean() > 0.7  # the largest class alone would give 0.29


def test_mobilenet_has_the_published_size(mobilenet: nn.Module) -> None:
    assert sum(p.numel() for p in mobilenet.parameters()) == 3_504_872


def test_minilm_puts_related_sentences_together() -> None:
    from transformers import AutoModel, AutoTokenizer

    folder = assets.folder("minilm")
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    texts = ["The cat sleeps on the sofa.", "A kitten is napping on the couch.", "The stock market crashed yesterday."]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        states = model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None].float()
    mean = nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1)
    likeness = mean @ mean.T
    assert likeness[0, 1] > 0.6 and likeness[0, 2] < 0.2, likeness
