"""What the run has not drawn of the picture is its detail, and more of that is the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from untaught.core.amounts import percent
from untaught.io.results import Layout
from untaught.solver.result import Wrapped

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Detail(Wrapped):
    """y + amount (y - x), y the original: x is the base that the run found, and what it lacks is the detail.

    y - x is taken about its own mean, so that the picture keeps its brightness: a network that has taken few steps is still
    short of the right mean. Its colours are, too, and wrongly in every shape: the mean channel of y - x goes to all
    channels, unless `colour` asks for each one's own.
    """

    then: Layout
    original: NDArray
    amount: float
    colour: bool = False

    @property
    def restores(self) -> bool:
        return False  # the residual is the detail

    def before(self, x: Tensor) -> Tensor:
        import torch

        axis = self.then.channel_axis
        y = torch.from_numpy(
            np.ascontiguousarray(self.original[None] if axis is None else np.moveaxis(self.original, axis, 0), float)
        )[None].to(x)
        apart = y - x if self.colour else (y - x).mean(1, keepdim=True).expand_as(y)
        return y + self.amount * (apart - apart.flatten(2).mean(2).view(1, -1, *[1] * (y.ndim - 2)))

    def remarks(self, x: Tensor) -> tuple[str, ...]:
        """How much of the picture ended beyond black or white, where integers cannot follow."""
        dtype = np.dtype(self.then.dtype)
        if dtype.kind == "f":
            return ()
        enhanced, top = self.before(x), np.iinfo(dtype).max
        beyond = float(((enhanced < -0.5) | (enhanced > top + 0.5)).double().mean())
        before = float(((self.original == 0) | (self.original == top)).mean())
        if beyond < 1e-4:
            return ()
        return (
            f"{percent(beyond)} of the values went beyond black or white and were clipped ({percent(before)} were "
            "at the limits before): a smaller amount clips fewer.",
        )
