"""Measurements that the run does not see: the best picture is the one that predicts them best."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.problem import Problem
from untaught.solver.iterate import Iterate, Verdict
from untaught.solver.objectives._base import Objective
from untaught.solver.stopping._base import Minimum, Rule, State, refuse_shared_noise


@dataclass(frozen=True)
class HoldOut(Minimum):
    """The energy of the averaged picture on a random `fraction` of the known measurements, which the run never sees.

    It is looked at every `every` steps. refit: when the run has ended, the stage is done again on all measurements, from the
    same start, for as many steps as were best: nothing is lost, in twice the time. Any likelihood and operator; the noise
    of one measurement must say nothing of the next one's.
    """

    fraction: float = 0.05
    every: int = 10
    _: KW_ONLY
    patience: int = 500
    refit: bool = False
    needs = frozenset({"held"})
    _held: Tensor | None = None

    def bind(self, problem: Problem, rng: Rng, objective: Objective) -> tuple[Problem, Rule]:
        if not 0 < self.fraction < 1:
            raise BadInput(f"HoldOut keeps back a fraction between 0 and 1 of the measurements, not {self.fraction:g}.")
        if problem.likelihood.rewards:
            raise BadInput("HoldOut judges predictions of measurements, and a Reward has none: use Plateau().")
        refuse_shared_noise(self, problem)
        weight = torch.ones_like(problem.data, dtype=problem.real) if problem.weight is None else problem.weight
        known = int((weight > 0).sum())
        if known * self.fraction < 10:
            raise BadInput(
                f"HoldOut would judge by {int(known * self.fraction)} of {known} measurements, fewer than 10: "
                "raise the fraction, or use After(steps)."
            )
        held = problem.operator.held_out(tuple(weight.shape), self.fraction, rng.fork("held out"))
        return replace(problem, weight=weight * ~held), replace(self, _held=weight * held)

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        if iterate.step % self.every or self._held is None:
            return state, Verdict()
        return self.judge(state, iterate, iterate.held(self._held))

    def repeat(self, state: State) -> int | None:
        return int(state["at"]) or None if self.refit else None

    def reason(self, state: State) -> str:
        return f"the held-out measurements were predicted best at step {state['at']}, and not better in the {self.patience} since"

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return HoldOut(0.2, patience=10, every=2), HoldOut(0.2, patience=10, every=2, refit=True)


RULES = (HoldOut,)
