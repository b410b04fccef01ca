"""Noise as it was measured, as a likelihood."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from untaught.noise.spectrum import NoiseModel
from untaught.problem.likelihoods import Likelihood


@dataclass(frozen=True, eq=False)
class Measured(Likelihood):
    """Gaussian noise as it was measured: with its growth with brightness, and shared between neighbouring pixels.

    The energy is that of each pixel on its own, r^2 / (2 s(y)^2): least at the truth in the mean, whatever pixels share.
    Data are pictures "b c h w" in about [0, 1]. beside: another picture of the scene has told it from texture, which the data alone
    cannot.
    """

    noise: NoiseModel
    beside: bool = False
    measured = True

    @property
    def model(self) -> NoiseModel | None:
        return self.noise if self.beside else None

    @property
    def shared(self) -> bool:  # type: ignore[override]
        return self.noise.shared

    @property
    def sharers(self) -> str:  # type: ignore[override]
        return self.noise.sharers

    @property
    def kernel(self) -> Tensor:  # type: ignore[override]
        return self.noise.kernel

    @property
    def sigma(self) -> tuple[float, ...]:  # type: ignore[override]
        """The standard deviation of each channel, its root mean square over the picture."""
        return tuple(float(s) for s in self.noise.sigma)

    def pointwise(self, prediction: Tensor, data: Tensor) -> Tensor:
        variance = self.deviation(data).square_()  # a large picture's maps fill the memory
        return (prediction - data).square() / variance.mul_(2)

    def floor(self, data: Tensor, weight: Tensor | None = None) -> float:
        return 0.5

    def draw(self, like: Tensor, rng: torch.Generator) -> Tensor:
        return self.noise.draw(like, rng)

    def deviation(self, like: Tensor) -> Tensor:
        # Never nothing: a pixel of no noise at all would outweigh all others.
        least = 0.1 * float(self.noise.sigma.max()) + 1e-6
        return self.noise.map(like).clamp_min(least)

    def louder(self, factor: float) -> Self:
        return replace(self, noise=replace(self.noise, sigma=factor * self.noise.sigma))

    @classmethod
    def examples(cls) -> tuple[Likelihood, ...]:
        white = torch.zeros(1), torch.ones(1)
        blur = torch.full((1, 1, 2, 2), 0.5)
        return Measured(NoiseModel(torch.full((1,), 0.1), True, blur, *white)), Measured(
            NoiseModel(
                torch.full((1,), 0.1), False, torch.ones(1, 1, 1, 1), torch.tensor([0.0, 1.0]), torch.tensor([0.5, 1.5])
            )
        )
