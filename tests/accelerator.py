"""An accelerator that is none: its tensors say that they lie elsewhere, and are computed on the CPU all the same.

So the law "a device changes nothing" holds or fails on any machine: what mixes devices, draws from another device's generator or
hands a device's tensor to NumPy fails here as it would there, and every number must be the CPU's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

DEVICE = "lazy"
"""A device type that PyTorch knows, that is not there, and whose gradients run in the caller's thread."""

_Generator = torch.Generator
_aten = torch.ops.aten
_CONVOLUTIONS = (_aten.convolution.default, _aten.convolution_backward.default)
_INDEXING = (_aten.index.Tensor, _aten.index_put.default, _aten.index_put_.default, _aten._index_put_impl_.default)


_mantissa = 23
"""Bits of the factors that convolutions take; 23 are all there are."""


class Mixed(RuntimeError):
    """Tensors of both devices in one operation."""


class There(torch.Tensor):
    """A tensor on the accelerator; `held` has its numbers."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> There:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=torch.device(DEVICE),
        )
        made.held = held
        return made

    def __init__(self, held: torch.Tensor) -> None:
        pass

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})

    def tolist(self) -> Any:
        return self.held.tolist()

    def __repr__(self) -> str:  # type: ignore[override]
        return f"There({self.held!r})"


class _Elsewhere(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class _Placed(_Generator):
    """A generator that knows for which device it was asked."""

    def __new__(cls, device: Any = "cpu") -> _Placed:
        made = _Generator.__new__(cls, "cpu")
        made.place = torch.device(device).type
        return made

    @property
    def device(self) -> torch.device:
        return torch.device(self.place)


class _Draws(TorchFunctionMode):
    """Generators are looked at here, since below they are no longer the objects that were made."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        draw = kwargs.get("generator")
        like = [t.device for t in args if isinstance(t, torch.Tensor)]
        place = torch.device(kwargs.get("device") or (like or ["cpu"])[0]).type
        if draw is not None and draw.device.type != place:
            raise Mixed(f"{func} draws for {place} from a generator of {draw.device}")
        return func(*args, **kwargs)


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = list(_tensors((args, *kwargs.values())))
    there = any(isinstance(t, There) for t in tensors)
    if there and any(not isinstance(t, There) and t.ndim > 0 for t in tensors) and not _may_mix(func, args):
        raise Mixed(f"{func} has tensors of two devices: {[(type(t).__name__, tuple(t.shape)) for t in tensors]}")
    asked = kwargs.get("device")
    place = DEVICE if there and asked is None else torch.device(asked or "cpu").type
    if func in (_aten.copy_.default, _aten.index_put_.default):
        place = DEVICE if isinstance(args[0], There) else "cpu"
    if asked is not None and place == DEVICE:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    if there and func in _CONVOLUTIONS:
        args = [_coarse(v.held) if isinstance(v, There) else v for v in args]
    made = func(*map(_held, args), **{name: _held(v) for name, v in kwargs.items()})
    if place != DEVICE:
        return made
    if there and func._schema.is_mutable and isinstance(made, torch.Tensor):  # what was written to is what comes back
        return kwargs.get("out", args[0])
    return _placed(made)


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    for v in values:
        if isinstance(v, torch.Tensor):
            yield v
        elif isinstance(v, (list, tuple)):
            yield from _tensors(v)


def _held(v: Any) -> Any:
    return v.held if isinstance(v, There) else [_held(one) for one in v] if isinstance(v, (list, tuple)) else v


def _coarse(t: torch.Tensor) -> torch.Tensor:
    """Rounded to the bits that are kept, to the nearest and ties to even."""
    if t.dtype != torch.float32 or _mantissa == 23:
        return t
    bits, lost = t.view(torch.int32), 23 - _mantissa
    up = (1 << (lost - 1)) - 1 + ((bits >> lost) & 1)
    return ((bits + up) >> lost << lost).view(torch.float32)


def _placed(v: Any) -> Any:
    if isinstance(v, torch.Tensor):
        return There(v.resolve_conj().resolve_neg())
    return tuple(_placed(one) for one in v) if isinstance(v, (list, tuple)) else v


def _may_mix(func: Any, args: Any) -> bool:
    """Copies go from one device to the other, and indices may lie here for a tensor that lies there."""
    return func is _aten.copy_.default or (func in _INDEXING and isinstance(args[0], There))


@contextmanager
def accelerator(mantissa: int = 23) -> Iterator[None]:
    """Within it `DEVICE` is a device like any other.

    mantissa: to how many bits convolutions round what they multiply: 10 for TF32, PyTorch's default on such GPUs as have it.
    """
    global _mantissa
    before, _mantissa = torch._C._only_lift_cpu_tensors(), mantissa
    torch._C._set_only_lift_cpu_tensors(True)
    try:
        with mock.patch.object(torch, "Generator", _Placed), _Draws(), _Elsewhere():
            yield
    finally:
        torch._C._set_only_lift_cpu_tensors(before)
        _mantissa = 23
