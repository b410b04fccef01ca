"""How much the pictures still vary: least about where they are best (Wang et al., Early Stopping for Deep Image Prior)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.problem import Problem
from untaught.solver.iterate import Iterate, Verdict
from untaught.solver.objectives._base import Objective
from untaught.solver.stopping._base import Minimum, Rule, State

DECAY = 0.9
"""Of the mean of energies: a jittered code makes single ones uneven, and an older mean would lag behind a fall of orders."""


@dataclass(frozen=True, kw_only=True)
class _Variance(Minimum):
    """Rules over how much the pictures still vary, seen on at most `pixels` fixed random pixels.

    Pictures vary little as well before they have formed, as long as all that they show is flat. A minimum is therefore given up as
    soon as the mean energy is less than `explained` times what it was there: who explains the data so much better is not
    fitting their noise alone. Where the floor of the energy is known, nothing below it counts.
    """

    pixels: int = 32768
    explained: float = 0.8
    needs = frozenset({"x"})
    _index: Tensor | None = None
    _floor: float = 0.0

    def bind(self, problem: Problem, rng: Rng, objective: Objective) -> tuple[Problem, Rule]:
        total = math.prod(problem.image_shape)
        index = torch.randperm(total, generator=rng.fork("pixels"), device=rng.device)[: self.pixels]
        floor = problem.likelihood.floor(problem.data, problem.weight)
        return problem, replace(self, _index=index, _floor=floor or 0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.explained < 1:
            raise BadInput(f"explained = {self.explained:g} is no share of an energy: give 0 to below 1.")

    def init(self) -> State:
        return {**super().init(), "energy": 0.0, "weight": 0.0, "explained": math.inf}

    def judge(self, state: State, iterate: Iterate, score: float | None) -> tuple[State, Verdict]:
        energy = DECAY * state["energy"] + (1 - DECAY) * iterate.energy
        weight = DECAY * state["weight"] + (1 - DECAY)
        state = {**state, "energy": energy, "weight": weight}
        now = max(energy / weight, self._floor)
        if score is not None and now < self.explained * state["explained"]:
            state["best"] = math.inf
        state, verdict = super().judge(state, iterate, score)
        return ({**state, "explained": now} if verdict.best else state), verdict

    def seen(self, iterate: Iterate) -> Tensor:
        if iterate.x is None or self._index is None:
            raise TypeError("this rule was not bound to a run that makes whole pictures")
        return iterate.x.mean(0).flatten()[self._index]

    def reason(self, state: State) -> str:
        return f"the pictures varied least around step {state['at']}, and not less in the {self.patience} steps since"


@dataclass(frozen=True)
class WindowedVariance(_Variance):
    """ES-WMV (Wang et al., TMLR 2023): the variance of the last `window` pictures is least about where they are best."""

    window: int = 100
    word = "variance"

    def init(self) -> State:
        return {**super().init(), "ring": torch.empty(0), "sum": torch.empty(0), "squares": 0.0, "count": 0}

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        seen, first = self.seen(iterate), not state["count"]
        ring = seen.new_zeros(self.window, seen.numel()) if first else state["ring"]
        total = torch.zeros_like(seen, dtype=torch.float64) if first else state["sum"]
        place = state["count"] % self.window
        new, old = seen.double(), ring[place].double()
        # Sums that move with the window, in double precision: the variance of the whole ring would cost as much as a step.
        total, squares = total + new - old, state["squares"] + float((new.square() - old.square()).sum())
        ring[place] = seen
        state = {**state, "ring": ring, "sum": total, "squares": squares, "count": state["count"] + 1}
        if state["count"] < self.window:
            return self.judge(state, iterate, None)
        n = seen.numel() * self.window
        return self.judge(state, iterate, squares / n - float(total.square().sum()) / n / self.window)

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (WindowedVariance(window=4, patience=8),)


@dataclass(frozen=True)
class ExponentialVariance(_Variance):
    """ES-EMV (the same paper): mean and variance with exponential forgetting, which needs no window of pictures."""

    alpha: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.alpha <= 1:
            raise BadInput(
                f"ExponentialVariance forgets a share alpha above 0 and up to 1, not {self.alpha:g}: give 0.1."
            )

    def init(self) -> State:
        return {**super().init(), "mean": torch.empty(0), "variance": 0.0, "count": 0}

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        seen = self.seen(iterate)
        mean = state["mean"] if state["mean"].numel() else seen
        apart = seen - mean
        variance = (1 - self.alpha) * (state["variance"] + self.alpha * float(apart.square().mean()))
        state = {**state, "mean": mean + self.alpha * apart, "variance": variance, "count": state["count"] + 1}
        return self.judge(state, iterate, variance if state["count"] > 2 / self.alpha else None)

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (ExponentialVariance(patience=8),)


RULES = WindowedVariance, ExponentialVariance
