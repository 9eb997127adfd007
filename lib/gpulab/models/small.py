"""Small versions of landmark networks: one skeleton, four kinds of blocks, the same in both frameworks.

All take images of 28 x 28 with one channel and return 10 logits. The skeleton, with ``w`` for the width::

    convolution 3 x 3       w channels   28 x 28
    max pooling 4 x 4                     7 x 7
    blocks                 2w channels    7 x 7
    max pooling 2 x 2                     3 x 3
    blocks                 4w channels    3 x 3
    global average, dense layer          10 logits

Only the blocks differ, so a difference between two networks comes from the blocks.
"""

from __future__ import annotations

from typing import Any

from gpulab.models import small_keras, small_torch

NAMES = ("vgg", "inception", "residual", "mbconv")
SIDES = {"torch": small_torch.build, "keras": small_keras.build}


def small(name: str, framework: str, *, blocks: int = 2, width: int = 8, norm: bool = True) -> Any:
    """Return a small network with fresh weights: 28 x 28 x 1 in, 10 logits out.

    Parameters
    ----------
    name : {"vgg", "inception", "residual", "mbconv"}
        The kind of its blocks. "vgg": two convolutions of 3 x 3 [1]_. "inception": four branches side by side [2]_.
        "residual": as "vgg", with a shortcut [3]_. "mbconv": expand, depthwise convolution, squeeze and excite,
        project, with a shortcut where the shapes allow it [4]_.
    framework : {"torch", "keras"}
    blocks : int
        Blocks in each of the two stages. With n blocks, "vgg" and "residual" have 4 n + 2 layers with weights in a
        row.
    width : int
        Channels of the first convolution; a multiple of 4.
    norm : bool
        Batch normalization after each convolution. Without it, the convolutions have biases.

    Returns
    -------
    torch.nn.Module or keras.Model
        Convolutions start as in He et al. (normal, variance 2 / inputs), in both frameworks.

    Raises
    ------
    ValueError
        A name is not known, or a number is out of range.

    References
    ----------
    .. [1] Simonyan and Zisserman, 2015. .. [2] Szegedy et al., 2016. .. [3] He et al., 2016. .. [4] Tan and Le, 2019.

    Examples
    --------
    >>> small("lenet", "torch")
    Traceback (most recent call last):
    ...
    ValueError: There is no small network 'lenet'. Choose one of: vgg, inception, residual, mbconv.
    """
    if name not in NAMES:
        raise ValueError(f"There is no small network {name!r}. Choose one of: {', '.join(NAMES)}.")
    if framework not in SIDES:
        raise ValueError(
            f"There is no framework {framework!r} in the course. Choose one of: {', '.join(sorted(SIDES))}."
        )
    if isinstance(blocks, bool) or not isinstance(blocks, int) or blocks < 1:
        raise ValueError(f"blocks={blocks!r}: expected a whole number of at least 1, the blocks in each stage.")
    if isinstance(width, bool) or not isinstance(width, int) or width < 4 or width % 4:
        raise ValueError(f"width={width!r}: expected a multiple of 4, such as 8, so that four branches share it.")
    return SIDES[framework](name, blocks, width, norm)
