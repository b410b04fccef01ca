"""Of the picture that the kernel saw, what lies under the data, and what they leave possible."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

from untaught.core.geometry import crop_to
from untaught.solver.result import Result, Wrapped

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class Inner(Wrapped):
    """What `then` makes of the middle, of the size `space`, and of its values within `limits`, in the caller's units."""

    space: tuple[int, ...]
    limits: tuple[float, float] = (-inf, inf)

    def on(self, array: NDArray, fill: NDArray | None = None) -> Inner:
        return replace(super().on(array, fill), space=array.shape[: len(self.space)])

    def shown(self, x: Tensor) -> Tensor:
        return self.then.shown(crop_to(x, self.space))

    @property
    def bare(self) -> Result:
        return self.then.bare

    def before(self, x: Tensor) -> Tensor:
        return crop_to(x, self.space).clamp(*self.limits)


def limits(kernel: Tensor, low: float, high: float) -> tuple[float, float]:
    """What a pixel of the picture can be where its blurred values lie in [low, high].

    Its own value is in the one above it with the weight at the kernel's middle, w: in a picture of which nothing is darker than
    `low`, a pixel above low + (high - low) / w would make that one brighter than `high`; the same holds for the dark.
    """
    weight = float(kernel[tuple(n // 2 for n in kernel.shape)])
    reach = (high - low) / weight if weight > 0 else inf
    return high - reach, low + reach
