"""The plain mean of a pixel's surroundings: enough to say what the law of its noise is."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from untaught.core.geometry import box


@dataclass(frozen=True)
class LocalMean:
    """Over 2 radius + 1 pixels along each axis."""

    radius: int = 2

    @property
    def reach(self) -> int:
        """Pixels to each side that a pixel of the estimate depends on."""
        return self.radius

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """The mean of a noisy picture (1, c, *space), whatever its deviation."""
        return box(noisy, self.radius)
