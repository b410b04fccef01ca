"""Magnetic resonance off the grid: samples of the Fourier transform anywhere, as on spokes or spirals.

By gridding: the picture over the transform of a Kaiser-Bessel window, a fast transform on a grid twice as fine, and from that the
window's weighted sums about each sample (Beatty, Nishimura and Pauly, IEEE TMI 2005).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.geometry import begin_of
from untaught.problem.operators import Operator, Shape
from untaught.problem.operators.external import External, Times, _Linear

WIDTH = 6
"""Points of the fine grid that a sample is the sum of, along each axis: 1e-5 of the signal is wrong."""
SHAPE = float(np.pi * ((WIDTH / 2 * 1.5) ** 2 - 0.8) ** 0.5)
"""Of the window, best for a grid twice as fine."""


class NonCartesian(Operator):
    """y_j = sum_n maps_n x_n exp(-2 pi i k_j (n - N // 2)) / sqrt(pixels), complex, (b, coils, samples).

    trajectory: (samples, axes), k in cycles a pixel, -0.5 to 0.5. space: of the picture. maps, complex_image: as of `Fourier`.
    The adjoint is exact, of what is computed.
    """

    maps: Tensor | None
    taper: Tensor

    def __init__(
        self,
        trajectory: ArrayLike,
        space: Sequence[int],
        maps: ArrayLike | Tensor | None = None,
        *,
        complex_image: bool = True,
    ) -> None:
        super().__init__()
        at = np.asarray(trajectory, np.float64)
        self.space, self.complex_image = tuple(map(int, space)), complex_image
        if at.ndim != 2 or not at.size or at.shape[1] != len(self.space) or not np.abs(at).max() <= 0.5:
            raise BadInput(
                f"The trajectory is {at.shape}, up to {np.abs(at).max() if at.size else 0:g}: give (samples, {len(self.space)}) "
                "frequencies of -0.5 to 0.5 cycles a pixel."
            )
        maps = None if maps is None else torch.as_tensor(maps).to(torch.complex64)
        if maps is not None and tuple(maps.shape[1:]) != self.space:
            raise BadInput(
                f"The coils' maps are {tuple(maps.shape)}, and the picture {self.space}: give (coils, *space)."
            )
        self.grid = tuple(max(2 * n, WIDTH) for n in self.space)
        matrix = _sums(at, self.grid)
        self.held = (External(Times(matrix), Times(matrix.T), self.grid, kind="columns", data_shape=(len(at),)),)
        taper = np.ones(())
        for n, fine in zip(self.space, self.grid, strict=True):
            root = np.sqrt(SHAPE**2 - (np.pi * WIDTH * (np.arange(n) - n // 2) / fine) ** 2 + 0j)
            taper = taper[..., None] * (WIDTH * np.sinh(root) / root).real
        self.register_buffer("taper", torch.from_numpy(taper * prod(self.space) ** 0.5), persistent=False)
        self.register_buffer("maps", maps, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.complex(x[:, :1], x[:, 1:]) if self.complex_image else torch.complex(x, torch.zeros_like(x))
        x = (x if self.maps is None else self.maps.to(x.dtype) * x) / self.taper.to(x.real.dtype)
        x = F.pad(x, [n for a, b in zip(self.grid[::-1], self.space[::-1], strict=True) for n in (0, a - b)])
        fine = torch.fft.fftn(x.roll(self._middle(-1), self._axes), dim=self._axes)
        return self.held[0](fine.flatten(0, 1)[:, None]).reshape(*fine.shape[:2], -1)

    def adjoint(self, data: Tensor, at: Tensor | None = None) -> Tensor:
        self.image_shape(tuple(data.shape))
        data = data if data.is_complex() else torch.complex(data, torch.zeros_like(data))
        gridded = _Linear.apply(data.flatten(0, 1), self.held[0].back, self.held[0].there)
        fine = gridded.reshape(*data.shape[:2], *self.grid)
        x = torch.fft.ifftn(fine, dim=self._axes, norm="forward").roll(self._middle(1), self._axes)
        x = begin_of(x, self.space) / self.taper.to(x.real.dtype)
        if self.maps is not None:
            x = (self.maps.conj().to(x.dtype) * x).sum(1, keepdim=True)
        return torch.cat((x.real, x.imag), 1) if self.complex_image else x.real

    @property
    def _axes(self) -> tuple[int, ...]:
        return tuple(range(2, 2 + len(self.space)))

    def _middle(self, sign: int) -> tuple[int, ...]:
        return tuple(sign * (n // 2) for n in self.space)

    def image_shape(self, data_shape: Shape) -> Shape:
        coils, samples = 1 if self.maps is None else len(self.maps), self.held[0].data_shape
        if tuple(data_shape[1:]) != (coils, *(samples or ())):
            raise BadInput(
                f"The samples are {tuple(data_shape[1:])}, but the trajectory and the maps are of {(coils, *(samples or ()))}, "
                "(coils, samples): give those of the data."
            )
        return (data_shape[0], 2 if self.complex_image else 1, *self.space)

    def held_out(self, shape: Shape, fraction: float, draw: torch.Generator) -> Tensor:
        """Samples, for all coils at once."""
        return (torch.rand((1, 1, shape[2]), generator=draw, device=draw.device) < fraction).expand(shape)

    def extra_repr(self) -> str:
        return f"{self.space} -> {self.held[0].data_shape}"

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        draw = torch.Generator().manual_seed(0)
        at = torch.rand(7, 2, generator=draw) - 0.5
        maps = torch.randn(3, 4, 5, generator=draw, dtype=torch.complex64)
        return (
            (cls(at, (4, 5), maps), (1, 2, 4, 5)),
            (cls(at, (5, 1), complex_image=False), (1, 1, 5, 1)),
            (cls(at[:, :1], (6,)), (1, 2, 6)),
        )


def _sums(at: NDArray, grid: tuple[int, ...]) -> Any:
    """(samples, points of the grid), SciPy's CSR: the weights of the window about each sample."""
    from scipy.sparse import csr_array

    points, weights = [], []
    for k, fine in zip(at.T, grid, strict=True):
        place = np.floor(k * fine - WIDTH / 2).astype(np.int64)[:, None] + np.arange(1, WIDTH + 1)
        inside = 1 - ((k * fine)[:, None] - place) ** 2 * (2 / WIDTH) ** 2
        weights.append(np.where(inside >= 0, np.i0(SHAPE * np.sqrt(inside.clip(0))), 0))
        points.append(place % fine)
    columns, values = [], []
    for which in product(range(WIDTH), repeat=len(grid)):
        columns.append(np.ravel_multi_index([p[:, i] for p, i in zip(points, which, strict=True)], grid))
        values.append(np.prod([w[:, i] for w, i in zip(weights, which, strict=True)], 0))
    rows = np.tile(np.arange(len(at)), len(columns))
    entries = (np.concatenate(values), (rows, np.concatenate(columns)))
    return csr_array(entries, shape=(len(at), prod(grid)))
