"""Morozov's principle: a picture that fits the data better than the truth does has begun to fit the noise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from untaught.errors import BadInput
from untaught.objectives._base import Objective
from untaught.problem import Problem
from untaught.randomness import Rng
from untaught.stopping._base import Rule, State, Verdict

if TYPE_CHECKING:
    from untaught.run import Iterate


@dataclass(frozen=True)
class Discrepancy(Rule):
    """Stop when the picture fits the data as well as the noise allows, E <= factor * floor.

    The score is E / (factor * floor), E the mean of the last `window` steps: with a jittered code one step alone comes below
    too early. Needs a likelihood whose noise level is known. The iterate at which it stops is the last and the best.
    """

    factor: float = 1.0
    window: int = 50
    needs = frozenset({"x"})  # crops are judged by other energies than the likelihood's
    _floor: float | None = None

    def bind(self, problem: Problem, rng: Rng, objective: Objective) -> tuple[Problem, Rule]:
        floor = problem.likelihood.floor(problem.data, problem.weight)
        if floor is None:
            raise BadInput(
                f"Discrepancy needs the noise level, and {problem.likelihood} does not know it: "
                "give sigma, or use WindowedVariance()."
            )
        return problem, replace(self, _floor=floor)

    def init(self) -> State:
        return {"recent": ()}

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        recent = (*state["recent"], iterate.fit)[-self.window :]
        if len(recent) < self.window:
            return {"recent": recent}, Verdict()
        energy = sum(recent) / self.window
        score = energy / (self.factor * (self._floor or 1.0))
        stop = f"the picture fits the data as closely as the noise allows (energy {energy:.3g})" if score <= 1 else None
        return {"recent": recent}, Verdict(score=score, stop=stop)

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (Discrepancy(window=3),)


RULES = (Discrepancy,)
