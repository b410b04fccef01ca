"""The network's picture where it was asked for, and what was known as it came in."""

from __future__ import annotations

from dataclasses import dataclass, replace

from untaught.io.images import Image
from untaught.io.results import Filled


@dataclass(frozen=True)
class Inpainted(Filled):
    """opaque: transparency said what was missing, and does not belong to the result."""

    opaque: bool

    def company(self, image: Image) -> Image:
        unknown = image.unknown
        if unknown is not None:  # what was filled is known now
            unknown = unknown & ~(self.fill if self.channel_axis is None else self.fill.all(self.channel_axis))
        return replace(image, alpha=None if self.opaque else image.alpha, unknown=unknown)
