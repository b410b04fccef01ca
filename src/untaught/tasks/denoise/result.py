"""Data whose hot and dead pixels were filled before the noise was measured, of which a part may be asked for; saturated values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from untaught.classical.points import Points, find_points
from untaught.io import arrays
from untaught.noise import find_hot, mended
from untaught.solver.result import Result, Wrapped

if TYPE_CHECKING:
    from torch import Tensor

    from untaught.problem.likelihoods import Likelihood


@dataclass(frozen=True)
class Evened(Wrapped):
    """What `then` makes of data whose rows or columns had offsets of their own, which were found along all of them."""

    @property
    def whole(self) -> str:
        return "row or column noise was taken off, which is found along whole rows"

    @property
    def direct(self) -> bool:
        return self.then.direct


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
    channel_axis: int | None

    @property
    def filled(self) -> NDArray:
        taken = self.original < self.level
        taken = taken if self.channel_axis is None else np.moveaxis(taken, self.channel_axis, -1)
        return taken if self.then.filled is None else taken & self.then.filled

    def __call__(self, x: Any) -> NDArray:
        made = self.then(x)
        return np.where(self.original >= self.level, self.original, made).astype(made.dtype)

    def on(self, array: NDArray, fill: NDArray | None = None) -> Self:
        return replace(super().on(array, fill), original=array)

    @property
    def direct(self) -> bool:
        return self.then.direct


@dataclass(frozen=True)
class Starred(Wrapped):
    """What `then` makes with `points`, (1, c, h, w), which were taken off the data before; of a part, with those of the part.

    widths: of the points of each channel, pixels, which the whole tells; None where it has none.
    """

    points: Tensor
    widths: tuple[float | None, ...]
    likelihood: Likelihood
    channel_axis: int | None

    def before(self, x: Tensor) -> Tensor:
        return x + self.points.to(x) if x.shape == self.points.shape else x

    def after(self, data: Tensor) -> Tensor:
        return data - self._of(data)

    def on(self, array: NDArray, fill: NDArray | None = None) -> Self:
        points = self._of(arrays.tensor(array, self.channel_axis, self.scale))
        return replace(super().on(array, fill), points=points)

    def _of(self, data: Tensor) -> Tensor:
        """Those of a part of the picture."""
        found = [
            None if width is None else find_points(channel, self.likelihood.deviation, width=width)
            for channel, width in zip(data[0], self.widths, strict=True)
        ]
        return _shown(found, data)

    @property
    def direct(self) -> bool:
        return False  # x lacks the points


def _shown(found: list[Points | None], data: Tensor) -> Tensor:
    """The points of light of the channels of (1, c, h, w) alone."""
    import torch

    shown = [torch.zeros_like(data[0, 0]) if p is None else p.picture(data.shape[2:]).to(data) for p in found]
    return torch.stack(shown)[None]


def starred(
    finish: Result, data: Tensor, likelihood: Likelihood, axis: int | None, notes: list[str]
) -> tuple[Result, Tensor]:
    """The data without their points of light, and what puts these back; both as they were where there are none."""
    if data.ndim != 4:
        return finish, data
    found = [find_points(channel, likelihood.deviation) for channel in data[0]]
    count = sum(len(p.flux) for p in found if p is not None)
    if not count:
        return finish, data
    notes.append(f"{count} points of light of one shape were fitted and kept, and the rest was restored without them")
    points, widths = _shown(found, data), tuple(None if p is None else p.width for p in found)
    return Starred(finish, points, widths, likelihood, axis), data - points
