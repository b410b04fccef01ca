"""Memory that a step gives back is memory that the next step asks for again: a program of its own keeps it.

glibc hands large blocks back to the system at once, and the next step pays for them anew, page by page: at 256x256 a step of the
paper's network takes 240 000 page faults and a quarter of its time (docs/benchmarks). Only programs call this; a library has no
business with its host's allocator.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # malloc.h
LARGE = 1 << 22  # values of a map from which on such maps are most of a run's memory
_kept = False


def keep_memory() -> bool:
    """Keep freed memory for this process; whether the system's allocator knows how (glibc does)."""
    global _kept
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    _kept = bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1))
    return _kept


def give_back(values: int) -> None:
    """Before work on maps of so many values: what is free goes back to the system, where `keep_memory` kept it. The holes that the
    maps of a large picture leave are too small for the next ones, which would be laid beyond them."""
    if _kept and values > LARGE:
        trim()


def trim() -> None:
    """All that is free goes back to the system, where its C library knows how."""
    with contextlib.suppress(OSError, AttributeError, TypeError):  # TypeError: Windows has no library without a name
        ctypes.CDLL(None).malloc_trim(0)
