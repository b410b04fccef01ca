"""Of data whose hot and dead pixels were filled before the noise was measured: so are those of any part of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from untaught.noise import find_hot, mended
from untaught.solver.result import Wrapped

if TYPE_CHECKING:
    from torch import Tensor


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
