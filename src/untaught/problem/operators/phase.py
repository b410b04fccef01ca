"""Phase retrieval: intensities of a picture's Fourier transform behind known masks (Candes, Li and Soltanolkotabi 2015)."""

from __future__ import annotations

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.problem.operators import Operator, Shape


class PhaseRetrieval(Operator):
    """(b, 1, *space) -> (b, masks, *space): |F (mask x)|^2, F orthonormal; coded diffraction patterns. It is not linear.

    masks: (masks, *space), real or complex. `random` draws some of 1, -1, i and -i.
    """

    linear = False
    masks: Tensor

    def __init__(self, masks: Tensor) -> None:
        super().__init__()
        masks = torch.as_tensor(masks)
        if masks.ndim < 2 or not masks.numel():
            raise BadInput(f"The masks are {tuple(masks.shape)}: give (masks, *space).")
        self.register_buffer("masks", masks.to(torch.complex64), persistent=False)

    @classmethod
    def random(cls, count: int, space: tuple[int, ...], seed: int = 0) -> PhaseRetrieval:
        quarter = torch.randint(4, (count, *space), generator=Rng(seed).fork("masks"))
        return cls(torch.exp(0.5j * torch.pi * quarter))

    def forward(self, x: Tensor) -> Tensor:
        seen = self.masks.to(torch.complex128 if x.dtype == torch.float64 else torch.complex64) * x
        spectrum = torch.fft.fftn(seen, dim=tuple(range(2, x.ndim)), norm="ortho")
        return spectrum.real.square() + spectrum.imag.square()

    def image_shape(self, data_shape: Shape) -> Shape:
        if tuple(data_shape[1:]) != tuple(self.masks.shape):
            raise BadInput(f"The data are {tuple(data_shape[1:])}, but the masks are {tuple(self.masks.shape)}.")
        return (data_shape[0], 1, *data_shape[2:])

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        return (cls.random(3, (3, 4)), (1, 1, 3, 4)), (cls(torch.ones(1, 5)), (1, 1, 5))
