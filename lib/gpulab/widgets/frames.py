"""Pictures computed in advance, behind a slider: for what takes too long, or is too much, to compute in the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

from gpulab.widgets import still
from gpulab.widgets.core import Explorer


def frames(
    pictures: Sequence[Any],
    labels: Sequence[str],
    alts: Sequence[str],
    *,
    control: str,
    title: str = "",
    first: int = 0,
) -> Explorer:
    """Return a slider through pictures.

    Parameters
    ----------
    pictures : sequence of str, bytes or matplotlib figures
        SVG text, PNG files, or figures, which are drawn now. Take the same size for all.
    labels : sequence of str
        What the slider shows for each, such as "step 3".
    alts : sequence of str
        What each picture shows, in words; it is read aloud when the slider stops.
    control : str
        Stands above the slider.
    title : str
        Stands above the figure; the control's name where it is not given.
    first : int
        The picture at the start, which is also the still one.

    Returns
    -------
    Explorer

    Raises
    ------
    ValueError
        There are fewer than two pictures, or the labels or alts do not fit them.

    Examples
    --------
    >>> dot = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><circle cx='4' cy='4' r='{}'/></svg>"
    >>> frames([dot.format(1), dot.format(3)], ["1", "3"], ["A small dot.", "A large dot."], control="radius")
    Explorer('frames'): run it in a notebook, or read its page in the book.
    """
    if not len(pictures) == len(labels) == len(alts) or len(pictures) < 2:
        counts = f"{len(pictures)} pictures, {len(labels)} labels and {len(alts)} alts"
        raise ValueError(f"frames got {counts}; give two or more pictures, and a label and an alt text for each.")
    if not all(alt.strip() for alt in alts):
        raise ValueError("frames got an empty alt text: say in a sentence what each picture shows.")
    if not 0 <= first < len(pictures):
        raise ValueError(
            f"first={first}, and there are {len(pictures)} pictures: choose one from 0 to {len(pictures) - 1}."
        )
    sources = [source_of(picture) for picture in pictures]
    shown = [{"source": s, "label": l, "alt": a} for s, l, a in zip(sources, labels, alts, strict=True)]
    data = {"control": control, "first": first, "frames": shown}
    return Explorer("frames", title or control, sources[first], alts[first], data)


def source_of(picture: Any) -> str:
    """Return one picture as a data address."""
    if hasattr(picture, "savefig"):
        file = io.BytesIO()
        picture.savefig(file, format="png")
        picture = file.getvalue()
    if isinstance(picture, bytes) and picture.startswith(b"\x89PNG"):
        return f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    if isinstance(picture, str) and picture.lstrip().startswith("<svg"):
        return still.data_address(picture)
    raise ValueError(
        f"frames cannot show a {type(picture).__name__}; expected SVG text, a PNG file's bytes, or a figure."
    )
