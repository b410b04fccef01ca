"""Morozov's principle: a picture that fits the data better than the truth does has begun to fit the noise."""

from __future__ import annotations

from dataclasses import dataclass, replace

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.problem import Problem
from untaught.solver.iterate import Iterate, Verdict
from untaught.solver.objectives._base import Objective
from untaught.solver.stopping._base import Rule, State


@dataclass(frozen=True)
class Discrepancy(Rule):
    """Stop when the picture fits the data as well as the noise allows, E <= factor * floor.

    The score is E / (factor * floor), E the mean of the energies with the weights by which pictures are averaged, decay^age:
    the picture that is returned is as old as that, a jittered code makes single steps come below too early, and strong noise
    is fitted a little by the best picture, too. Needs a likelihood whose noise level is known. The iterate at which it stops is
    the last and the best.

    start: the floor is the energy of the picture that the stage begins at, for noise of which no likelihood knows the level: who
    explains the data as well as a filter of it does begins to fit what that has taken away.
    """

    factor: float = 1.0
    decay: float = 0.99
    start: bool = False
    needs = frozenset({"x"})  # crops are judged by other energies than the likelihood's
    _floor: float | None = None

    def __post_init__(self) -> None:
        if not (self.factor > 0 and 0 <= self.decay < 1):
            raise BadInput(
                f"Discrepancy(factor={self.factor:g}, decay={self.decay:g}) compares nothing: give a factor above 0, and a decay "
                "of 0 to below 1."
            )

    def bind(self, problem: Problem, rng: Rng, objective: Objective) -> tuple[Problem, Rule]:
        if self.start:
            if problem.start is None:
                raise BadInput(
                    "Discrepancy(start=True) compares with the picture that a stage begins at, and there is none."
                )
            return problem, replace(self, _floor=float(problem.energy(problem.start)))
        floor = problem.likelihood.floor(problem.data, problem.weight)
        if floor is None:
            raise BadInput(
                f"Discrepancy needs the noise level, and {problem.likelihood} does not know it: "
                "give sigma, or use WindowedVariance()."
            )
        return problem, replace(self, _floor=floor)

    def init(self) -> State:
        return {"energy": 0.0, "weight": 0.0}

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        energy = self.decay * state["energy"] + (1 - self.decay) * iterate.fit
        weight = self.decay * state["weight"] + (1 - self.decay)
        mean = energy / weight
        score = mean / (self.factor * (self._floor or 1.0))
        stop = f"the picture fits the data as closely as the noise allows (energy {mean:.3g})" if score <= 1 else None
        return {"energy": energy, "weight": weight}, Verdict(score=score, stop=stop)

    def replay(self, state: State, iterate: Iterate, score: float | None) -> tuple[State, Verdict]:
        return Discrepancy().step(state, iterate)  # its recorded score is over the floor already

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (Discrepancy(decay=0.5),)


RULES = (Discrepancy,)
