"""The picture of whole blocks, as the file holds it -> cut to its true size, and turned upright."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from untaught.io.images.samples import turn
from untaught.solver.result import Wrapped

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class Upright(Wrapped):
    """What `then` makes of it. size: rows and columns in the file. orientation: 1 to 8, as Exif counts. corner: rows and columns of
    the file that come before the picture."""

    size: tuple[int, int]
    orientation: int
    corner: tuple[int, int] = (0, 0)

    def on(self, array: NDArray, fill: NDArray | None = None) -> Upright:
        """Of a part as it lies in the file."""
        return replace(super().on(array, fill), size=(array.shape[0], array.shape[1]), orientation=1, corner=(0, 0))

    def before(self, x: Tensor) -> Tensor:
        import torch

        x = x[0, :, self.corner[0] : self.size[0], self.corner[1] : self.size[1]]
        turned = turn(x.permute(1, 2, 0).contiguous().numpy(), self.orientation)
        return torch.from_numpy(turned).permute(2, 0, 1)[None]
