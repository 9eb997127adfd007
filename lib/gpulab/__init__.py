"""The course's helper library: one import name, and nothing heavy behind it.

``import gpulab`` loads no framework, no plotting library and opens no connection. Each submodule has one job
and loads what it needs when it is called::

    from gpulab.data import load
    digits = load("digits")
"""

from __future__ import annotations

__version__ = "0.1.0"
