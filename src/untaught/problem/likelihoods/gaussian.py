"""Normal noise of known or unknown deviation, and the same cut off at black and white."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.geometry import box
from untaught.core.interpolation import interpolated
from untaught.problem.likelihoods._base import Likelihood, channelwise


@dataclass(frozen=True)
class Gaussian(Likelihood):
    """|r|^2 / (2 sigma^2), or |r|^2 where sigma is not given: the paper's mean square.

    sigma: one number, or one a channel, in the unit of the data. floor = 1/2: E[r^2] = sigma^2.
    """

    sigma: float | tuple[float, ...] | None = None
    white = True

    def __post_init__(self) -> None:
        levels = self.sigma if isinstance(self.sigma, tuple) else (self.sigma,)
        for level in levels:
            if level is not None and not (0 < level < float("inf")):
                raise BadInput(f"sigma = {level} is no noise level: give a number above 0, or None.")

    def pointwise(self, prediction: Tensor, data: Tensor) -> Tensor:
        residual = prediction - data
        square = residual.abs().square() if residual.is_complex() else residual.square()
        return square if self.sigma is None else square / (2 * channelwise(self.sigma, data).square())

    def floor(self, data: Tensor, weight: Tensor | None = None) -> float | None:
        return None if self.sigma is None else 0.5

    def draw(self, like: Tensor, rng: torch.Generator) -> Tensor:
        if self.sigma is None:
            raise BadInput("The noise level is not known: give Gaussian(sigma).")
        # Of complex noise sigma^2 is E|n|^2, both parts of it.
        kind = torch.complex64 if like.is_complex() else torch.float32
        noise = torch.randn(like.shape, generator=rng, device=rng.device, dtype=kind)
        return noise.to(like) * self.deviation(like)

    def deviation(self, like: Tensor) -> Tensor:
        return channelwise(1.0 if self.sigma is None else self.sigma, like)

    def louder(self, factor: float) -> Self:
        if self.sigma is None:
            raise BadInput("The noise level is not known: give Gaussian(sigma).")
        each = tuple(factor * s for s in self.sigma) if isinstance(self.sigma, tuple) else factor * self.sigma
        return replace(self, sigma=each)

    @classmethod
    def examples(cls) -> tuple[Likelihood, ...]:
        return Gaussian(), Gaussian(0.1), Gaussian((0.1, 0.2, 0.3))


@dataclass(frozen=True)
class Compressed(Gaussian):
    """The same for what a JPEG lost, which takes the finest differences away, and errs in the rest."""

    seen = False


@dataclass(frozen=True)
class ClippedGaussian(Gaussian):
    """Gaussian noise of known sigma on a picture that was then clipped to [0, 1], as 8- and 16-bit files are.

    With u ~ N(x, sigma^2), y = clip(u): near black and white the noise is smaller, and its mean is no longer 0. `deviation`
    and `unbias` know both (the moments of a censored normal variable); the energy is that of `Gaussian`.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.sigma, float):
            raise BadInput(f"ClippedGaussian needs one sigma for all channels, not {self.sigma}: use Gaussian.")

    def deviation(self, like: Tensor) -> Tensor:
        """sqrt(Var y) where E[y] is `like`, never below a tenth of sigma."""
        _, mean, deviation = self._table(like)
        return interpolated(like, mean, deviation)

    def trusted(self, like: Tensor) -> Tensor:
        """0 where more than a seventh of the variance was cut off: there the noise is lopsided, and no normal draw is like it."""
        kept = (self.deviation(like) / channelwise(self.sigma or 1.0, like)).square()
        return ((kept - 0.85) / 0.1).clamp(0, 1)

    def floor(self, data: Tensor, weight: Tensor | None = None) -> float | None:
        """The energy to expect at E[y], where a least-squares fit goes: below 1/2, by what clipping takes from the variance.

        E[y] is taken from the mean of 5 x 5 neighbours.
        """
        deviation = self.deviation(box(data, 2) if data.ndim > 2 else data)
        return float(self.energy(deviation, torch.zeros_like(data), weight))

    def unbias(self, mean: Tensor) -> Tensor:
        """x in [0, 1] where E[y] is `mean`."""
        x, means, _ = self._table(mean)
        return interpolated(mean, means, x)

    def expected(self, prediction: Tensor) -> Tensor:
        """E[y] where the picture is `prediction`, in [0, 1] or at its nearer end."""
        x, means, _ = self._table(prediction)
        return interpolated(prediction, x, means)

    def _table(self, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x, E[y] and the deviation of y on a fine grid of x."""
        s = channelwise(self.sigma or 1.0, like).double().mean()
        x = torch.linspace(0, 1, 2049, dtype=torch.float64, device=like.device)
        mean, deviation = clipped_moments(x, s)
        return x.to(like), mean.to(like), deviation.clamp_min(0.1 * s).to(like)

    @classmethod
    def examples(cls) -> tuple[Likelihood, ...]:
        return (ClippedGaussian(0.1),)


def clipped_moments(x: Tensor, deviation: Tensor, below: bool = True) -> tuple[Tensor, Tensor]:
    """Mean and deviation of clip(x + deviation * n, 0, 1) for a standard normal n; in double precision.

    below: whether values are cut off at 0, too.
    """
    low, high = -x / deviation if below else torch.full_like(x, -40.0), (1 - x) / deviation
    under, above = torch.special.ndtr(low), torch.special.ndtr(-high)
    inside = 1 - under - above
    density = [torch.exp(-v * v / 2) / (2 * torch.pi) ** 0.5 for v in (low, high)]
    mean = x * inside + deviation * (density[0] - density[1]) + above
    square = (x * x + deviation**2) * inside + deviation * (x * density[0] - (x + 1) * density[1]) + above
    return mean, (square - mean * mean).clamp_min(0).sqrt()
