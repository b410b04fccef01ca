"""Making a picture smaller, as image programs do: a low-pass as wide as the factor asks for, then fewer pixels.

Pillow's convention. Pixel i of the small picture has its centre at (i + 1/2) * large / small; the kernel is stretched by that
factor and read off at the centres of the large pixels; what reaches beyond the border is left out, and the rest normalised.
Both sizes are given, so any factor from 1 up works, also another one along each axis, and the border is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from untaught.core.errors import BadInput, unknown
from untaught.problem.operators import Operator, Shape

Border = Literal["renormalise", "repeat"]
BLOCK = 64
"""Pixels of the small picture that share one dense matrix: the cost stays linear in the size of large pictures."""


def _lanczos(x: Tensor, lobes: int) -> Tensor:
    return torch.where(x.abs() < lobes, torch.sinc(x) * torch.sinc(x / lobes), 0.0)


def _bicubic(x: Tensor, a: float = -0.5) -> Tensor:
    x = x.abs()
    near, far = ((a + 2) * x - (a + 3)) * x * x + 1, (((x - 5) * x + 8) * x - 4) * a
    return torch.where(x < 1, near, torch.where(x < 2, far, 0.0))


def _gauss(deviation: float) -> tuple[Callable[[Tensor], Tensor], float]:
    return lambda x: torch.exp(-x * x / (2 * deviation**2)), 4 * deviation


SOFT = {"gauss": 0.5} | {f"gauss:{deviation:g}": deviation for deviation in (0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5)}
"""Gaussians, softer than programs make pictures smaller: lenses and sensors. The standard deviation in pixels of the small one."""
# The distance is in pixels of the small picture; the number is where the kernel ends.
KERNELS: dict[str, tuple[Callable[[Tensor], Tensor], float]] = {
    "box": (lambda x: ((x > -0.5) & (x <= 0.5)).double(), 0.5),
    "bicubic": (_bicubic, 2.0),
    "lanczos2": (lambda x: _lanczos(x, 2), 2.0),
    "lanczos3": (lambda x: _lanczos(x, 3), 3.0),
    **{name: _gauss(deviation) for name, deviation in SOFT.items()},
}


class Downsample(Operator):
    """y = D x, separable; `small` and `large` are the sizes (*space) of y and of the picture sought.

    kernel: "lanczos3" (Pillow's LANCZOS), "bicubic" (a = -1/2, widened: Pillow's BICUBIC), "box" (Pillow's BOX), "lanczos2",
    "gauss" of a standard deviation of half a small pixel, or "gauss:0.8" of another (`SOFT`).
    border: "renormalise" as Pillow does; "repeat" the outermost pixels, as the Deep Image Prior paper's code does. That
    code's lanczos2 with phase 0.5 and a whole factor is `Downsample(small, large, "lanczos2", border="repeat")`.
    """

    scales = True

    def __init__(
        self, small: Sequence[int], large: Sequence[int], kernel: str = "lanczos3", *, border: Border = "renormalise"
    ) -> None:
        super().__init__()
        if kernel not in KERNELS:
            raise unknown("kernel", kernel, KERNELS)
        self.small, self.large = tuple(map(int, small)), tuple(map(int, large))
        if len(self.small) != len(self.large) or any(
            not 1 <= s <= n for s, n in zip(self.small, self.large, strict=True)
        ):
            raise BadInput(
                f"A picture of {_size(self.large)} cannot be made smaller to {_size(self.small)}: "
                "no side may be larger than before, and none below 1."
            )
        self.kernel, self.border = kernel, border
        self.bands: list[list[tuple[int, int, str]]] = []
        for axis, (s, n) in enumerate(zip(self.small, self.large, strict=True)):
            blocks = []
            for start in range(0, s, BLOCK):
                first, rows = _rows(range(start, min(s, start + BLOCK)), s, n, kernel, border)
                name = f"rows_{axis}_{start}"
                # Constants have no place in a checkpoint.
                self.register_buffer(name, rows.float(), persistent=False)
                blocks.append((first, rows.shape[1], name))
            self.bands.append(blocks)

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, *large) -> (b, c, *small)."""
        for axis, blocks in enumerate(self.bands, start=2):
            if self.small[axis - 2] == self.large[axis - 2]:
                continue
            x = x.movedim(axis, -1)
            parts = [x.narrow(-1, first, width) @ getattr(self, name).to(x).T for first, width, name in blocks]
            x = (parts[0] if len(parts) == 1 else torch.cat(parts, -1)).movedim(-1, axis)
        return x

    def between(self, small: Sequence[int], large: Sequence[int]) -> Downsample:
        return Downsample(small, large, self.kernel, border=self.border)

    def tile(self, space: Sequence[int]) -> Downsample | None:
        if any(n % s for s, n in zip(self.small, self.large, strict=True)):
            return None  # the pixels of a part would lie between those of the whole
        return self.between(space, [t * (n // s) for t, s, n in zip(space, self.small, self.large, strict=True)])

    def image_shape(self, data_shape: Shape) -> Shape:
        if tuple(data_shape[2:]) != self.small:
            raise BadInput(
                f"The data are {_size(data_shape[2:])}, but this operator makes pictures of {_size(self.small)}."
            )
        return (*data_shape[:2], *self.large)

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        some = [k for k in KERNELS if k not in SOFT or SOFT[k] in (0.5, 1)]
        cases = [((2, 3), (8, 7), k, b) for k in some for b in ("renormalise", "repeat")]
        several = [(Downsample(s, n, k, border=b), (1, 2, *n)) for s, n, k, b in cases]  # type: ignore[arg-type]
        line = Downsample((5,), (11,), "bicubic")
        volume = Downsample((1, 2, 3), (2, 3, 3), "box")
        return *several, (line, (1, 1, 11)), (volume, (1, 1, 2, 3, 3))


def resized(x: Tensor, space: Sequence[int], kernel: str = "bicubic") -> Tensor:
    """ "b c *space" at another size, larger or smaller along each axis: what Pillow's `resize` makes of it in floats."""
    for axis, n in enumerate(space, start=2):
        if x.shape[axis] != n:
            first, rows = _rows(range(n), n, x.shape[axis], kernel, "renormalise")
            x = (x.movedim(axis, -1).narrow(-1, first, rows.shape[1]) @ rows.to(x).T).movedim(-1, axis)
    return x.contiguous()


def _rows(which: range, small: int, large: int, kernel: str, border: Border) -> tuple[int, Tensor]:
    """The rows `which` of the matrix of one axis, from the first column that any of them needs: (that column, rows)."""
    function, reach = KERNELS[kernel]
    scale = large / small
    wide = max(1.0, scale)  # to enlarge, the kernel is as wide as it is
    centre = (torch.tensor(which, dtype=torch.float64) + 0.5) * scale
    low, high = (torch.floor(centre + side * reach * wide + 0.5).long() for side in (-1, 1))
    taps = low[:, None] + torch.arange(int((high - low).max()))
    inside = taps.clamp(0, large - 1)
    counts = (taps < high[:, None]) & ((inside == taps) | (border == "repeat"))
    weights = function((taps + 0.5 - centre[:, None]) / wide) * counts
    first, last = int(inside[counts].min()), int(inside[counts].max())
    rows = torch.zeros(len(which), last - first + 1, dtype=torch.float64)
    rows.scatter_add_(1, (inside - first).clamp(0, last - first), weights)
    return first, rows / rows.sum(1, keepdim=True)


def _size(space: Sequence[int]) -> str:
    return " x ".join(map(str, space))
