"""An interactive figure that needs no kernel and no network: a still picture, and a script that brings it to life.

What a cell stores is complete in itself. The still picture with its words stands in the HTML; the script replaces it
where it may run: in JupyterLab, in VS Code, in Colab and in the built book. Where scripts are off, the picture stays.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
HOW = (
    "This picture stands still. The live one needs scripts: run the cell in JupyterLab, or allow scripts on this page."
)


@dataclass(frozen=True)
class Explorer:
    """An interactive figure, shown by a notebook as the value of a cell.

    Attributes
    ----------
    name : str
        Names the JavaScript file beside this module, without its suffix. The file is one function,
        ``(ui, data) => {...}``: it makes its controls with `ui` (see ``runtime.js``), sets ``ui.picture`` to a function
        that draws the state and returns one sentence about the picture, and ``ui.compute`` to what a test may call.
    title : str
        Stands above the figure.
    still : str
        A picture made in advance, as a data address.
    alt : str
        What the still picture shows, in words.
    data : mapping
        What the script needs, as plain values.
    uses : tuple of str
        Other JavaScript files beside this module, each one function; they are handed to the script after `data`.

    Examples
    --------
    >>> from gpulab.widgets import convolution
    >>> convolution()
    Explorer('convolution'): run it in a notebook, or read its page in the book.
    """

    name: str
    title: str
    still: str
    alt: str
    data: Mapping[str, Any] = field(default_factory=dict)
    uses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a figure that somebody could not read."""
        if not (FOLDER / f"{self.name}.js").is_file():
            raise ValueError(f"There is no explorer {self.name!r}: its script {self.name}.js is not in gpulab/widgets.")
        if not self.alt.strip():
            raise ValueError(
                f"The explorer {self.name!r} has no alt text: say in a sentence what its still picture shows."
            )
        if not self.still.startswith("data:image/"):
            raise ValueError(
                f"The still picture of {self.name!r} is no data address: make one with gpulab.widgets.still."
            )

    def __repr__(self) -> str:
        """Say what it is where only text is shown."""
        return f"Explorer({self.name!r}): run it in a notebook, or read its page in the book."

    def _repr_html_(self) -> str:
        """Return the whole figure: the still picture, and the script that replaces it."""
        name, title = html.escape(self.name), html.escape(self.title)
        picture = f'<img class="gpulab-frame" alt="{html.escape(self.alt)}" src="{html.escape(self.still)}">'
        return (
            f'<div class="gpulab-explorer" data-explorer="{name}">\n<p class="gpulab-title">{title}</p>\n'
            f'<div class="gpulab-still">{picture}<p class="gpulab-note">{HOW}</p></div>\n'
            f"<script>\n{self._script()}\n</script>\n</div>"
        )

    def _script(self) -> str:
        """Return the script: the shared part once a page, then this figure's own with its data."""
        runtime, style = source("runtime.js"), source("style.css")
        # Pages keep outputs of different versions of the course apart by the runtime's hash.
        key = f"gpulab_{hashlib.sha256((runtime + style).encode()).hexdigest()[:8]}"
        data = json.dumps(self.data, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
        return (
            f"window.{key} ??= {{style: {json.dumps(style)}, start: {runtime}}};\n"
            f"window.{key}.start(document.currentScript, {json.dumps(self.name)}, window.{key}.style, {data},\n"
            + ",\n".join(source(f"{name}.js") for name in (self.name, *self.uses))
            + ")"
        )


@cache
def source(file: str) -> str:
    """Return a script or a style sheet without the lines that are only comments, and without indentation."""
    lines = (line.strip() for line in (FOLDER / file).read_text(encoding="utf-8").splitlines())
    text = "\n".join(line for line in lines if line and not line.startswith("//"))
    return re.sub(r";\Z", "", text)
