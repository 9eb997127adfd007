"""Still pictures made from arrays in a few lines of SVG: the same to the letter on every machine."""

from __future__ import annotations

import base64
import html
import struct
import urllib.parse
import zlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np

Color = str  # such as "#08519c"
BLUE, PURPLE, ORANGE = (8, 81, 156), (84, 39, 136), (179, 88, 6)
FRAME = "#d1007a"


def blues(share: float) -> Color:
    """Return white for 0, dark blue for 1."""
    return _mix(BLUE, share)


def signed(share: float) -> Color:
    """Return orange for -1, white for 0, purple for 1: the colors of the pages' maps."""
    return _mix(ORANGE if share < 0 else PURPLE, abs(share))


def gray(share: float) -> Color:
    """Return white for 0, black for 1."""
    return _mix((0, 0, 0), share)


def _mix(color: tuple[int, int, int], share: float) -> Color:
    share = min(1.0, max(0.0, float(share)))
    return "#" + "".join(f"{round(255 + (part - 255) * share):02x}" for part in color)


def ink(color: Color) -> Color:
    """Return black or white, whichever is easier to read on a color."""
    parts = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    light = sum(weight * part**2.2 for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))
    return "#000" if light > 0.18 else "#fff"


def number(value: float, decimals: int = 2) -> str:
    """Return a number as a reader wants it: no zeros at the end, a true minus sign.

    Examples
    --------
    >>> number(2.50), number(-3.0), number(-0.001)
    ('2.5', '−3', '0')
    """
    text = f"{value:.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-0", "0").replace("-", "−") if float(text) == 0 else text.replace("-", "−")


def words(x: float, y: float, text: str, size: float = 13) -> str:
    """Return a line of text, its left end on the point."""
    return f"<text x='{x:g}' y='{y:g}' font-size='{size:g}'>{html.escape(text)}</text>"


def grid(
    values: np.ndarray,
    x: float,
    y: float,
    side: float,
    color: Callable[[float], Color],
    lit: Iterable[tuple[int, int]] = (),
    decimals: int = 0,
) -> str:
    """Return a grid of numbers as SVG: a colored cell for each, thick frames around the lit ones.

    Parameters
    ----------
    values : ndarray, (rows, columns)
    x, y, side : float
        Upper left corner, and the side of a cell.
    color : callable
        The color of a value.
    lit : iterable of (row, column)
        Cells with a thick frame.
    decimals : int
        Of the numbers.
    """
    boxes, texts, frames = [], [], []
    for (i, j), value in np.ndenumerate(values):
        left, top, fill = x + j * side, y + i * side, color(value)
        boxes.append(f"<path d='M{left:g} {top:g}h{side:g}v{side:g}h-{side:g}z' fill='{fill}'/>")
        place = f"x='{left + side / 2:g}' y='{top + side * 0.68:g}'"
        texts.append(f"<text {place} fill='{ink(fill)}'>{number(value, decimals)}</text>")
    for i, j in lit:
        corner = f"x='{x + j * side + 1:g}' y='{y + i * side + 1:g}' width='{side - 2:g}' height='{side - 2:g}'"
        frames.append(f"<rect {corner}/>")
    return (
        f"<g stroke='#858585'>{''.join(boxes)}</g>"
        f"<g fill='none' stroke='{FRAME}' stroke-width='3'>{''.join(frames)}</g>"
        f"<g font-size='{side * 0.48:g}' text-anchor='middle'>{''.join(texts)}</g>"
    )


def pixels(values: np.ndarray, x: float, y: float, width: float, color: Callable[[float], Color]) -> str:
    """Return an image of 16 shades as SVG, its pixels as squares.

    Parameters
    ----------
    values : ndarray, (rows, columns), int from 0 to 15
    x, y, width : float
        Upper left corner, and the width of the picture.
    color : callable
        The color of a share between 0 and 1.
    """
    rows, columns = values.shape
    place = f"x='{x:g}' y='{y:g}' width='{width:g}' height='{width * rows / columns:g}'"
    address = f"data:image/png;base64,{base64.b64encode(png(values, color)).decode()}"
    return f"<image {place} style='image-rendering:pixelated' href='{address}'/>"


def png(values: np.ndarray, color: Callable[[float], Color]) -> bytes:
    """Return 16 shades as a PNG file, not compressed: compressors differ from machine to machine."""
    rows, columns = values.shape
    even = np.pad(values.astype(np.uint8), ((0, 0), (0, columns % 2)))
    packed = even[:, ::2] << 4 | even[:, 1::2]
    raw = np.pad(packed, ((0, 0), (1, 0))).tobytes()  # each row starts with 0: no filter
    pieces = [raw[i : i + 0xFFFF] for i in range(0, len(raw), 0xFFFF)]
    blocks = b"".join(
        struct.pack("<BHH", i == len(pieces) - 1, len(piece), 0xFFFF - len(piece)) + piece
        for i, piece in enumerate(pieces)
    )
    palette = b"".join(bytes.fromhex(color(shade / 15)[1:]) for shade in range(16))
    header = struct.pack(">IIBBBBB", columns, rows, 4, 3, 0, 0, 0)
    stored = b"\x78\x01" + blocks + struct.pack(">I", zlib.adler32(raw))
    chunks = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", stored), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def picture(parts: Sequence[str], width: float, height: float) -> str:
    """Return SVG parts as one picture on white, as a data address for an ``img`` element."""
    size = f"width='{width:g}' height='{height:g}' viewBox='0 0 {width:g} {height:g}'"
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' {size} font-family='sans-serif'>"
        f"<rect width='100%' height='100%' fill='#fff'/>{''.join(parts)}</svg>"
    )
    return data_address(svg)


def data_address(svg: str) -> str:
    """Return an SVG picture as a data address."""
    return "data:image/svg+xml," + urllib.parse.quote(svg, safe=" ='/:;,.()+-*!~@$[]{}|")
