"""Names of the classes that a source task had."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from gpulab.transfer.errors import TransferError

LISTS = {"imagenet": "imagenet_classes.json"}


@cache
def labels(name: str) -> tuple[str, ...]:
    """Return the names of the classes of a source task, in the order of the logits.

    Parameters
    ----------
    name : {"imagenet"}
        The 1,000 classes of ILSVRC 2012, in short English names as torchvision has them.

    Raises
    ------
    TransferError
        There is no such list.

    Examples
    --------
    >>> labels("imagenet")[281:286]
    ('tabby', 'tiger cat', 'Persian cat', 'Siamese cat', 'Egyptian cat')
    """
    if name not in LISTS:
        raise TransferError(f"There is no list of classes {name!r}. Choose one of: {', '.join(sorted(LISTS))}.")
    return tuple(json.loads(files("gpulab.transfer").joinpath(LISTS[name]).read_text(encoding="utf-8")))
