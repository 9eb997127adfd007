"""MiniLM in Keras: the same encoder, written out from Keras' own layers; its outputs equal transformers'.

Padding needs no argument: the layer ``embeddings_words`` makes a mask of it, and Keras hands the mask on to the
attention and to the mean over the tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gpulab.transfer.errors import TransferError
from gpulab.transfer.staged_keras import add_head
from gpulab.transfer.text import CONFIG
from gpulab.transfer.tokens import check_tokens


@cache
def own_layers() -> tuple[type, type, type]:
    """Return the three layers that Keras does not have, made when they are asked for."""
    import keras
    from keras import layers, ops

    @keras.saving.register_keras_serializable("gpulab")
    class Words(layers.Embedding):
        """A vector for each token; zero is padding. What is no token is refused, where the values can be seen."""

        def call(self, inputs: Any) -> Any:
            """Look the vectors up: tokens (n, T) in, (n, T, d) out."""
            if hasattr(inputs, "numpy"):  # not so in a compiled step: `fit` tries a few samples before it
                check_tokens(inputs.numpy(), self.input_dim)
            return super().call(inputs)

    @keras.saving.register_keras_serializable("gpulab")
    class Positions(layers.Layer):
        """Add a vector for the position, and the one for "first text": BERT can read two, the course reads one."""

        def __init__(self, length: int, kinds: int, **named: Any) -> None:
            super().__init__(**named)
            self.length, self.kinds, self.supports_masking = length, kinds, True

        def build(self, shape: tuple[int, ...]) -> None:
            """Make the weights: (length, d) and (kinds, d)."""
            self.positions = self.add_weight(shape=(self.length, shape[-1]), name="positions", initializer=_small())
            self.types = self.add_weight(shape=(self.kinds, shape[-1]), name="types", initializer=_small())

        def call(self, x: Any) -> Any:
            """Return x (n, T, d) with the vectors added."""
            return x + self.positions[: ops.shape(x)[1]] + self.types[0]

        def get_config(self) -> dict[str, Any]:
            """Return what makes the layer again."""
            return {**super().get_config(), "length": self.length, "kinds": self.kinds}

    @keras.saving.register_keras_serializable("gpulab")
    class Sum(layers.Add):
        """Add two inputs, and keep the mask. Keras' attention takes it off its input, and a plain Add then drops it."""

        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            """Return the first mask there is."""
            return next((m for m in mask or () if m is not None), None)

    return Words, Positions, Sum


def _small() -> Any:
    import keras

    return keras.initializers.TruncatedNormal(stddev=0.02)


def build(file: Path | None, *, classes: int | None, dropout: float) -> Any:
    """Return MiniLM; the arguments are those of :func:`gpulab.transfer.text_torch.build`.

    Returns
    -------
    keras.Model
        Functional; the name of each layer starts with its stage: ``block1_attention``.
    """
    import keras
    from keras import layers

    width, (words, positions, _) = CONFIG["hidden_size"], own_layers()
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    named = {"embeddings_initializer": _small(), "mask_zero": True, "name": "embeddings_words"}
    x = words(CONFIG["vocab_size"], width, **named)(tokens)
    x = positions(CONFIG["max_position_embeddings"], CONFIG["type_vocab_size"], name="embeddings_positions")(x)
    x = layers.LayerNormalization(epsilon=CONFIG["layer_norm_eps"], name="embeddings_norm")(x)
    x = layers.Dropout(CONFIG["hidden_dropout_prob"], name="embeddings_dropout")(x)
    for i in range(1, CONFIG["num_hidden_layers"] + 1):
        x = block(x, f"block{i}")
    x = layers.GlobalAveragePooling1D(name="pool")(x)  # knows the mask: the mean over the real tokens
    if classes is not None:
        x = add_head(x, classes, (), dropout)
    model = keras.Model(tokens, x, name="minilm")
    if file is not None:
        into(model, file)
    return model


def block(x: Any, name: str) -> Any:
    """Return one block after x (n, T, d): attention, then a small network for each token; each adds to its input."""
    from keras import layers

    width, heads, drop = CONFIG["hidden_size"], CONFIG["num_attention_heads"], CONFIG["hidden_dropout_prob"]
    normal, (_, _, add) = {"kernel_initializer": _small()}, own_layers()
    attention = layers.MultiHeadAttention(
        heads, width // heads, dropout=CONFIG["attention_probs_dropout_prob"], name=f"{name}_attention", **normal
    )
    y = layers.Dropout(drop, name=f"{name}_attention_dropout")(attention(x, x))
    x = layers.LayerNormalization(epsilon=CONFIG["layer_norm_eps"], name=f"{name}_attention_norm")(
        add(name=f"{name}_attention_add")([x, y])
    )
    y = layers.Dense(CONFIG["intermediate_size"], activation="gelu", name=f"{name}_wide", **normal)(x)
    y = layers.Dense(width, name=f"{name}_narrow", **normal)(y)
    y = layers.Dropout(drop, name=f"{name}_dropout")(y)
    return layers.LayerNormalization(epsilon=CONFIG["layer_norm_eps"], name=f"{name}_norm")(
        add(name=f"{name}_add")([x, y])
    )


def into(model: Any, file: Path) -> None:
    """Put the arrays of a file, in transformers' names and layouts, into the model.

    Raises
    ------
    TransferError
        A name is missing or a shape differs.
    """
    from safetensors.numpy import load_file

    found = load_file(file)
    pairs = list(_walk(model))
    for variable, name in pairs:
        if name not in found or found[name].size != np.prod(variable.shape):
            raise TransferError(f"{file} is not MiniLM: {name} is missing or has another size.")
    for variable, name in pairs:
        array = found[name]
        if array.ndim == 2 and not name.startswith("embeddings."):
            array = array.T  # PyTorch's dense layers keep (out, in)
        variable.assign(array.reshape(variable.shape))  # attention keeps (in, heads, size) and (heads, size, out)


def _walk(model: Any) -> Iterator[tuple[Any, str]]:
    """Yield each variable with its name in transformers."""
    get = model.get_layer
    yield get("embeddings_words").embeddings, "embeddings.word_embeddings.weight"
    yield get("embeddings_positions").positions, "embeddings.position_embeddings.weight"
    yield get("embeddings_positions").types, "embeddings.token_type_embeddings.weight"
    yield from _norm(get("embeddings_norm"), "embeddings.LayerNorm")
    i = 0
    while f"block{i + 1}_norm" in {layer.name for layer in model.layers}:
        ours, theirs, i = f"block{i + 1}", f"encoder.layer.{i}", i + 1
        attention = get(f"{ours}_attention")
        inner = {f"attention.self.{part}": getattr(attention, f"_{part}_dense") for part in ("query", "key", "value")}
        inner["attention.output.dense"] = attention._output_dense
        inner |= {"intermediate.dense": get(f"{ours}_wide"), "output.dense": get(f"{ours}_narrow")}
        for name, layer in inner.items():
            yield layer.kernel, f"{theirs}.{name}.weight"
            yield layer.bias, f"{theirs}.{name}.bias"
        yield from _norm(get(f"{ours}_attention_norm"), f"{theirs}.attention.output.LayerNorm")
        yield from _norm(get(f"{ours}_norm"), f"{theirs}.output.LayerNorm")


def _norm(layer: Any, name: str) -> Iterator[tuple[Any, str]]:
    yield layer.gamma, f"{name}.weight"
    yield layer.beta, f"{name}.bias"
