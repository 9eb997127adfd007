"""Operator classes: which kernels an operator of PyTorch becomes on a GPU, and what they read, write and compute.

Views and metadata are free. The classes are those whose efficiency on a GPU differs:

``matmul``     matrix products, attention included
``conv``       convolutions
``depthwise``  convolutions with one input channel a group: no tensor unit helps, the memory decides
``rnn``        recurrent layers: many small products, one after the other
``norm``       batch, layer and group normalization, softmax
``pointwise``  element by element: activations, additions, dropout, casts, copies
``reduce``     sums, means, losses, pooling
``gather``     embeddings and indexing
``optimizer``  the update of the weights
``layout``     changing images to channels-last and back, around a convolution on tensor units
"""

from __future__ import annotations

CLASSES = (
    "matmul", "conv", "depthwise", "rnn", "norm", "pointwise", "reduce", "gather", "optimizer", "layout",
)  # fmt: skip
COMPUTING = ("matmul", "conv", "depthwise", "rnn")  # what runs on the tensor units, where there are some

NAMES = {
    "matmul": ("mm", "addmm", "bmm", "baddbmm", "linear", "matmul", "_scaled_dot_product", "_efficient_attention"),
    "conv": ("convolution",),
    "norm": (
        "native_batch_norm", "_native_batch_norm", "cudnn_batch_norm", "_batch_norm", "batch_norm_backward",
        "native_layer_norm", "native_group_norm", "_softmax", "_log_softmax", "_fused_rms_norm",
    ),
    "reduce": (
        "sum", "mean", "max_pool", "avg_pool", "_adaptive_avg_pool", "adaptive", "nll_loss", "amax", "max", "var",
        "argmax", "norm", "linalg_vector_norm", "logsumexp", "cumsum", "prod", "any", "all",
    ),
    "gather": ("embedding", "index", "gather", "scatter", "_index_put", "take"),
    "optimizer": ("_foreach", "_fused_adam", "_fused_sgd", "_amp_foreach"),
}  # fmt: skip

FREE = (
    "empty", "new_empty", "detach", "alias", "lift_fresh", "size", "stride", "device", "_record_function",
    "_local_scalar_dense", "_assert", "is_", "sym_", "_has_", "item", "_unsafe_view",
    "arange", "scalar_tensor",
)  # fmt: skip


def short_name(full: str) -> str:
    """Return an operator's bare name.

    Examples
    --------
    >>> short_name("aten.add_.Tensor")
    'add_'
    """
    return full.split(".")[1]


def is_free(name: str) -> bool:
    """Return whether an operator only describes tensors: no kernel runs.

    Examples
    --------
    >>> is_free("empty_like"), is_free("zeros_like")
    (True, False)
    """
    return name.startswith(FREE)


def class_of(name: str) -> str:
    """Return the class of an operator by its bare name; what is not known works element by element.

    Examples
    --------
    >>> class_of("convolution_backward"), class_of("_foreach_add_"), class_of("gelu")
    ('conv', 'optimizer', 'pointwise')
    """
    for kind in ("optimizer", "matmul", "conv", "norm", "gather", "reduce"):
        if name.startswith(NAMES[kind]):
            return kind
    return "pointwise"
