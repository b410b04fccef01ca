"""Counted light: Poisson noise alone, and with the normal noise of the electronics that read it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.problem.likelihoods._base import Levels, Likelihood


def deviance(rate: Tensor, counts: Tensor, least: float) -> Tensor:
    """Half the Poisson deviance, r - k - k log(r / k), for rates r held at `least` or more; 0 where r says k best.

    Its gradient (r - k) / r is linear in k: least at the true rate, in the mean, for any noise whose mean is that rate. So
    counts need be neither whole nor, where electronics add to them, above 0.
    """
    r, best = rate.clamp_min(least), counts.clamp_min(least)
    # Below `least` the clamp would stop the gradient: the last term keeps pulling the rate up.
    return r - best - counts * (r / best).log() + (least - rate).clamp_min(0).square()


@dataclass(frozen=True)
class Poisson(Likelihood):
    """Photon counts: y * gain ~ Poisson(x * gain), as the deviance per measurement, halved.

    gain: counts at the value 1. e = gain (x - y) + gain y log(y / x), which is 0 at x = y and close to
    chi^2 / 2, so that floor = 1/2 as for Gaussian noise (true above some five counts; measured lower below).
    Predictions are taken at least `least` counts: the logarithm needs it, and so do its gradients.
    """

    gain: float = 255.0
    least: float = 0.01

    def __post_init__(self) -> None:
        _check(self)

    def pointwise(self, prediction: Tensor, data: Tensor) -> Tensor:
        return deviance(prediction * self.gain, data * self.gain, self.least)

    @property
    def counts(self) -> tuple[float, float, float]:  # type: ignore[override]
        return self.gain, 0.0, 0.0

    def told(self, levels: Levels) -> str:
        unit = levels.unit
        return f"noise: Poisson, a = {unit / self.gain:.3g} (gain: {self.gain / unit:.3g} counts at {levels.top})"

    def floor(self, data: Tensor, weight: Tensor | None = None) -> float | None:
        return 0.5

    def draw(self, like: Tensor, rng: torch.Generator) -> Tensor:
        """Counts anew of a clean picture, less that picture."""
        rate = (like * self.gain).clamp_min(0).to(torch.float32).contiguous()
        return (torch.poisson(rate, generator=rng) / self.gain).to(like) - like.clamp_min(0)

    def deviation(self, like: Tensor) -> Tensor:
        """sqrt(x / gain), of at least one count."""
        return ((like * self.gain).clamp_min(1).sqrt()) / self.gain

    @classmethod
    def examples(cls) -> tuple[Likelihood, ...]:
        return Poisson(), Poisson(30.0)


@dataclass(frozen=True)
class PoissonGaussian(Likelihood):
    """Counts read with noise: y = P / gain + n, P ~ Poisson(x * gain), n ~ N(0, sigma^2); variance a x + b, a = 1 / gain.

    gain: counts at the value 1 above `dark`, the value that no light gives. sigma: of the reading, in the unit of the data.
    Both sides are shifted by sigma^2 gain^2 counts, so that their mean is their variance, and judged as counts are (Snyder et
    al., JOSA A 1995): the quasi-likelihood (Wedderburn 1974) of variance a x + b. Convex, and in the mean least at the truth
    at any count, since its gradient (x - y) / (a x + b) is linear in y. floor = 1/2, close above some five shifted counts.
    """

    gain: float = 255.0
    sigma: float = 0.01
    dark: float = 0.0
    least: float = 0.01

    def __post_init__(self) -> None:
        _check(self)
        if not 0 <= self.sigma < float("inf"):
            raise BadInput(f"sigma = {self.sigma} is no noise level: give 0 (counts alone) or a number above.")

    @property
    def counts(self) -> tuple[float, float, float]:  # type: ignore[override]
        return self.gain, self.sigma, self.dark

    def told(self, levels: Levels) -> str:
        unit, s = levels.unit, self.sigma * levels.unit
        return (
            f"noise: Poisson-Gaussian, a = {unit / self.gain:.3g} (gain: {self.gain / unit:.3g} counts at {levels.top}), "
            f"b = {s * s:.3g} (sigma: {levels.said(self.sigma)})"
        )

    def shifted(self, value: Tensor) -> Tensor:
        """Counts whose variance is their mean."""
        return (value - self.dark) * self.gain + (self.sigma * self.gain) ** 2

    def pointwise(self, prediction: Tensor, data: Tensor) -> Tensor:
        return deviance(self.shifted(prediction), self.shifted(data), self.least)

    def floor(self, data: Tensor, weight: Tensor | None = None) -> float | None:
        return 0.5

    def draw(self, like: Tensor, rng: torch.Generator) -> Tensor:
        """Normal noise of the variance that the model has where the clean picture is `like`."""
        noise = torch.randn(like.shape, generator=rng, device=rng.device, dtype=torch.float32)
        return noise.to(like) * self.deviation(like)

    def deviation(self, like: Tensor) -> Tensor:
        """sqrt(a x + b), never below sigma, nor below that of one count where the electronics add nothing."""
        return self.shifted(like).clamp_min(max((self.sigma * self.gain) ** 2, 1.0)).sqrt() / self.gain

    @classmethod
    def examples(cls) -> tuple[Likelihood, ...]:
        return PoissonGaussian(), PoissonGaussian(30.0, 0.05), PoissonGaussian(100, 0.02, dark=0.1)


def _check(model: Poisson | PoissonGaussian) -> None:
    if not 0 < model.gain < float("inf") or not 0 < model.least < float("inf"):
        raise BadInput(
            f"gain = {model.gain}, least = {model.least} count nothing: give the counts at the value 1, above 0, and a "
            "rate above 0."
        )
