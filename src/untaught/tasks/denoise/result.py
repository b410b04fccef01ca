"""Data whose hot and dead pixels were filled before the noise was measured, of which a part may be asked for; saturated values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from untaught.noise import find_hot, mended
from untaught.solver.result import Wrapped

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Mended(Wrapped):
    """What `then` makes; that there are such pixels was found on the whole, and which they are is found again in a part."""

    def after(self, data: Tensor) -> Tensor:
        hot = find_hot(data, part=True)
        return data if hot is None else mended(data, hot)

    @property
    def direct(self) -> bool:
        return self.then.direct


@dataclass(frozen=True)
class Saturated(Wrapped):
    """What `then` makes, but for the values of `original` that are at least `level`: a full detector says no more than that."""

    level: float
    original: NDArray

    def __call__(self, x: Any) -> NDArray:
        made = self.then(x)
        return np.where(self.original >= self.level, self.original, made).astype(made.dtype)

    def on(self, array: NDArray) -> Self:
        return replace(super().on(array), original=array)

    @property
    def direct(self) -> bool:
        return self.then.direct
