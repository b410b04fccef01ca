"""E: how far a prediction A x is from the data y; sigma lives here and nowhere else.

Energies are means over the weighted measurements, so that learning rates and weights carry over sizes.
A weight is one number a measurement, 0 = unknown. Complex residuals count |r|^2.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.errors import BadInput


class Likelihood(ABC):
    """-log p(y | A x), up to what does not depend on x, in units of one measurement."""

    @abstractmethod
    def pointwise(self, prediction: Tensor, data: Tensor) -> Tensor:
        """The energy of each measurement, real, of the broadcast shape; >= 0 but for `Reward`."""

    def energy(self, prediction: Tensor, data: Tensor, weight: Tensor | None = None) -> Tensor:
        """The weighted mean of `pointwise`, a 0-d tensor; 0 where every weight is 0."""
        each = self.pointwise(prediction, data)
        if weight is None:
            return each.mean()
        weight = weight.expand_as(each)
        return (each * weight).sum() / weight.sum().clamp_min(torch.finfo(each.dtype).tiny)

    def floor(self, data: Tensor, weight: Tensor | None = None) -> float | None:
        """The energy to expect at the true picture; None where the noise level is not known."""
        return None

    def draw(self, like: Tensor, rng: torch.Generator) -> Tensor:
        """Fresh noise of this model, of the shape of `like`. `BadInput` where the model is not additive or not known."""
        raise BadInput(f"{type(self).__name__} noise cannot be added to a picture: choose the objective Fit instead.")

    def deviation(self, like: Tensor) -> Tensor:
        """The standard deviation of the noise of a clean picture, to broadcast against it; for models that can be drawn."""
        raise NotImplementedError

    def trusted(self, like: Tensor) -> Tensor:
        """Where noise drawn from this model is as good as that of the picture, 0 to 1; everywhere, if nothing else is known."""
        return torch.ones((), device=like.device)

    def unbias(self, mean: Tensor) -> Tensor:
        """The picture whose noisy versions have that mean: itself, where the noise's mean is 0."""
        return mean

    @classmethod
    @abstractmethod
    def examples(cls) -> tuple[Likelihood, ...]: ...


def channelwise(value: float | tuple[float, ...], like: Tensor) -> Tensor:
    """A number, or one number a channel, shaped to broadcast against "b c *space"."""
    tensor = torch.as_tensor(value, dtype=torch.float32, device=like.device)
    if tensor.ndim == 0:
        return tensor
    if like.ndim < 2 or tensor.numel() != like.shape[1]:
        raise BadInput(
            f"There are {tensor.numel()} noise levels, but the data are {tuple(like.shape)}: give one number, "
            "or one for each channel."
        )
    return tensor.view(1, -1, *[1] * (like.ndim - 2))


@dataclass(frozen=True)
class Gaussian(Likelihood):
    """|r|^2 / (2 sigma^2), or |r|^2 where sigma is not given: the paper's mean square.

    sigma: one number, or one a channel, in the unit of the data. floor = 1/2: E[r^2] = sigma^2.
    """

    sigma: float | tuple[float, ...] | None = None

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
        noise = torch.randn(like.shape, generator=rng, device=rng.device, dtype=torch.float32)
        return noise.to(like) * self.deviation(like)

    def deviation(self, like: Tensor) -> Tensor:
        return channelwise(1.0 if self.sigma is None else self.sigma, like)

    @classmethod
    def examples(cls) -> tuple[Likelihood, ...]:
        return Gaussian(), Gaussian(0.1), Gaussian((0.1, 0.2, 0.3))


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
        return _interpolate(like, mean, deviation)

    def trusted(self, like: Tensor) -> Tensor:
        """0 where more than a seventh of the variance was cut off: there the noise is lopsided, and no normal draw is like it."""
        kept = (self.deviation(like) / channelwise(self.sigma or 1.0, like)).square()
        return ((kept - 0.85) / 0.1).clamp(0, 1)

    def unbias(self, mean: Tensor) -> Tensor:
        """x in [0, 1] where E[y] is `mean`."""
        x, means, _ = self._table(mean)
        return _interpolate(mean, means, x)

    def _table(self, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x, E[y] and the deviation of y on a fine grid of x."""
        s = channelwise(self.sigma or 1.0, like).double().mean()
        x = torch.linspace(0, 1, 2049, dtype=torch.float64, device=like.device)
        low, high = -x / s, (1 - x) / s
        below, above = torch.special.ndtr(low), torch.special.ndtr(-high)
        inside = 1 - below - above
        density = [torch.exp(-v * v / 2) / (2 * torch.pi) ** 0.5 for v in (low, high)]
        mean = x * inside + s * (density[0] - density[1]) + above
        square = (x * x + s * s) * inside + s * (x * density[0] - (x + 1) * density[1]) + above
        deviation = (square - mean * mean).clamp_min((0.1 * s) ** 2).sqrt()
        return x.to(like), mean.to(like), deviation.to(like)

    @classmethod
    def examples(cls) -> tuple[Likelihood, ...]:
        return (ClippedGaussian(0.1),)


def _interpolate(at: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Piecewise linear y(x), constant outside; x ascends."""
    i = torch.searchsorted(x, at.contiguous()).clamp(1, len(x) - 1)
    t = ((at - x[i - 1]) / (x[i] - x[i - 1])).clamp(0, 1)
    return torch.lerp(y[i - 1], y[i], t)


@dataclass(frozen=True)
class Laplace(Likelihood):
    """|r| / scale: heavy tails, a few measurements that are plainly wrong. floor = 1: E|r| = scale."""

    scale: float = 1.0

    def pointwise(self, prediction: Tensor, data: Tensor) -> Tensor:
        return (prediction - data).abs() / self.scale

    def floor(self, data: Tensor, weight: Tensor | None = None) -> float | None:
        return 1.0 if self.scale != 1.0 else None

    @classmethod
    def examples(cls) -> tuple[Likelihood, ...]:
        return Laplace(), Laplace(0.1)


@dataclass(frozen=True)
class Poisson(Likelihood):
    """Photon counts: y * gain ~ Poisson(x * gain), as the deviance per measurement, halved.

    gain: counts at the value 1. e = gain (x - y) + gain y log(y / x), which is 0 at x = y and close to
    chi^2 / 2, so that floor = 1/2 as for Gaussian noise (true above some five counts; measured lower below).
    Predictions are taken at least `least` counts: the logarithm needs it, and so do its gradients.
    """

    gain: float = 255.0
    least: float = 0.01

    def pointwise(self, prediction: Tensor, data: Tensor) -> Tensor:
        rate = (prediction * self.gain).clamp_min(self.least)
        counts = (data * self.gain).clamp_min(0)
        # Below `least` the clamp would stop the gradient: this term keeps pulling the prediction up.
        below = (self.least - prediction * self.gain).clamp_min(0)
        return rate - counts + torch.xlogy(counts, counts) - torch.xlogy(counts, rate) + below.square()

    def floor(self, data: Tensor, weight: Tensor | None = None) -> float | None:
        return 0.5

    @classmethod
    def examples(cls) -> tuple[Likelihood, ...]:
        return Poisson(), Poisson(30.0)


@dataclass(frozen=True)
class Reward(Likelihood):
    """-m a: the more of the measurements that the mask m picks out the better; |target - m a| where a target is given.

    The data are the mask, which should be the weight, too: then the energy is the mean over what is wanted, and below 0.
    Activation maximisation (Ulyanov, Vedaldi and Lempitsky, IJCV 2020, section 4.7): target 300 for a class.
    """

    target: float | None = None

    def pointwise(self, prediction: Tensor, data: Tensor) -> Tensor:
        wanted = data * prediction
        return -wanted if self.target is None else (self.target - wanted).abs()

    @classmethod
    def examples(cls) -> tuple[Likelihood, ...]:
        return Reward(), Reward(3.0)


@dataclass(frozen=True)
class Interval(Likelihood):
    """The measurements were rounded: any prediction within `half` of the data fits, one outside by its squared distance.

    half: in the unit of the data; 1/2 where they are counted in quantisation steps. pull: what a squared distance from the
    middle costs everywhere; a little keeps the prediction from resting at the edge, where the truth seldom is.
    At the truth of a rounded measurement only the pull is paid, which has the mean pull * half^2 / 3 where errors are uniform.
    """

    half: float = 0.5
    pull: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.half < float("inf") or not 0 <= self.pull < float("inf"):
            raise BadInput(f"Interval({self.half}, {self.pull}) is no interval: half must be above 0, pull 0 or more.")

    def pointwise(self, prediction: Tensor, data: Tensor) -> Tensor:
        apart = (prediction - data).abs()
        return (apart - self.half).clamp_min(0).square() + self.pull * apart.square()

    def draw(self, like: Tensor, rng: torch.Generator) -> Tensor:
        """Uniform errors: those of rounding, where steps are fine beside what is measured."""
        uniform = torch.rand(like.shape, generator=rng, device=rng.device, dtype=torch.float32)
        return (2 * self.half * (uniform - 0.5)).to(like)

    def deviation(self, like: Tensor) -> Tensor:
        return torch.full((), self.half / 3**0.5, device=like.device)

    def floor(self, data: Tensor, weight: Tensor | None = None) -> float | None:
        return self.pull * self.half**2 / 3 if self.pull else None

    @classmethod
    def examples(cls) -> tuple[Likelihood, ...]:
        return Interval(0.1), Interval(0.1, 0.5), Interval(0.5, 0.01)
