"""Compressed sensing: few random sums of all pixels (Candes, Romberg and Tao 2006; Donoho 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.problem.operators import Operator, Shape


class CompressedSensing(Operator):
    """(b, c, *space) -> (b, measurements): some of the orthonormal Fourier coefficients of the pixels, with random signs before.

    A structurally random matrix (Do, Gan, Nguyen and Tran, IEEE TSP 2012): as good as a Gaussian one, without being one of
    measurements x pixels. Its rows are orthonormal. shape: (c, *space) of the picture. seed: of the signs and the choice.
    """

    signs: Tensor
    chosen: Tensor

    def __init__(self, shape: Sequence[int], measurements: int, seed: int = 0) -> None:
        super().__init__()
        self.shape, n = tuple(map(int, shape)), prod(shape)
        if not 0 < measurements <= n:
            raise BadInput(f"{measurements} measurements of {n} values: give 1 to {n}.")
        draw = Rng(seed).fork("sensing")
        self.measurements = measurements
        self.register_buffer("signs", torch.randint(2, (n,), generator=draw) * 2.0 - 1, persistent=False)
        self.register_buffer("chosen", torch.randperm(n, generator=draw)[:measurements], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        # The real Hartley transform: orthonormal, and its own inverse.
        return _hartley(x.flatten(1) * self.signs.to(x.dtype))[:, self.chosen]

    def adjoint(self, data: Tensor, at: Tensor | None = None) -> Tensor:
        shape = self.image_shape(tuple(data.shape))
        spread = data.new_zeros(len(data), prod(self.shape)).index_copy(1, self.chosen, data)
        return (_hartley(spread) * self.signs.to(data.dtype)).view(shape)

    def image_shape(self, data_shape: Shape) -> Shape:
        if tuple(data_shape[1:]) != (self.measurements,):
            raise BadInput(f"The data are {tuple(data_shape[1:])}, but there are ({self.measurements},) measurements.")
        return (data_shape[0], *self.shape)

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        return (cls((2, 3, 3), 7), (1, 2, 3, 3)), (cls((1, 5), 5, seed=3), (1, 1, 5)), (cls((1, 1), 1), (1, 1, 1))


def _hartley(v: Tensor) -> Tensor:
    spectrum = torch.fft.fft(v, norm="ortho")
    return spectrum.real - spectrum.imag
