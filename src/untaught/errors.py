"""Errors that a person can act on: one sentence with the fact, the values and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UntaughtError(Exception):
    """Base of every refusal. The message is shown as it stands; the command line exits with 2."""


class BadInput(UntaughtError, ValueError):
    """What was asked for, or handed in, cannot be worked with."""


class Missing(UntaughtError, ImportError):
    """An optional package is not installed."""


class Stale(UntaughtError, RuntimeError):
    """A past iterate was asked for its picture; the network has moved on since."""


def unknown(kind: str, name: object, names: Iterable[str]) -> BadInput:
    """The error for a name that is not in `names`, with the nearest one."""
    known = sorted(names)
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"choose one of: {', '.join(known)}."
    return BadInput(f"There is no {kind} '{name}': {hint}")
