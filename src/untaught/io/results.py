"""Array out: from the picture of a problem, in the data's own units, to the caller's type, range and layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from untaught.core.allocator import give_back
from untaught.core.amounts import FULL_SCALE
from untaught.solver.result import Result, Wrapped


@dataclass(frozen=True)
class Layout(Result):
    """How an array came in, and a result goes out: the inverse of `arrays.tensor`, exactly, for type and axes.

    dtype: a NumPy name. channel_axis: where the channels were, or None. strength: how much of the result is blended
    into the input, 0 to 1; `original` is kept only where that is needed. copies: channels that are all the one restored.
    still: by channel the value that is all it holds, or None where it is restored; empty where every one is. gaps: what
    becomes of the values that were unknown.
    """

    dtype: str
    channel_axis: int | None
    strength: float = 1.0
    original: NDArray | None = None
    copies: int = 1
    still: tuple[float | None, ...] = ()
    gaps: Callable[[NDArray], NDArray] | None = None

    @classmethod
    def of(
        cls,
        array: NDArray,
        channel_axis: int | None,
        strength: float = 1.0,
        copies: int = 1,
        still: tuple[float | None, ...] = (),
    ) -> Layout:
        """That of the array."""
        return cls(str(array.dtype), channel_axis, strength, array if strength < 1 else None, copies, still)

    def __call__(self, x: Any) -> NDArray:
        """The array of a picture tensor (1, c, *space) in the data's own units; integers are rounded and clipped."""
        give_back(x.numel())
        array = x.detach().cpu().numpy()[0].astype(np.float64)
        array = array if self.copies == 1 else np.repeat(array, self.copies, axis=0)
        if self.still:
            rest = iter(array)
            array = np.stack([next(rest) if v is None else np.full(array.shape[1:], v) for v in self.still])
        array = array[0] if self.channel_axis is None else np.moveaxis(array, 0, self.channel_axis)
        if self.original is not None:
            array = self.original + self.strength * (array - self.original)
        dtype = np.dtype(self.dtype)
        if dtype.kind == "f" and dtype.itemsize < 8:  # a value beyond the type would become infinite
            array = array.clip(np.finfo(dtype).min, np.finfo(dtype).max)
        array = array if self.gaps is None else self.gaps(array)  # which may keep one that was
        if dtype.kind in "ui":
            info = np.iinfo(dtype)
            np.rint(array, out=array)  # in place: a large picture fills the memory as it is
            np.clip(array, info.min, info.max, out=array)
        return np.ascontiguousarray(array.astype(dtype))

    def exact(self) -> Layout:
        return replace(self, dtype="float64", strength=1.0, original=None)

    def on(self, array: NDArray, fill: NDArray | None = None) -> Layout:
        return replace(self, original=None if self.original is None else array)

    def bridging(self, gone: NDArray, fill: Callable[[NDArray], NDArray]) -> Layout:
        return replace(self, gaps=fill)

    @property
    def full(self) -> float | None:
        return FULL_SCALE.get(np.dtype(self.dtype))

    @property
    def direct(self) -> bool:
        return True


@dataclass(frozen=True)
class Filled(Wrapped):
    """What `then` makes, taken where `fill` says; elsewhere the values of `original` as they came in (None: taken everywhere).

    fill: True where taken, of as many axes as the array. channel_axis: of the array.
    """

    fill: NDArray
    original: NDArray | None
    channel_axis: int | None

    def __call__(self, x: Any) -> NDArray:
        made = self.then(x)
        return made if self.original is None else np.where(self.fill, made, self.original)

    def on(self, array: NDArray, fill: NDArray | None = None) -> Self:
        original = None if self.original is None else array
        return replace(super().on(array, fill), fill=self.fill if fill is None else fill, original=original)

    def bridging(self, gone: NDArray, fill: Callable[[NDArray], NDArray]) -> Filled:
        # What was unknown is no known value to keep.
        return replace(super().bridging(gone, fill), fill=self.fill | gone)

    @property
    def filled(self) -> NDArray | None:
        if self.original is None or self.channel_axis is None:
            return None if self.original is None else self.fill
        return np.moveaxis(self.fill, self.channel_axis, -1)

    @property
    def direct(self) -> bool:
        return self.then.direct
