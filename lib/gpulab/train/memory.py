"""Keep the host memory that a training step frees for the next step: on Linux with glibc, for the whole process.

The C library gives large blocks back to the system as soon as they are freed. Each step of training on a CPU frees its
tensors and asks for the same sizes again, so the system hands out, clears and maps the same memory thousands of times
(page faults). Two settings of glibc's allocator end that. They are process-wide, so there is a way out:
``GPULAB_KEEP_MEMORY=0`` in the environment leaves the allocator alone, and so does any setting of your own for it
(``MALLOC_TRIM_THRESHOLD_``, ``GLIBC_TUNABLES``, and so on).
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

SWITCH = "GPULAB_KEEP_MEMORY"
THEIRS = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_MMAP_MAX_", "MALLOC_TOP_PAD_")
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # names of glibc's settings in <malloc.h>
MOST = (1 << 30, 1 << 25)  # bytes: blocks up to here are kept; older versions of glibc allow 32 MiB only
NEVER = (1 << 31) - 1  # the largest number that the setting takes


@cache
def keep_freed() -> bool:
    """Let this process keep memory that it frees; return whether it does. Only the first call acts; it never fails."""
    library = _glibc()
    if library is None or not _wanted():
        return False
    set_to = library.mallopt
    return any(set_to(M_MMAP_THRESHOLD, size) for size in MOST) and bool(set_to(M_TRIM_THRESHOLD, NEVER))


@contextmanager
def kept_while() -> Iterator[None]:
    """Keep freed memory inside, and give what is free back to the system at the end."""
    keeping = keep_freed()
    try:
        yield
    finally:
        if keeping and (library := _glibc()) is not None:
            library.malloc_trim(0)


def _wanted() -> bool:
    """Return whether neither our switch nor a setting of the learner's own speaks against it."""
    own = any(name in os.environ for name in THEIRS) or "malloc" in os.environ.get("GLIBC_TUNABLES", "")
    return os.environ.get(SWITCH, "1") != "0" and not own


@cache
def _glibc() -> ctypes.CDLL | None:
    """Return the C library of this process if it is glibc."""
    if sys.platform != "linux":
        return None
    try:
        library = ctypes.CDLL(None)
    except OSError:
        return None
    if not all(hasattr(library, name) for name in ("gnu_get_libc_version", "mallopt", "malloc_trim")):
        return None
    library.mallopt.argtypes, library.mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    library.malloc_trim.argtypes, library.malloc_trim.restype = (ctypes.c_size_t,), ctypes.c_int
    return library
