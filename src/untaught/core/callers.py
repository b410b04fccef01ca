"""The caller's torch and numpy, and ours: whatever a caller has switched, the library computes alike, and leaves all as it was.

Gradient mode, automatic casts, a default device and numpy's handling of floating-point errors belong to a thread, and are set
for the call. The default dtype belongs to the process: the first call in sets it, and the last one out restores it.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

_lock = threading.Lock()
_inside = 0
_before: Any = None
_filters: list[Any] = []
_forked = False
LOUD = {"numpy", "scipy", "sympy", "torch"}
"""Packages that add to Python's filters of warnings when a part of them is first imported."""


def _child() -> None:
    global _lock, _inside, _forked
    _lock, _inside, _forked = threading.Lock(), 0, True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_child)


@contextmanager
def own_settings(*, grad: bool = True) -> Iterator[None]:
    """A context, and a decorator, in which torch and numpy are as they come, with gradients or without.

    In a process that was forked the threads of the one before are gone, and to wait for them is to wait for ever: there one
    thread computes.
    """
    import numpy as np
    import torch

    if _forked and torch.get_num_threads() > 1:
        torch.set_num_threads(1)
    with ExitStack() as stack:
        stack.enter_context(np.errstate(all="ignore"))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.set_grad_enabled(grad))
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        _enter()
        stack.callback(_leave)
        yield


def _enter() -> None:
    import torch

    global _inside, _before, _filters
    with _lock:
        if not _inside:
            _before, _filters = torch.get_default_dtype(), list(warnings.filters)
            torch.set_default_dtype(torch.float32)
        _inside += 1


def _leave() -> None:
    import torch

    global _inside
    with _lock:
        _inside -= 1
        if not _inside:
            torch.set_default_dtype(_before)
            for one in [f for f in warnings.filters if f not in _filters and f[2].__module__.split(".")[0] in LOUD]:
                warnings.filters.remove(one)  # type: ignore[attr-defined]
