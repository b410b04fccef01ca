"""Many channels, as the bands of a spectral camera: few combinations of them hold what they have in common, and are restored.

Zhuang and Bioucas-Dias, "Fast Hyperspectral Image Denoising and Inpainting Based on Low-Rank and Sparse Representations" (FastHyDe,
IEEE JSTARS 2018): over the noise of each band the cube is projected on its leading principal components, each of these is restored
as a picture of its own, with noise of deviation 1, and carried back. How many there are the noise says: of noise alone no component
is above the edge of Marchenko and Pastur's law (1967).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.classical import Denoiser
from untaught.classical.denoise.lichi import QUICK


@dataclass(frozen=True)
class Bands:
    """each: what restores a component, (1, 1, *space)."""

    each: Denoiser = QUICK

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """The estimate of a picture or a volume (1, c, *space); `deviation` of its noise broadcasts against it."""
        spread = deviation.expand_as(noisy)[0].flatten(1).double()
        level = spread.square().mean(1, keepdim=True).sqrt().clamp_min(1e-12)
        y, variance = noisy[0].flatten(1).double() / level, (spread / level).square()
        c, n = y.shape
        energy, ways = torch.linalg.eigh(y @ y.T / n)
        count = max(1, int((energy > (1 + (c / n) ** 0.5) ** 2).sum()))
        ways = ways[:, -count:]
        parts, noise = ways.T @ y, (ways.square().T @ variance).sqrt()
        made = [self._restored(p, s, noisy.shape[2:]) for p, s in zip(parts, noise, strict=True)]
        return (level * (ways @ torch.stack(made))).view(noisy.shape).to(noisy)

    def _restored(self, part: Tensor, noise: Tensor, space: torch.Size) -> Tensor:
        """One component, in about the range of a picture."""
        span = (part.max() - part.min()).clamp_min(1e-12)
        made = self.each((part / span).float().view(1, 1, *space), (noise / span).float().view(1, 1, *space))
        return span * made.flatten().double()
