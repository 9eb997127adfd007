"""Scaled dot-product attention and several heads: written out, and PyTorch's own."""

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

torch.manual_seed(0)


def attention(q, k, v, may):
    scores = q @ k.mT / q.shape[-1] ** 0.5
    return scores.masked_fill(~may, -torch.inf).softmax(-1) @ v


q, k, v = torch.randn(3, 2, 4, 6, 8).double()  # each: sequences, heads, places, d
causal = torch.ones(6, 6, dtype=torch.bool).tril()  # true: may look
ready = scaled_dot_product_attention(q, k, v, attn_mask=causal)
same = torch.allclose(attention(q, k, v, causal), ready)
print("attention:", tuple(ready.shape), same)

layer = nn.MultiheadAttention(32, 4, batch_first=True).double()
x = torch.randn(2, 6, 32).double()  # sequences, places, D
qkv = nn.functional.linear(x, layer.in_proj_weight, layer.in_proj_bias)
heads = [part.unflatten(2, (4, 8)).transpose(1, 2) for part in qkv.chunk(3, dim=2)]
found = layer.out_proj(attention(*heads, causal).transpose(1, 2).flatten(2))
ready = layer(x, x, x, attn_mask=~causal)[0]  # here, true means: must not look
print("4 heads:  ", tuple(ready.shape), torch.allclose(found, ready))
