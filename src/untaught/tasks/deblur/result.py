"""Of the picture that the kernel saw, what lies under the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from untaught.core.geometry import crop_to
from untaught.solver.result import Wrapped

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Inner(Wrapped):
    """What `then` makes of the middle, of the size `space`."""

    space: tuple[int, ...]

    def before(self, x: Tensor) -> Tensor:
        return crop_to(x, self.space)
