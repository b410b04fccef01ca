"""Recorrupted-to-Recorrupted: the noisy picture is made noisier in two ways whose noises are independent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import sqrt

import torch
from torch import Tensor

from untaught.codes import Fed
from untaught.errors import BadInput
from untaught.likelihoods import Likelihood
from untaught.objectives._base import (
    Crops,
    Model,
    Objective,
    Step,
    apply,
    averaged,
    refuse_unless_fed,
    refuse_unless_identity,
)
from untaught.priors import Network, Prior
from untaught.problem import Problem
from untaught.randomness import Rng

Guide = Callable[[Tensor, Likelihood], Tensor]


@dataclass(frozen=True)
class Recorrupt(Objective):
    """Pang et al. (CVPR 2021): with n of the noise's own law, input y + alpha n, target y - n / alpha; the mean over fresh n
    is the result. For Gaussian noise of known covariance this is unbiased, and needs no early stop.

    guide: a classic estimate g as the base of a residual network, which then sees (noisy - g) / sigma and g; called as
    guide(noisy, likelihood of that noise). It sees only the recorrupted picture: one of y itself would leak the target's noise.
    pool: how many recorruptions are made in advance; each covers a window of at most `window` pixels a side, so that
    memory does not grow with the picture.
    """

    alpha: float = 0.5
    guide: Guide | None = None
    crops: Crops = Crops()
    pool: int = 16
    window: int = 768
    _made: dict[int, list[Tensor]] = field(default_factory=dict, repr=False, compare=False)

    def bind(self, problem: Problem, prior: Prior) -> Recorrupt:
        refuse_unless_identity(self, problem)
        refuse_unless_fed(self, problem, prior, problem.data.shape[1] * (1 if self.guide is None else 2))
        if problem.weight is not None and not bool((problem.weight == problem.weight.flatten()[0]).all()):
            raise BadInput("Recorrupt needs every measurement, but some have another weight: use Split or Fit.")
        problem.likelihood.draw(problem.data[..., :1], torch.Generator(problem.data.device))
        return replace(self, _made={})

    def step(self, model: Model, problem: Problem, rng: Rng) -> Step:
        item = rng.integers(self.pool, 1)[0]
        if item not in self._made:
            self._made[item] = self._recorruption(problem, rng.fork("recorruption", item))
        *inputs, target = self.crops.draw(self._made[item], rng)
        x = model(torch.cat(inputs, dim=1))
        # Plain squares: for noise that is independent of the input they are least, in the mean, at the true picture.
        fit = (x - target).square().mean()
        return Step(fit + problem.regulariser(x), fit.detach(), None)

    def picture(self, model: Model, problem: Problem, rng: torch.Generator, passes: int = 1) -> Tensor:
        return averaged(lambda: torch.cat(self._inputs(problem.data, problem.likelihood, rng)[0], dim=1), model, passes)

    def _recorruption(self, problem: Problem, rng: torch.Generator) -> list[Tensor]:
        y = problem.data
        for axis in range(2, y.ndim):
            free = y.shape[axis] - min(self.window, y.shape[axis])
            corner = int(torch.randint(free + 1, (1,), generator=rng, device=rng.device))
            y = y.narrow(axis, corner, y.shape[axis] - free)
        inputs, noise = self._inputs(y, problem.likelihood, rng)
        return [*inputs, y - noise / self.alpha]

    def _inputs(self, y: Tensor, likelihood: Likelihood, rng: torch.Generator) -> tuple[list[Tensor], Tensor]:
        noise = likelihood.draw(y, rng)
        noisy = y + self.alpha * noise
        if self.guide is None:
            return [noisy], noise
        louder = likelihood.scaled(sqrt(1 + self.alpha**2))
        estimate = self.guide(noisy, louder)
        # In units of the noise the rest has the same size for every picture, and so suits one learning rate.
        return [(noisy - estimate) / louder.deviation(y), estimate], noise

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        from untaught.networks.hourglass import Hourglass

        net = Hourglass.examples()[0]
        return (
            (Recorrupt(crops=Crops(8, 2), pool=2), Network(net, Fed(1), output="linear")),
            (Recorrupt(guide=_blur, crops=Crops(8, 2), pool=2), Network(net, Fed(2), output="linear", residual=1.0)),
        )


def _blur(noisy: Tensor, likelihood: Likelihood) -> Tensor:
    return (noisy + noisy.roll(1, -1) + noisy.roll(-1, -1)) / 3


OBJECTIVE = Recorrupt
__all__ = ["Guide", "Recorrupt", "apply"]
