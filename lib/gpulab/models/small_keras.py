"""The small landmark networks in Keras; :mod:`gpulab.models.small` says what they are.

Layers have the names of their partners in PyTorch, so that :mod:`gpulab.models.convert` finds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

EPSILON, MOMENTUM = 1e-5, 0.9  # PyTorch's numbers; Keras's own are 1e-3 and 0.99


def build(name: str, blocks: int, width: int, norm: bool) -> keras.Model:
    """Return the network: (n, 28, 28, 1) in, (n, 10) logits out."""
    import keras
    from keras import layers

    make = {"vgg": _vgg, "inception": _inception, "residual": _residual, "mbconv": _mbconv}[name]
    inputs = keras.Input((28, 28, 1))
    x = _unit(inputs, width, 3, norm, "silu" if name == "mbconv" else "relu", "stem")  # 28 x 28 x w
    for stage, pool in ((1, 4), (2, 2)):
        x = layers.MaxPooling2D(pool, name=f"pool{stage}")(x)  # 7 x 7, then 3 x 3
        for i in range(blocks):
            x = make(x, 2 * stage * width, norm, f"stage{stage}.{i}")  # 2w channels, then 4w
    x = layers.GlobalAveragePooling2D(name="average")(x)  # 4w
    start = keras.initializers.RandomNormal(stddev=(4 * width) ** -0.5)
    outputs = layers.Dense(10, kernel_initializer=start, name="dense")(x)  # logits
    return keras.Model(inputs, outputs, name=f"small_{name}")


def _he(fan_in: int) -> Any:
    import keras

    return keras.initializers.RandomNormal(stddev=(2 / fan_in) ** 0.5)


def _unit(x: Any, c_out: int, k: int, norm: bool, act: str | None, name: str, depthwise: bool = False) -> Any:
    """Return a convolution that keeps the size, batch normalization, and an activation; ``None`` leaves it out."""
    from keras import layers

    fixed = {"padding": "same", "use_bias": not norm, "name": f"{name}.conv"}
    if depthwise:
        x = layers.DepthwiseConv2D(k, depthwise_initializer=_he(k * k), **fixed)(x)
    else:
        x = layers.Conv2D(c_out, k, kernel_initializer=_he(k * k * x.shape[-1]), **fixed)(x)
    if norm:
        x = layers.BatchNormalization(epsilon=EPSILON, momentum=MOMENTUM, name=f"{name}.norm")(x)
    return x if act is None else layers.Activation(act, name=f"{name}.act")(x)


def _vgg(x: Any, c_out: int, norm: bool, name: str) -> Any:
    x = _unit(x, c_out, 3, norm, "relu", f"{name}.unit1")
    return _unit(x, c_out, 3, norm, "relu", f"{name}.unit2")


def _inception(x: Any, c_out: int, norm: bool, name: str) -> Any:
    from keras import layers

    part, found = c_out // 4, []
    for branch, kernels in (("one", (1,)), ("three", (1, 3)), ("five", (1, 3, 3)), ("pool", (None, 1))):
        y = x
        for i, k in enumerate(kernels):
            if k is None:
                y = layers.AveragePooling2D(3, strides=1, padding="same", name=f"{name}.{branch}.{i}")(y)
            else:
                y = _unit(y, part, k, norm, "relu", f"{name}.{branch}.{i}")
        found.append(y)
    return layers.Concatenate(name=f"{name}.concat")(found)


def _residual(x: Any, c_out: int, norm: bool, name: str) -> Any:
    from keras import layers

    y = _unit(x, c_out, 3, norm, "relu", f"{name}.unit1")
    y = _unit(y, c_out, 3, norm, None, f"{name}.unit2")
    if x.shape[-1] != c_out:
        x = _unit(x, c_out, 1, norm, None, f"{name}.shortcut")
    return layers.Activation("relu", name=f"{name}.act")(layers.Add(name=f"{name}.add")([y, x]))


def _mbconv(x: Any, c_out: int, norm: bool, name: str, expand: int = 4) -> Any:
    from keras import layers

    c_in = x.shape[-1]
    wide = expand * c_in
    y = _unit(x, wide, 1, norm, "silu", f"{name}.expand")
    y = _unit(y, wide, 3, norm, "silu", f"{name}.depthwise", depthwise=True)
    s = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}.squeeze")(y)
    s = layers.Conv2D(c_in // 4, 1, activation="silu", kernel_initializer=_he(wide), name=f"{name}.reduce")(s)
    s = layers.Conv2D(
        wide, 1, activation="sigmoid", kernel_initializer=_he(c_in // 4), name=f"{name}.excite"
    )(s)
    y = layers.Multiply(name=f"{name}.weigh")([y, s])
    y = _unit(y, c_out, 1, norm, None, f"{name}.project")
    return layers.Add(name=f"{name}.add")([y, x]) if c_in == c_out else y
