"""A channel that the first steps have driven to black or white, where it has no gradient left: begin anew."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.problem import Problem
from untaught.solver.iterate import Iterate, Verdict
from untaught.solver.objectives._base import Objective
from untaught.solver.stopping._base import Rule, State


@dataclass(frozen=True)
class StuckChannel(Rule):
    """Begin anew where a channel has got stuck: it fits the data worse than one plain colour would.

    A sigmoid that large early steps have driven to black or white has no gradient left, and the picture stays reddish, or
    green, for good: the failure that the authors of the Deep Image Prior warn of in flash/no-flash ("run again"). Looked at
    once, at step `at`, and only where the data are the picture itself. A channel of no contrast is never stuck.
    """

    at: int = 60
    needs = frozenset({"x"})
    _data: Tensor | None = None
    _weight: Tensor | None = None

    def bind(self, problem: Problem, rng: Rng, objective: Objective) -> tuple[Problem, Rule]:
        if problem.data.shape != problem.image_shape:
            raise BadInput(
                f"StuckChannel compares the channels of picture and data, but a picture of {problem.image_shape} has "
                f"data of {tuple(problem.data.shape)}: leave it out."
            )
        weight = torch.ones_like(problem.data) if problem.weight is None else problem.weight
        return problem, replace(self, _data=problem.data, _weight=weight)

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        if iterate.step != self.at or iterate.x is None or self._data is None or self._weight is None:
            return state, Verdict()
        y, x = self._data[0].flatten(1), iterate.x.mean(0).flatten(1)
        w = self._weight[0].flatten(1)
        w = w / w.sum(1, keepdim=True).clamp_min(1e-12)
        mean = (w * y).sum(1, keepdim=True)
        plain, misfit = ((w * (v - y).square()).sum(1) for v in (mean, x))
        flat = x.std(1, unbiased=False) < 0.1 * plain.sqrt()
        # One that is only slow has shapes already: it gets some more room.
        stuck = [i for i in range(len(y)) if plain[i] > 1e-6 and misfit[i] > (1.02 if flat[i] else 1.5) * plain[i]]
        if not stuck:
            return state, Verdict()
        names = ("red", "green", "blue") if len(y) == 3 else tuple(f"channel {i}" for i in range(len(y)))
        return state, Verdict(again=f"{' and '.join(names[i] for i in stuck)} fitted worse than one plain colour would")

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (StuckChannel(3),)


RULES = (StuckChannel,)
