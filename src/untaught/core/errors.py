"""Errors that a person can act on: one sentence with the fact, the values and the remedy."""

from __future__ import annotations

import contextlib
import difflib
import errno
import re
import traceback
from collections.abc import Iterable, Iterator


class UntaughtError(Exception):
    """Base of every refusal. The message is shown as it stands; the command line exits with 2."""


class BadInput(UntaughtError, ValueError):
    """What was asked for, or handed in, cannot be worked with."""


class NothingToDo(BadInput):
    """There is nothing to restore in this picture, or nothing to restore it from: among others it stays as it is."""


class Missing(UntaughtError, ImportError):
    """An optional package is not installed."""


class Stale(UntaughtError, RuntimeError):
    """A past iterate was asked for its picture; the network has moved on since."""


class OutOfMemory(UntaughtError, MemoryError):
    """The memory that the work needs cannot be had."""


SMALLER = "take a smaller preset, restore a part of the picture, or close other programs"
_REFUSED = re.compile(
    r"can't allocate memory|cannot allocate memory|not enough memory|out of memory|bad_alloc|unable to allocate|"
    r"alloc_failed|memoryallocation|could not create a (?:memory|primitive)|failed to map segment",
    re.IGNORECASE,
)
_UNITS = {"B": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50, "E": 2**60}
_ASKED = re.compile(r"allocate (\d+(?:\.\d+)?) ?(bytes|[KMGTPE]iB)", re.IGNORECASE)


def short_of_memory(error: BaseException) -> bool:
    """Whether an error says, in whatever class and words, that there was no memory: Python's, numpy's, torch's, a device's."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    if isinstance(error, SystemError):  # what Python says where there was no memory even for the error
        return "without exception set" in str(error) or "without setting an exception" in str(error)
    return isinstance(error, (RuntimeError, OSError, ImportError)) and bool(_REFUSED.search(str(error)))


def out_of_memory(error: BaseException) -> OutOfMemory:
    """The one sentence for an error that is `short_of_memory`, with what was asked for last where it says that."""
    if isinstance(error, OutOfMemory):
        return error
    found = _ASKED.search(str(error))
    asked = f": {amount(float(found[1]) * _UNITS[found[2][0].upper()])} more could not be had" if found else ""
    return OutOfMemory(f"There was not enough memory{asked}. To do it all the same, {SMALLER}.")


def amount(bytes: float) -> str:
    """So many bytes for people, as "1.5 GiB"."""
    for unit in ("bytes", "KiB", "MiB"):
        if abs(bytes) < 1000:
            return f"{bytes:.3g} {unit}"
        bytes /= 1024
    return f"{bytes:.{1 if bytes < 100 else 0}f} GiB"


@contextlib.contextmanager
def memory_told() -> Iterator[None]:
    """An edge of the engine, as a context or a decorator: want of memory leaves it as `OutOfMemory`, all else as it was."""
    try:
        yield
    except Exception as error:
        if isinstance(error, UntaughtError) or not short_of_memory(error):
            raise
        # Else the arrays of the work that failed would live as long as the error.
        traceback.clear_frames(error.__traceback__)
        raise out_of_memory(error) from error


def why(error: BaseException) -> str:
    """What an error of somebody else's says, for a sentence of ours: its first line, or its kind where it says nothing."""
    return ((str(error).splitlines() or [""])[0].rstrip(".") or type(error).__name__)[:200]


def unknown(kind: str, name: object, names: Iterable[str]) -> BadInput:
    """The error for a name that is not in `names`, with the nearest one."""
    known = sorted(names)
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"choose one of: {', '.join(known)}."
    return BadInput(f"There is no {kind} '{name}': {hint}")
