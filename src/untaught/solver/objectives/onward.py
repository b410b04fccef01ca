"""Go on from what the stage before made, as if it were the data: fill first, then remove the grain."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from untaught.core.randomness import Rng
from untaught.prior import Network, Prior
from untaught.problem import Problem
from untaught.solver.objectives._base import Crops, Model, Objective, Step


@dataclass(frozen=True)
class Onward(Objective):
    """`inner`, on the picture of the stage before (`problem.start`), every value of which counts; on the data where none came."""

    inner: Objective

    @property
    def whole(self) -> bool:  # type: ignore[override]
        return self.inner.whole

    @property
    def draws(self) -> bool:  # type: ignore[override]
        return self.inner.draws

    def bind(self, problem: Problem, prior: Prior) -> Onward:
        return replace(self, inner=self.inner.bind(_onward(problem), prior))

    def step(self, model: Model, problem: Problem, rng: Rng) -> Step:
        return self.inner.step(model, _onward(problem), rng)

    def picture(self, model: Model, problem: Problem, rng: Rng, passes: int = 1) -> Tensor:
        return self.inner.picture(model, _onward(problem), rng, passes)

    def excerpt(self, problem: Problem) -> tuple[Problem, float] | None:
        return self.inner.excerpt(_onward(problem))

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        from untaught.prior.codes import Fed
        from untaught.prior.networks.hourglass import Hourglass
        from untaught.solver.objectives.recorrupt import Recorrupt

        inner = Recorrupt(crops=Crops(8, 2), pool=2)
        return ((Onward(inner), Network(Hourglass.examples()[0], Fed(1), output="linear")),)


def _onward(problem: Problem) -> Problem:
    return problem if problem.start is None else replace(problem, data=problem.start, weight=None, start=None)


OBJECTIVE = Onward
