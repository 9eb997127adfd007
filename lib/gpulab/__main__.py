"""Let ``python -m gpulab`` do what the command ``gpulab`` does."""

from __future__ import annotations

import sys

from gpulab.cli import main

if __name__ == "__main__":
    sys.exit(main())
