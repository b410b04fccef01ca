"""What of a picture is denoised: the channels that differ and vary, in units of their own; the others stay beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from untaught.io import arrays
from untaught.io.results import Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from untaught.noise import Scale


@dataclass(frozen=True)
class Taken:
    """array: the picture as it came, its channels at `axis`. copies: how many channels are one and the same. still: the values of
    those that hold one alone. seen: the channels that are restored.

    data: they, (1, c, *space), in the unit of `scale` = (offset, unit). clipped: whether values beyond were cut off after the noise
    came in; below: at 0, too.
    """

    array: NDArray
    axis: int | None
    copies: int
    still: tuple[float | None, ...]
    seen: NDArray
    data: Tensor
    scale: tuple[float, float]
    clipped: bool
    below: bool

    @classmethod
    def of(cls, picture: Any, axes: Any, channel_axis: Any, along: str, notes: list[str]) -> Taken:
        channel_axis = arrays.placed(picture, axes, channel_axis, along)
        array, axis = arrays.take(picture, arrays.of_frames(picture, channel_axis) if along == "time" else channel_axis)
        copies, still = arrays.copies(array, axis), arrays.still(array, axis)
        seen = array if axis is None or copies == 1 else array.take([0], axis)
        if copies > 1:
            notes.append("its channels are all the same, so that it is restored as a grey picture")
        if still:
            seen = array.take([i for i, value in enumerate(still) if value is None], axis)
            alone = len(still) - seen.shape[axis or 0]
            notes.append(f"{alone} of {len(still)} channels hold one value alone, and stay as they are")
        offset, unit, clipped, below = arrays.scale_of(seen)
        scale = offset, unit
        return cls(array, axis, copies, still, seen, arrays.tensor(seen, axis, scale), scale, clipped, below)

    def layout(self, strength: float) -> Layout:
        return Layout.of(self.array, self.axis, strength, self.copies, self.still)

    def lies(self, dark: float | None) -> Scale:
        """How the data lie in full scale; dark: the value of the picture where there is no light, where somebody said it."""
        from untaught.noise import Scale

        offset, unit = self.scale
        # What was cut off ends at no light, wherever that is.
        black = offset if self.below and dark is None else dark or 0.0
        full = arrays.amounts(self.array, self.scale).full
        known = dark is not None
        return Scale(
            unit / arrays.full_scale(self.array), (black - offset) / unit, self.clipped, full, known, self.below
        )
