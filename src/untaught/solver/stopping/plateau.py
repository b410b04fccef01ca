"""The energy has come to rest: the end for what does not overfit, and the last resort for the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass

from untaught.core.errors import BadInput
from untaught.solver.iterate import Iterate, Verdict
from untaught.solver.stopping._base import Rule, State


@dataclass(frozen=True)
class Plateau(Rule):
    """Stop when the smoothed energy has not fallen by a share `tolerance` of itself for `patience` steps.

    The score is the energy with exponential forgetting, weight `alpha` on the newest. The last iterate is the best: this rule
    knows nothing of noise. It works with every objective, on crops as well.
    """

    tolerance: float = 0.01
    patience: int = 200
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if not (0 <= self.tolerance < 1 and 0 < self.alpha <= 1 and self.patience >= 1):
            raise BadInput(
                f"Plateau({self.tolerance:g}, {self.patience}, {self.alpha:g}) sees no plateau: give a tolerance of 0 to 1, "
                "patience of 1 or more, and alpha above 0 and up to 1."
            )

    def init(self) -> State:
        return {"score": None, "best": math.inf, "at": 0}

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        now, before = iterate.energy, state["score"]
        if not math.isfinite(now):
            return state, Verdict(score=before)
        score = now if before is None else before + self.alpha * (now - before)
        state = {**state, "score": score}
        if score < state["best"] - self.tolerance * abs(state["best"]) or math.isinf(state["best"]):
            state = {**state, "best": score, "at": iterate.step}
        waited = iterate.step - int(state["at"])
        return state, Verdict(score=score, stop=self.reason(state) if waited >= self.patience else None)

    def outlook(self, state: State) -> tuple[int | None, int | None]:
        return int(state.get("at", 0)) + self.patience, None

    def reason(self, state: State) -> str:
        return f"the energy has not fallen by {100 * self.tolerance:g} % in the {self.patience} steps since step {state['at']}"

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (Plateau(0.5, 5, 0.5),)


RULES = (Plateau,)
