"""The magnitude of a picture that is complex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from untaught.io.results import Layout
from untaught.solver.result import Result

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Magnitude(Result):
    """float32, (*space), or (*space, c) where there are several channels; the real and the imaginary part of each are two of x."""

    channel_axis: int | None = None

    def shown(self, x: Tensor) -> Tensor:
        return x.unflatten(1, (-1, 2)).square().sum(2).sqrt()

    @property
    def bare(self) -> Layout:
        return Layout("float32", self.channel_axis)

    def __call__(self, x: Any) -> NDArray:
        array = np.hypot(*x.detach().cpu().double().unflatten(1, (-1, 2))[0].movedim(1, 0).numpy()).astype(np.float32)
        return array[0] if len(array) == 1 else np.ascontiguousarray(np.moveaxis(array, 0, -1))
