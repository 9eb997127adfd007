"""The models that can be estimated by name, from a folder, or from a function in a file."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gpulab.estimate.errors import EstimateError
from gpulab.estimate.trace import Subject

BERT = {"bert-base": {}, "bert-large": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
                                        "intermediate_size": 4096}}  # fmt: skip
TEXT = (*BERT, "gpt2")
SEQUENCE = {"bert-base": 384, "bert-large": 384, "gpt2": 1024, "gnmt": 30}  # tokens where --seq-len isn't given


def subject(name: str, image_size: int = 224, seq_len: int | None = None) -> Subject:
    """Return a model by its name, its folder or its function.

    Parameters
    ----------
    name : str
        A torchvision classification model (``resnet50``); ``bert-base``, ``bert-large`` (question answering, attention as
        separate operators, as the published measurements ran them), ``gpt2``, ``gnmt``; a folder with a transformers
        ``config.json``; or ``file.py:function`` returning a model, example inputs, and a loss function of the output.
    image_size : int
        Height and width of images.
    seq_len : int, optional
        Tokens of a sample; 384 for BERT, 1024 for GPT-2.

    Raises
    ------
    EstimateError
        There is no such model, or a package that it needs is missing.
    """
    if ":" in name and name.rpartition(":")[0].endswith(".py"):
        return _from_file(name)
    if name in TEXT:
        return Subject(name, lambda batch: _text(name, batch, seq_len or SEQUENCE[name]), "adam", whole=True)
    if name == "gnmt":
        return Subject(name, lambda batch: _gnmt(batch, seq_len or SEQUENCE[name]), "adam", whole=True)
    if Path(name).is_dir():
        return _from_folder(Path(name), image_size, seq_len)
    return _from_torchvision(name, image_size)


def _needs(package: str) -> Any:
    from importlib import import_module

    try:
        return import_module(package)
    except ImportError:
        raise EstimateError(
            f"{package} is not installed, and this model needs it. Install it: pip install {package}"
        ) from None


def _from_torchvision(name: str, image_size: int) -> Subject:
    vision = _needs("torchvision").models
    known = vision.list_models(module=vision)
    if name not in known:
        from difflib import get_close_matches

        near = get_close_matches(name, [*known, *SEQUENCE], n=3, cutoff=0.5)
        raise EstimateError(
            f"no model {name!r}: not a name of torchvision ({'did you mean ' + ', '.join(near) if near else 'resnet50'}), "
            f"not {', '.join(SEQUENCE)}, not a folder with a config.json, not file.py:function"
        )
    size = 299 if name == "inception_v3" and image_size == 224 else image_size

    def build(batch: int) -> tuple[Any, Any, Callable]:
        import torch
        import torch.nn.functional as F

        with _no_init():
            net = vision.get_model(
                name, weights=None, **({"init_weights": False} if "inception" in name or name == "googlenet" else {})
            )
        labels = torch.zeros(batch, dtype=torch.long)
        return net, (torch.empty(batch, 3, size, size),), lambda out: F.cross_entropy(_logits(out), labels)

    return Subject(name, build, "sgd")


def _logits(out: Any) -> Any:
    return getattr(out, "logits", out)


@contextlib.contextmanager
def _no_init() -> Iterator[None]:
    """Skip the drawing of fresh weights: fake tensors hold none."""
    import torch.nn.init as init

    names = [n for n in ("kaiming_normal_", "kaiming_uniform_", "normal_", "uniform_", "trunc_normal_", "xavier_uniform_",
                         "xavier_normal_", "constant_", "zeros_", "ones_") if hasattr(init, n)]  # fmt: skip
    kept = {name: getattr(init, name) for name in names}
    for each in names:
        setattr(init, each, lambda tensor, *args, **kwargs: tensor)
    try:
        yield
    finally:
        for each, function in kept.items():
            setattr(init, each, function)


def _text(name: str, batch: int, tokens: int) -> tuple[Any, Any, None]:
    transformers = _needs("transformers")
    import torch

    ids = torch.zeros(batch, tokens, dtype=torch.long)
    with _no_init():
        if name == "gpt2":
            config = transformers.GPT2Config(attn_implementation="eager", n_positions=max(tokens, 1024))
            return transformers.GPT2LMHeadModel(config), {"input_ids": ids, "labels": ids}, None
        config = transformers.BertConfig(
            **BERT[name], attn_implementation="eager", max_position_embeddings=max(tokens, 512)
        )
        net = transformers.BertForQuestionAnswering(config)
    spot = torch.zeros(batch, dtype=torch.long)
    mask = torch.ones(batch, tokens, dtype=torch.long)
    return net, {"input_ids": ids, "attention_mask": mask, "start_positions": spot, "end_positions": spot}, None


def _from_folder(folder: Path, image_size: int, seq_len: int | None) -> Subject:
    transformers = _needs("transformers")
    if not (folder / "config.json").exists():
        raise EstimateError(f"{folder} has no config.json: give a folder of a transformers model")
    try:
        config = transformers.AutoConfig.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # transformers raises many kinds
        raise EstimateError(f"{folder}/config.json is of no architecture that transformers knows: "
                            f"{str(error).strip().splitlines()[0]}") from None  # fmt: skip

    def build(batch: int) -> tuple[Any, Any, None]:
        with _no_init():
            net = _architecture(transformers, config)
        return net, _example(net, config, batch, image_size, seq_len), None

    return Subject(folder.name, build, "adamw")


def _architecture(transformers: Any, config: Any) -> Any:
    """Return the model that a configuration names, else its plain body."""
    for each in getattr(config, "architectures", None) or ():
        if hasattr(transformers, each):
            return getattr(transformers, each)._from_config(config)
    return transformers.AutoModel.from_config(config)


def _example(net: Any, config: Any, batch: int, image_size: int, seq_len: int | None) -> dict[str, Any]:
    """Return example inputs for what a transformers model takes first."""
    import torch

    takes = inspect.signature(net.forward).parameters
    if "pixel_values" in takes and "input_ids" not in takes:
        size = getattr(config, "image_size", image_size) or image_size
        height, width = (size, size) if isinstance(size, int) else size
        return {"pixel_values": torch.empty(batch, getattr(config, "num_channels", 3), height, width)}
    if "input_ids" not in takes:
        raise EstimateError(
            f"{type(net).__name__} takes {', '.join(list(takes)[:3])}...: describe a step of it in file.py:function"
        )
    tokens = seq_len or min(getattr(config, "max_position_embeddings", 512) or 512, 512)
    ids = torch.zeros(batch, tokens, dtype=torch.long)
    found = {"input_ids": ids}
    if "decoder_input_ids" in takes:
        found["decoder_input_ids"] = ids
    if "labels" in takes and type(net).__name__.endswith(
        ("LMHeadModel", "CausalLM", "MaskedLM", "ConditionalGeneration")
    ):
        found["labels"] = ids
    return found


def _from_file(name: str) -> Subject:
    path, _, function = name.rpartition(":")
    if not Path(path).is_file():
        raise EstimateError(f"there is no file {path}")
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(Path(path).stem, path)
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise EstimateError(f"{path} cannot be run: {type(error).__name__}: {error}") from None
    make = getattr(module, function, None)
    if not callable(make):
        raise EstimateError(f"{path} has no function {function}")
    return Subject(function, lambda batch: _rebatched(make, name, batch))


def _rebatched(make: Callable, name: str, batch: int) -> tuple[Any, Any, Any]:
    """Return what a learner's function gives, its inputs with another number of samples."""
    made = make()
    if not (isinstance(made, tuple) and len(made) == 3):
        raise EstimateError(
            f"{name} must return three things: the model, example inputs, a loss function of its output"
        )
    model, inputs, loss = made
    if not isinstance(inputs, (tuple, list, Mapping)):
        inputs = (inputs,)
    if isinstance(inputs, Mapping):
        return model, {key: _stretched(each, batch) for key, each in inputs.items()}, loss
    return model, tuple(_stretched(each, batch) for each in inputs), loss


def _stretched(thing: Any, batch: int) -> Any:
    import torch

    if not isinstance(thing, torch.Tensor) or not thing.dim():
        return thing
    return torch.empty((batch, *thing.shape[1:]), dtype=thing.dtype)


def _gnmt(batch: int, tokens: int) -> tuple[Any, Any, Callable]:
    """Return GNMT v2: four LSTM layers each side, attention, 1024 units, a vocabulary of 32,320."""
    import torch
    import torch.nn.functional as F

    from gpulab.estimate.gnmt import network

    net = network(units=1024, words=32320)
    source, target = (torch.zeros(tokens, batch, dtype=torch.long) for _ in range(2))
    return net, (source, target), lambda out: F.cross_entropy(out.flatten(0, 1), target.flatten())
