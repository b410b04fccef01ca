"""Memory that a step gives back is memory that the next step asks for again: a program of its own keeps it.

glibc hands large blocks back to the system at once, and the next step pays for them anew, page by page: at 256x256 a step of the
paper's network takes 240 000 page faults and a quarter of its time (docs/benchmarks). Only programs call this; a library has no
business with its host's allocator.
"""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # malloc.h


def keep_memory() -> bool:
    """Keep freed memory for this process; whether the system's allocator knows how (glibc does)."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1))
