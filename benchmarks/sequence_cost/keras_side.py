"""The cases in Keras on TensorFlow: each a function without arguments, a graph where the name does not say otherwise."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf
from keras import layers

from benchmarks.sequence_cost.cases import HEADS, WIDE, WIDTH, Case

RECURRENT = {"rnn": layers.SimpleRNN, "gru": layers.GRU, "lstm": layers.LSTM}
GRAPHS: dict[tuple[str, str], Callable[[tf.Tensor], object]] = {}  # by layer and mode: one graph for all lengths and batches


def prepare(threads: int) -> None:
    """Set the number of threads, and the seed."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    keras.utils.set_random_seed(0)


class Transformer(layers.Layer):
    """A Transformer encoder layer: attention and a network for each position, each with a shortcut and a normalization."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)
        self.wide, self.narrow = layers.Dense(WIDE, activation="relu"), layers.Dense(WIDTH)
        self.first, self.second = layers.LayerNormalization(), layers.LayerNormalization()

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights."""
        self.attention.build(shape, shape)
        self.wide.build(shape)
        self.narrow.build((*shape[:-1], WIDE))
        self.first.build(shape)
        self.second.build(shape)
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return the outputs of all positions."""
        y = self.first(x + self.attention(x, x))
        return self.second(y + self.narrow(self.wide(y)))


def build(case: Case) -> Callable[[], object]:
    """Return the function that runs a case once."""
    if case.part == "stream":
        return _stream(case)
    x = tf.random.normal((case.batch, case.steps, WIDTH))
    if case.kind in RECURRENT or case.kind == "transformer":
        key = (case.kind, case.mode)
        if key not in GRAPHS:
            layer = Transformer() if case.kind == "transformer" else RECURRENT[case.kind](WIDTH, return_sequences=True)
            layer.build((None, None, WIDTH))
            signature = [tf.TensorSpec((None, None, WIDTH), tf.float32)]
            GRAPHS[key] = tf.function(_mode(layer, layer.trainable_variables, case.mode), input_signature=signature)
        graph = GRAPHS[key]
        return lambda: graph(x)
    if case.kind == "loop of cells":
        cell = layers.LSTMCell(WIDTH)
        cell.build((None, WIDTH))
        eager = _mode(_cells(cell), cell.trainable_variables, case.mode)
        return lambda: eager(x)
    layer = layers.LSTM(WIDTH, return_sequences=True, unroll=case.kind == "unrolled")
    layer.build((case.batch, case.steps, WIDTH))
    graph = tf.function(_mode(layer, layer.trainable_variables, case.mode), jit_compile=case.kind == "compiled")
    return lambda: graph(x)


def _mode(call: Callable[[tf.Tensor], tf.Tensor], weights: list[tf.Variable], mode: str) -> Callable[[tf.Tensor], object]:
    if mode == "forward":
        return call

    def training(x: tf.Tensor) -> object:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_mean(tf.square(call(x)))
        return tape.gradient(loss, [x, *(getattr(weight, "value", weight) for weight in weights)])

    return training


def _cells(cell: layers.LSTMCell) -> Callable[[tf.Tensor], tf.Tensor]:
    def call(x: tf.Tensor) -> tf.Tensor:
        state = [tf.zeros((len(x), WIDTH))] * 2
        out = []
        for step in tf.unstack(x, axis=1):
            h, state = cell(step, state)
            out.append(h)
        return tf.stack(out, 1)

    return call


def _stream(case: Case) -> Callable[[], object]:
    x = tf.random.normal((1, WIDTH))
    if case.kind == "lstm":
        cell = layers.LSTMCell(WIDTH)
        cell.build((None, WIDTH))
        state = [tf.zeros((1, WIDTH))] * 2
        step = tf.function(lambda x, h, c: cell(x, [h, c])[1])
        return lambda: step(x, *state)
    size = WIDTH // HEADS
    layer = Transformer()
    layer.build((None, None, WIDTH))
    qkv, out = layers.Dense(3 * WIDTH), layers.Dense(WIDTH)
    qkv.build((None, WIDTH))
    out.build((None, WIDTH))
    keys, values = tf.unstack(tf.random.normal((2, HEADS, case.steps, size)))

    @tf.function
    def token(x: tf.Tensor, keys: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        q, k, v = tf.unstack(tf.reshape(qkv(x), (3, HEADS, 1, size)))
        earlier = tf.matmul(q, keys, transpose_b=True)  # (heads, 1, earlier)
        own = tf.matmul(q, k, transpose_b=True)
        weights = tf.nn.softmax(tf.concat([earlier, own], -1) / size**0.5)
        found = out(tf.reshape(tf.matmul(weights[..., :-1], values) + weights[..., -1:] * v, (1, WIDTH)))
        y = layer.first(x + found)
        return layer.second(y + layer.narrow(layer.wide(y)))

    return lambda: token(x, keys, values)
