"""Other data of the same picture: the best picture is the one that they agree with best."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.problem import Problem
from untaught.solver.iterate import Iterate, Verdict
from untaught.solver.objectives._base import Objective
from untaught.solver.stopping._base import Minimum, Rule, State


@dataclass(frozen=True, kw_only=True, eq=False)
class Validated(Minimum):
    """The mean square between the averaged picture's prediction and `other` data, whose noise is independent of the problem's.

    It is looked at every `every` steps. Nobody writes data down, so that it is no rule of the command line.
    """

    other: Tensor
    every: int = 5
    patience: int = 60
    needs = frozenset({"average"})

    def bind(self, problem: Problem, rng: Rng, objective: Objective) -> tuple[Problem, Rule]:
        if self.other.shape != problem.data.shape:
            own, data = (tuple(t.shape) for t in (self.other, problem.data))
            raise BadInput(f"Validated compares with data of shape {own}, but those of the problem are {data}.")
        return problem, replace(self, other=self.other.to(problem.data))

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        if iterate.step % self.every:
            return state, Verdict()
        apart = iterate.prediction() - self.other
        return self.judge(state, iterate, float(apart.abs().square().mean()))

    def reason(self, state: State) -> str:
        return f"data kept apart were met best at step {state['at']}, and not better in the {self.patience} since"

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (Validated(other=torch.zeros(1, 1, 1, 1), every=2, patience=10),)


RULES = ()
