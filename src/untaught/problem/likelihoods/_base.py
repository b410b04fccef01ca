"""What every family of noise is: an energy, and, where noise can be drawn, its law."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from untaught.core.errors import BadInput


class Levels(Protocol):
    """How a person counts: unit, what 1 in the data is of full scale; top, the name of full scale; said, deviations in words."""

    @property
    def unit(self) -> float: ...
    @property
    def top(self) -> str: ...
    def said(self, *levels: float) -> str: ...


class Likelihood(ABC):
    """-log p(y | A x), up to what does not depend on x, in units of one measurement."""

    sigma: float | tuple[float, ...] | None = None
    """The standard deviation of its normal noise, one number or one a channel; None where there is none, or nobody knows it."""
    white = False
    """Whether the noise is normal, and the same in every measurement."""
    measured = False
    """Whether the noise is as a picture showed it, with what neighbours share of it."""
    model: Any = None
    """A model of the noise (`noise.NoiseModel`) that is better than what the data alone show of it; None where there is none."""
    shared = False
    """Whether the channels share their noise."""
    sharers = ""
    """What shares noise, in words; empty where it is independent between measurements."""
    kernel: Tensor | None = None
    """"c c k k", filters white noise to noise of its covariance between neighbours and channels; None where it is independent."""
    seen = True
    """Whether the noise is as strong in the finest differences as in all others, so that data of a blurred picture show it."""
    rewards = False
    """Whether nothing was measured: the prediction itself is to become large."""
    exact = False
    """Whether there is no noise to speak of."""
    counts: tuple[float, float, float] | None = None
    """Of counted light, (gain, sigma, dark): counts at the value 1, the deviation of reading them, the value of no light."""
    looks: float | None = None
    """Of speckle, how many independent intensities a value is the mean of."""

    @property
    def level(self) -> float:
        """The mean of `sigma` over the channels; 0 where it is not known."""
        sigma = self.sigma
        return 0.0 if sigma is None else sum(sigma) / len(sigma) if isinstance(sigma, tuple) else float(sigma)

    def told(self, levels: Levels) -> str:
        """What it is and how strong, for people."""
        return f"noise: {type(self).__name__}"

    @abstractmethod
    def pointwise(self, prediction: Tensor, data: Tensor) -> Tensor:
        """The energy of each measurement, real, of the broadcast shape; >= 0 but for `Reward`."""

    def agrees(self, prediction: Tensor, data: Tensor) -> Tensor | None:
        """Where a prediction is one that the data allow; None of noise, which allows anything."""
        return None

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

    def louder(self, factor: float) -> Self:
        """The same noise, so many times as strong. `BadInput` where the model has no strength of its own, or it is not known."""
        raise BadInput(f"{type(self).__name__} noise has no strength that could be more: choose another stopping rule.")

    def trusted(self, like: Tensor) -> Tensor:
        """Where noise drawn from this model is as good as that of the picture, 0 to 1; everywhere, if nothing else is known."""
        return torch.ones((), device=like.device)

    def unbias(self, mean: Tensor) -> Tensor:
        """The picture whose noisy versions have that mean: itself, where the noise's mean is 0."""
        return mean

    def expected(self, prediction: Tensor) -> Tensor:
        """E[y] of the picture `prediction`: what `unbias` leads back from."""
        return prediction

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
