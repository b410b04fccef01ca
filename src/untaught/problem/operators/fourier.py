"""Magnetic resonance: samples of a picture's Fourier transform, as one coil or several see it (SENSE, Pruessmann et al. 1999)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.problem.operators import Operator, Shape


class Fourier(Operator):
    """y = mask F (maps x), complex, (b, coils, *space); 0 where nothing was sampled.

    F is the orthonormal Fourier transform along all axes of space; centered: the frequency 0 lies at n // 2 of each axis.
    mask: (*space), where samples were taken; None for everywhere. maps: (coils, *space), complex: what each coil sees of a picture
    that is 1; None for one coil that sees all. complex_image: pictures are complex, and have two channels, the real and the
    imaginary part; otherwise they are real, and have one.
    """

    mask: Tensor | None
    maps: Tensor | None

    def __init__(
        self,
        mask: Tensor | None = None,
        maps: Tensor | None = None,
        *,
        complex_image: bool = True,
        centered: bool = True,
    ) -> None:
        super().__init__()
        self.complex_image, self.centered = complex_image, centered
        mask = None if mask is None else torch.as_tensor(mask) != 0
        maps = None if maps is None else torch.as_tensor(maps).to(torch.complex64)
        if mask is not None and maps is not None and mask.shape != maps.shape[1:]:
            raise BadInput(
                f"The mask is {tuple(mask.shape)}, and the coils' maps are {tuple(maps.shape)}: "
                "the maps have the mask's shape behind an axis of coils."
            )
        if mask is not None and not bool(mask.any()):
            raise BadInput("The mask is 0 everywhere: nothing was sampled.")
        self.register_buffer("mask", mask, persistent=False)
        self.register_buffer("maps", maps, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.complex(x[:, :1], x[:, 1:]) if self.complex_image else torch.complex(x, torch.zeros_like(x))
        y = self._transform(x if self.maps is None else self.maps.to(x.dtype) * x, torch.fft.fftn)
        return y if self.mask is None else y * self.mask

    def adjoint(self, data: Tensor, at: Tensor | None = None) -> Tensor:
        self.image_shape(tuple(data.shape))
        data = data if data.is_complex() else torch.complex(data, torch.zeros_like(data))
        x = self._transform(data if self.mask is None else data * self.mask, torch.fft.ifftn)
        if self.maps is not None:
            x = (self.maps.conj().to(x.dtype) * x).sum(1, keepdim=True)
        return torch.cat((x.real, x.imag), 1) if self.complex_image else x.real

    def _transform(self, x: Tensor, transform: object) -> Tensor:
        axes = tuple(range(2, x.ndim))
        x = torch.fft.ifftshift(x, axes) if self.centered else x
        x = transform(x, dim=axes, norm="ortho")  # type: ignore[operator]
        return torch.fft.fftshift(x, axes) if self.centered else x

    def image_shape(self, data_shape: Shape) -> Shape:
        coils = 1 if self.maps is None else len(self.maps)
        space = self.mask.shape if self.mask is not None else self.maps.shape[1:] if self.maps is not None else None
        if data_shape[1] != coils or (space is not None and tuple(space) != tuple(data_shape[2:])):
            raise BadInput(
                f"The samples are {tuple(data_shape[1:])}, but {coils} coil{'s' * (coils > 1)} "
                f"with {tuple(space or data_shape[2:])} frequencies are told: give mask and maps of the data."
            )
        return (data_shape[0], 2 if self.complex_image else 1, *data_shape[2:])

    def held_out(self, shape: Shape, fraction: float, draw: torch.Generator) -> Tensor:
        """Frequencies, for all coils at once: what one coil has of one says much of what the others have."""
        return (torch.rand((1, 1, *shape[2:]), generator=draw, device=draw.device) < fraction).expand(shape)

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        draw = torch.Generator().manual_seed(0)
        mask = torch.rand(4, 5, generator=draw) < 0.6
        maps = torch.randn(3, 4, 5, generator=draw, dtype=torch.complex64)
        return (
            (cls(mask, maps), (1, 2, 4, 5)),
            (cls(mask, complex_image=False), (1, 1, 4, 5)),
            (cls(maps=maps, complex_image=False, centered=False), (1, 1, 4, 5)),
            (cls(), (1, 2, 3)),
        )


def coil_maps(samples: Tensor, mask: Tensor, width: Sequence[int] | int = 24) -> Tensor:
    """(coils, *space): the maps of coils (coils, *space of centered samples), from the low frequencies, which are all sampled.

    Each is the coil's smooth picture over the root of the sum of their squares (Roemer et al. 1990), in phase with their first
    principal component; where there is no signal they are small.
    """
    axes = tuple(range(1, samples.ndim))
    widths = (width,) * len(axes) if isinstance(width, int) else tuple(width)
    window = torch.ones(())
    for n, w in zip(samples.shape[1:], widths, strict=True):
        at = (torch.arange(n) - n // 2).abs() / max(1.0, w / 2)
        window = window[..., None] * torch.where(at < 1, torch.cos(at * torch.pi / 2).square(), torch.zeros(()))
    smooth = torch.fft.ifftshift(samples * (window * mask).to(samples.device), axes)
    smooth = torch.fft.fftshift(torch.fft.ifftn(smooth, dim=axes, norm="ortho"), axes)
    flat = smooth.flatten(1)
    main = torch.linalg.eigh(flat @ flat.conj().T)[1][:, -1]
    phase = (main.conj()[:, None] * flat).sum(0)
    phase = phase / phase.abs().clamp_min(1e-30)
    root = flat.abs().square().sum(0).sqrt()
    return (flat * phase.conj() / (root + 0.02 * root.max())).view_as(smooth)
