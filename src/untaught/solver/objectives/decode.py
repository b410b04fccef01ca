"""A JPEG without its artefacts, without a network: a filter of the plain decoding, kept within what the file allows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.prior import Pixels, Prior
from untaught.problem import Problem
from untaught.problem.operators import Identity
from untaught.problem.operators.dct import BlockDCT
from untaught.solver.objectives._base import Model, Objective, Step


class Pilot(Protocol):
    """A filter (see `ridge.NonLocalRidge`) that can also take a first estimate as its pilot."""

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor: ...

    def refine(self, noisy: Tensor, deviation: Tensor, pilot: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Decode(Objective):
    """Filter, project, filter again with the result as the pilot, project: alternating projections (Zakhor 1992) between
    pictures that the filter finds plausible and those whose coefficients round to the file's. With Pixels() and After(1).

    first, again: the strength of both, in units of the deviation that `deviations` guesses from the quantisation tables.
    half: how far, in steps, a coefficient may move; below 1/2, since the true one is seldom at the edge.
    Data that are the decoded picture itself (no coefficients at hand) are taken as noisy with the likelihood's deviation.
    """

    guide: Pilot
    first: float = 1.2
    again: float = 1.4
    half: float = 0.4
    whole, draws = True, False
    _made: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def bind(self, problem: Problem, prior: Prior) -> Decode:
        if not isinstance(problem.operator, (BlockDCT, Identity)):
            raise BadInput(
                f"Decode needs a JPEG's coefficients, not data of {type(problem.operator).__name__}: use Fit."
            )
        if not isinstance(prior, Pixels):
            raise BadInput(f"Decode has no use for the prior {type(prior).__name__}: give Pixels().")
        return replace(self, _made={})

    def step(self, model: Model, problem: Problem, rng: Rng) -> Step:
        x = self.picture(model, problem, rng)
        fit = problem.energy(x)
        return Step(fit + 0 * model().sum(), fit, x)

    def picture(self, model: Model, problem: Problem, rng: Rng, passes: int = 1) -> Tensor:
        if "x" not in self._made:
            with torch.no_grad():
                self._made["x"] = self.estimate(problem)
        return self._made["x"]

    def estimate(self, problem: Problem) -> Tensor:
        """The picture of any problem of this kind."""
        operator, y = problem.operator, problem.data
        if not isinstance(operator, BlockDCT):
            level = problem.likelihood.deviation(y)
            return self.guide.refine(y, level, self.guide(y, level))
        return decoded(operator, y, self)

    def shown(self, problem: Problem, estimate: Tensor) -> tuple[Tensor, Tensor]:
        """The plain picture and the deviation of its error, for `Bootstrap`."""
        operator, y = problem.operator, problem.data
        if not isinstance(operator, BlockDCT):
            return y, problem.likelihood.deviation(y)
        return operator.decode(y, smooth=True), deviations(operator)[0].to(y)

    def allowed(self, problem: Problem, x: Tensor) -> Tensor:
        """x within the intervals of the coefficients."""
        operator = problem.operator
        return operator.project(x, problem.data, self.half) if isinstance(operator, BlockDCT) else x

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        from untaught.classical.denoise.nl_ridge import NonLocalRidge, Pass

        return ((Decode(NonLocalRidge(Pass(7, 16, 9), (Pass(5, 16, 9),), (Pass(5, 16, 9),))), Pixels()),)


def decoded(operator: BlockDCT, y: Tensor, how: Decode) -> Tensor:
    """The whole recipe of `how` on one JPEG.

    It filters the planes of the file, each in the unit of its own deviation: colour differences are quantised more coarsely.
    """
    level = deviations(operator).to(y)
    unit = (level / level[0]).view(1, -1, 1, 1)

    def kept(planes: Tensor) -> Tensor:
        x = operator.project(operator.picture(planes * unit), y, how.half)
        return operator.channels(x) / unit

    plain = operator.channels(operator.decode(y, smooth=True)) / unit
    pilot = kept(how.guide(plain, how.first * level[0]))
    return operator.picture(kept(how.guide.refine(plain, how.again * level[0], pilot)) * unit)


def deviations(operator: BlockDCT) -> Tensor:
    """The standard deviation of the decoding's error in each plane, in full scale, guessed from the nine lowest steps.

    sigma^2 = 0.69 q^1.3 with their mean q in grey levels of 255 (Foi, Katkovnik and Egiazarian, "Pointwise shape-adaptive
    DCT for high-quality denoising and deblocking of grayscale and color images", 2007).
    """
    q = 255 * operator.steps[:, :3, :3].mean((1, 2))
    return (0.69 * q**1.3).sqrt() / 255


OBJECTIVE = Decode
