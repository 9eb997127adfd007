"""What pretrained models need no framework for: cards, inputs, labels, photographs, and files that are verified."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from gpulab import assets, transfer
from gpulab.assets import hub, store
from gpulab.transfer import weights
from gpulab.transfer.architectures import NETWORKS


def test_a_card_names_its_models_stages_in_order() -> None:
    for name, network in NETWORKS.items():
        stages = ("preprocess", *(block.name for block in network.blocks), "pool")
        assert transfer.card(name).stages == stages


def test_cards_say_where_the_weights_come_from() -> None:
    for card in transfer.cards():
        assert len(card.sha256) == 64 and card.license and card.source and card.trained_on
        assert card.name in assets.catalog()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_table_and_the_file_hold_the_same_numbers(name: str) -> None:
    arrays, network = weights.read(name, "package"), NETWORKS[name]
    units = [unit for block in network.blocks for unit in block.units]
    parts = ("weight", "bias", "running_mean", "running_var")
    wanted = {f"{unit.conv}.weight" for unit in units} | {f"{unit.conv}.bias" for unit in units if not unit.norm}
    wanted |= {f"{unit.bn}.{part}" for unit in units if unit.norm for part in parts}
    wanted |= {f"{network.head}.weight", f"{network.head}.bias"} if network.head else set()
    assert wanted == {key for key in arrays if not key.endswith("num_batches_tracked")}
    counted = sum(arrays[key].size for key in wanted if "running" not in key)
    assert counted == transfer.card(name).parameters


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(transfer.TransferError, match="no pretrained model 'resnet'.*mobilenet-v2"):
        transfer.card("resnet")
    with pytest.raises(transfer.TransferError, match="no pretrained model 'resnet'.*mobilenet-v2"):
        transfer.load("resnet", "torch")
    with pytest.raises(transfer.TransferError, match="no list of classes 'cifar'.*imagenet"):
        transfer.labels("cifar")


@pytest.mark.parametrize("classes", [0, -1, 2.0, True])
def test_a_number_of_classes_that_is_none(classes: object) -> None:
    with pytest.raises(transfer.TransferError, match="classes=.*at least 1"):
        transfer.load("mobilenet-v2", "torch", classes=classes)


@pytest.mark.parametrize("dropout", [1, -0.1, "half"])
def test_a_dropout_that_is_none(dropout: object) -> None:
    with pytest.raises(transfer.TransferError, match="dropout=.*0.2"):
        transfer.load("mobilenet-v2", "torch", dropout=dropout)


# --- Inputs --------------------------------------------------------------------------------------------------------


def test_preprocess_normalizes_each_color() -> None:
    x = np.random.default_rng(0).uniform(size=(2, 3, 4, 3))
    found = transfer.preprocess("mobilenet-v2", x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[..., 1], (x[..., 1] - 0.456) / 0.224, rtol=1e-5)
    np.testing.assert_allclose(transfer.preprocess("efficientnet-lite0", x), 2 * x - 1, rtol=1e-5, atol=1e-6)
    caffe = transfer.preprocess("vgg16-edges", x)
    np.testing.assert_allclose(caffe[..., 0], 255 * x[..., 0] - 122.67892, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((2, 8, 8, 3), np.uint8), "type uint8.*/ 255"),
        (np.full((2, 8, 8, 3), 200.0), "these are bytes"),
        (np.full((2, 8, 8, 3), -1.8), "normalized already"),
        (np.zeros((8, 8, 3)), r"shape \(8, 8, 3\)"),
        (np.zeros((2, 8, 8, 1)), r"expected \(n, height, width, 3\)"),
        (np.zeros((0, 8, 8, 3)), r"shape \(0, 8, 8, 3\)"),
    ],
)
def test_preprocess_refuses_what_is_no_image(x: np.ndarray, words: str) -> None:
    with pytest.raises(transfer.TransferError, match=words):
        transfer.preprocess("mobilenet-v2", x)


def test_preprocess_is_for_images() -> None:
    with pytest.raises(transfer.TransferError, match="minilm takes no images"):
        transfer.preprocess("minilm", np.zeros((1, 8, 8, 3)))


def test_labels_and_photographs() -> None:
    assert len(transfer.labels("imagenet")) == 1000 == transfer.card("mobilenet-v2").outputs
    for photograph in transfer.photographs():
        assert photograph.image.dtype == np.uint8 and min(photograph.image.shape[:2]) == 256
        assert photograph.credit and photograph.license in ("CC0", "Public domain")
        assert 0 <= photograph.crop().min() < photograph.crop().max() <= 1
    middle = photograph.image[128, photograph.image.shape[1] // 2] / np.float32(255)
    assert np.array_equal(photograph.crop()[112, 112], middle)
    with pytest.raises(transfer.TransferError, match="size=300: expected 1 to 256"):
        photograph.crop(300)
    with pytest.raises(ValueError, match="read-only"):
        photograph.image[0] = 0


# --- Files ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a reader's own that holds MobileNetV2's file."""
    shutil.copy(assets.file("mobilenet-v2"), tmp_path)
    return tmp_path


def test_a_folder_holds_the_same_weights(folder: Path) -> None:
    mine, pinned = (weights.read("mobilenet-v2", source) for source in (folder, "package"))
    assert mine.keys() == pinned.keys()
    assert np.array_equal(mine["classifier.1.bias"], pinned["classifier.1.bias"])


def test_a_damaged_file_is_not_used(folder: Path) -> None:
    path = folder / "mobilenet_v2.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(transfer.TransferError, match="is not the file of mobilenet-v2.*SHA-256.*not used"):
        weights.read("mobilenet-v2", folder)


def test_another_models_folder_and_no_folder(folder: Path) -> None:
    with pytest.raises(transfer.TransferError, match=r"no efficientnet_lite0\.safetensors.*It has: mobilenet_v2"):
        weights.read("efficientnet-lite0", folder)
    with pytest.raises(transfer.TransferError, match="is no folder.*'package', 'hub', None"):
        weights.read("mobilenet-v2", folder / "nothing")
    with pytest.raises(transfer.TransferError, match="is no folder"):
        weights.read("mobilenet-v2", "imagenet")


def test_a_cache_without_the_asset_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPULAB_HOME", str(tmp_path))
    with pytest.raises(transfer.TransferError, match="missing.*assets fetch mobilenet-v2"):
        weights.read("mobilenet-v2", "package")


def test_the_hub_is_asked_only_on_request_and_offline_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no network in tests")

    monkeypatch.setenv("GPULAB_HOME", str(tmp_path))
    monkeypatch.setattr(hub.urllib.request, "urlopen", offline)
    with pytest.raises(transfer.TransferError, match="mobilenet-v2: no network in tests"):
        weights.read("mobilenet-v2", "hub")
    with pytest.raises(transfer.TransferError, match="no second source"):
        weights.read("vgg16-edges", "hub")
    assert not list(tmp_path.iterdir())


def test_what_the_hub_sends_is_verified_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = assets.folder("minilm") / "config.json"
    entry = assets.catalog()["minilm"]
    small = type(entry)(
        "minilm", "a test", "none", "here", {"config.json": store.sha256(config)}, entry.package,
        tuple(member for member in entry.members if member.path.endswith("config.json") and "tokenizer" not in member.path),
    )  # fmt: skip
    asked = []
    monkeypatch.setattr(store, "catalog", lambda: {"minilm": small})
    monkeypatch.setattr(hub.urllib.request, "urlopen", lambda address, **_: asked.append(address) or config.open("rb"))
    monkeypatch.setenv("GPULAB_HOME", str(tmp_path))
    for _ in range(2):
        assert (assets.official("minilm") / "config.json").read_bytes() == config.read_bytes()
    assert len(asked) == 1 and asked[0].startswith("https://huggingface.co/")
