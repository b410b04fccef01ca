"""How a picture is enlarged: a small network that the picture itself teaches, or the paper's recipe."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod

from untaught.prior import Pixels
from untaught.prior.networks.compact import Compact
from untaught.problem.operators.resample import resized
from untaught.problem.regularisers import TV
from untaught.solver.averaging import Last
from untaught.solver.objectives import Crops
from untaught.solver.objectives.pairs import Pairs
from untaught.solver.optimisers import Adam
from untaught.solver.stage import Method, Solve, Stage
from untaught.solver.stopping import After
from untaught.tasks._presets import ALWAYS, Facts, Presets, Row, When, way
from untaught.tasks._rows import DIP, Fitted, taught

FEW = 3600
"""Pixels of the small picture under which a network knows them by heart (x8, docs/benchmarks/super-resolution.md)."""


@dataclass(frozen=True)
class Smoothest(Row):
    """The pixels that, made smaller, are the data, with the least total variation beside. weight: for pictures of full scale 1."""

    steps: int = 300
    weight: float = 0.006
    source: str = field(
        default="total variation (Rudin, Osher and Fatemi 1992); values: docs/benchmarks/super-resolution.md",
        repr=False,
    )

    note = "{size} pixels are too few to learn from: {preset} is total variation (a classic), no network"

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        start = resized(facts.problem.data, facts.space)
        problem = replace(facts.problem, regulariser=self.weight * TV(), start=start)
        stop = After(facts.steps or self.steps)
        return (Solve(Method(Pixels(), optimiser=Adam(0.01, "one-cycle"), average=Last(), stop=stop), problem=problem),)


@dataclass(frozen=True)
class Paired(Row):
    """A compact network that learns to undo what made the picture smaller, from the picture made smaller still."""

    steps: int
    widths: tuple[int, ...]
    source: str = field(
        default="Zero-Shot super-resolution (Shocher et al., CVPR 2018), a smaller network; values: docs/benchmarks",
        repr=False,
    )

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        net, objective = Compact(self.widths, unshuffle=2), Pairs(crops=Crops(48, 4))
        return (taught(facts, net, objective, self.steps, 2e-3, residual=1.0, inputs=1),)


def _few(facts: Facts) -> bool:
    return prod(facts.given) < FEW


def _wide(facts: Facts) -> bool:
    return max(n / s for n, s in zip(facts.space, facts.given, strict=True)) > 6


TINY = When("under 3600 pixels", _few)
FAR = When("more than 6 times as large", _wide)
SMOOTH = Smoothest()
PRESETS = Presets(
    {"fast": "seconds", "balanced": "a minute", "best": "what minutes buy", "paper": "the exact recipe"},
    way(FAR, paper=Fitted(steps=4000, jitter=0.05, source=f"{DIP}: 4000 steps at x8")),
    way(ALWAYS, paper=Fitted(steps=2000, jitter=0.03, source=f"{DIP}: 2000 steps at x4")),
    way(TINY, fast=SMOOTH, balanced=SMOOTH, best=SMOOTH),
    way(ALWAYS, fast=Paired(500, (32, 48)), balanced=Paired(1500, (32, 48)), best=Paired(4000, (48, 64))),
)
