"""Messages between the referee and an entry's process: JSON and arrays, never pickles, which could run code on arrival."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

HEAD = struct.Struct("<QQ")  # bytes of the JSON, bytes of the arrays
MOST = 1 << 30  # bytes


def send(out: BinaryIO, kind: str, arrays: Mapping[str, np.ndarray] | None = None, **facts: Any) -> None:
    """Write a message: its kind, plain facts, and arrays by name."""
    text, data = json.dumps({"kind": kind, **facts}).encode(), io.BytesIO()
    if arrays:
        np.savez(data, **arrays)
    out.write(HEAD.pack(len(text), data.tell()) + text + data.getvalue())
    out.flush()


def receive(source: BinaryIO) -> dict[str, Any]:
    """Read a message; its arrays stand beside its facts.

    Raises
    ------
    EOFError
        The other side is gone.
    ValueError
        What came is no message.
    """
    sizes = HEAD.unpack(_exactly(source, HEAD.size))
    if max(sizes) > MOST:
        raise ValueError("this is no message of the other side")
    message = json.loads(_exactly(source, sizes[0]))
    if sizes[1]:
        with np.load(io.BytesIO(_exactly(source, sizes[1])), allow_pickle=False) as arrays:
            message |= {name: arrays[name] for name in arrays.files}
    return message


def _exactly(source: BinaryIO, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = source.read(count - len(data))
        if not more:
            raise EOFError("the other side is gone")
        data += more
    return data
