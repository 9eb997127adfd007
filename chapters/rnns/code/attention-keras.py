"""Scaled dot-product attention and several heads: written out, and Keras' own."""

import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)


def attention(q, k, v, may):
    scores = q @ ops.swapaxes(k, -1, -2) / q.shape[-1] ** 0.5
    return ops.softmax(ops.where(may, scores, -np.inf)) @ v


q, k, v = ops.convert_to_tensor(rng.normal(size=(3, 2, 4, 6, 8)))  # n, heads, places, d
causal = np.tril(np.ones((6, 6), bool))  # true: may look
turned = [ops.swapaxes(part, 1, 2) for part in (q, k, v)]  # Keras: n, places, heads, d
ready = ops.swapaxes(ops.dot_product_attention(*turned, mask=causal[None, None]), 1, 2)
same = np.allclose(attention(q, k, v, causal), ready)
print("attention:", tuple(ready.shape), same)

layer = layers.MultiHeadAttention(4, 8, dtype="float64")
x = ops.convert_to_tensor(rng.normal(size=(2, 6, 32)))  # sequences, places, D
ready = layer(x, x, use_causal_mask=True)
W = {w.path.split("/")[-2]: w for w in layer.weights if w.name == "kernel"}
heads = [ops.einsum("ntD,Dhd->nhtd", x, W[name]) for name in ("query", "key", "value")]
found = ops.einsum("nhtd,hdD->ntD", attention(*heads, causal), W["attention_output"])
print("4 heads:  ", tuple(ready.shape), np.allclose(found, ready))
