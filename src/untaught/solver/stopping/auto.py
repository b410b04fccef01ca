"""Which rule for which objective, noise and task: one table, decided on the trajectories of `untaught bench stopping`."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.problem import Problem
from untaught.solver.iterate import Iterate, Verdict
from untaught.solver.objectives._base import Objective
from untaught.solver.stopping._base import FirstOf, Rule, State
from untaught.solver.stopping.discrepancy import Discrepancy
from untaught.solver.stopping.holdout import HoldOut
from untaught.solver.stopping.plateau import Plateau
from untaught.solver.stopping.variance import WindowedVariance

KNOWN, UNKNOWN = "white noise of known level", "noise of unknown level"
SHARED, UNEVEN = "noise that neighbours or channels share", "noise that is not Gaussian, or changes with brightness"
HOLES, FEWER = "measurements that are missing", "fewer measurements than pixels"
BLURRED, BLIND = "blurred measurements", "an operator that is sought, too"
EXACT = "no noise to speak of"

# THE choice. One rule for each kind of problem; the first that does not refuse is taken. Figures: docs/benchmarks/stopping.md.
CHOICE: dict[str, tuple[Rule, ...]] = {
    KNOWN: (Discrepancy(), WindowedVariance(patience=500)),
    UNKNOWN: (HoldOut(), WindowedVariance(patience=500)),
    SHARED: (Discrepancy(), WindowedVariance(patience=500)),
    UNEVEN: (Discrepancy(), WindowedVariance(patience=500)),
    HOLES: (WindowedVariance(patience=500),),
    FEWER: (WindowedVariance(patience=500),),
    BLURRED: (WindowedVariance(patience=500),),
    BLIND: (Plateau(),),
    EXACT: (Plateau(),),
}


@dataclass(frozen=True)
class Auto(Rule):
    """The rule of `CHOICE` for the kind of problem at hand; which one it is, and why, is told in the solution's notes.

    Refused for objectives on crops, which are fed with the data and do not overfit.
    """

    def bind(self, problem: Problem, rng: Rng, objective: Objective) -> tuple[Problem, Rule]:
        if not objective.whole:
            raise BadInput(
                f"{type(objective).__name__} is fed with the data and does not overfit, so that there is nothing to stop early: "
                "give After(steps)."
            )
        what, refused = kind(problem), ""
        for rule in CHOICE[what]:
            try:
                problem, bound = rule.bind(problem, rng, objective)
            except BadInput as error:
                refused = str(error)
            else:
                return problem, _Chosen((bound,), what)
        raise BadInput(refused)

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        raise TypeError("Auto is a choice, and was not bound to a problem")

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (Auto(),)


@dataclass(frozen=True)
class _Chosen(FirstOf):
    """The rule that `Auto` has taken, and for what."""

    what: str = ""

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        (rule,) = self.rules
        return (f"{type(rule).__name__} stops the run, the rule for {self.what}.", *rule.remarks)


def kind(problem: Problem) -> str:
    """What makes a problem easy or hard to stop, in words: a key of `CHOICE`."""
    likelihood, data = problem.likelihood, problem.data
    if likelihood.exact:
        return EXACT
    if problem.operator.sought:
        return BLIND
    if problem.weight is not None and bool((problem.weight == 0).any()):
        return HOLES
    if not problem.operator.direct:
        return FEWER if data.numel() < 0.6 * prod(problem.image_shape) else BLURRED
    if likelihood.sharers:
        return SHARED
    if likelihood.white:
        return UNKNOWN if likelihood.sigma is None else KNOWN
    return UNEVEN


RULES = (Auto,)
