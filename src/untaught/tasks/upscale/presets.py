"""How a picture is enlarged: a small network that the picture itself teaches and what errs otherwise, or the paper's recipe."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod

from untaught.classical.denoise.nl_ridge import NonLocalRidge, Pass
from untaught.classical.inpaint import Fill, Harmonic
from untaught.classical.plug_and_play import PlugAndPlay
from untaught.classical.total_variation import TotalVariation
from untaught.prior.networks.compact import Compact
from untaught.problem.likelihoods import Gaussian
from untaught.problem.operators.resample import resized
from untaught.solver.objectives import Crops
from untaught.solver.objectives.pairs import Pairs
from untaught.solver.stage import Estimate, Stage
from untaught.tasks._presets import ALWAYS, Facts, Presets, Row, When, way
from untaught.tasks._rows import DIP, Classic, Fitted, taught

FEW = 3600
"""Pixels of the small picture under which a network knows them by heart (x8, docs/benchmarks/super-resolution.md)."""
LARGE = 1024 * 1024
"""Pixels of the result above which only `best` takes the minutes of a finish."""
ROUNDING = 0.0015
"""What 8 bit leave unknown of a value, and a little more, as the deviation of white noise; for pictures of full scale 1."""
SMOOTH = TotalVariation(1.0, 60, 6)
RIDGE = NonLocalRidge(Pass(7, 16), (Pass(5, 48),), (Pass(5, 64, 25),))
PLUGGED = PlugAndPlay(RIDGE, tuple(0.05 * 0.12 ** (k / 7) for k in range(8)), 1.0, 20, pilot=True)
LEAST = 16
"""Pixels a side of the result under which there are too few similar patches for the ridge."""


@dataclass(frozen=True)
class Smoothest(Row):
    """The picture that, made smaller, is the data, with the least total variation; in turn with a non-local filter after that."""

    source: str = field(
        default="TV (Rudin, Osher and Fatemi 1992); PnP-HQS (Zhang et al., TPAMI 2021); values: docs/benchmarks",
        repr=False,
    )

    note: str = field(
        default="{size} pixels are too few to learn from: {preset} is a classic filter, no network", repr=False
    )

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        start = resized(facts.problem.data, facts.space)
        problem = replace(facts.problem, likelihood=Gaussian(max(ROUNDING, facts.sigma)), start=start)
        first = replace(SMOOTH, rounds=facts.steps or SMOOTH.rounds)
        later = (Estimate(PLUGGED, problem=problem),) if _flat(facts) else ()
        return (Estimate(first, problem=problem), *later)


@dataclass(frozen=True)
class Paired(Row):
    """A compact network that learns to undo what made the picture smaller, from the picture made smaller still.

    finished: it goes in small strides, total variation has a fifth of its result, and a non-local filter the last word in turn
    with the data (series and volumes aside).
    """

    steps: int
    widths: tuple[int, ...] = (32, 48)
    finished: bool = True
    source: str = field(
        default="Zero-Shot super-resolution (Shocher et al., CVPR 2018), a smaller network; values: docs/benchmarks",
        repr=False,
    )

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        if not self.finished:
            net, objective, rate = Compact(self.widths, unshuffle=2), Pairs(crops=Crops(48, 4)), 2e-3
        else:
            net, objective, rate = Compact(self.widths), Pairs(stride=1.45, crops=Crops(48, 2)), 4e-3
            if _flat(facts):
                objective = replace(objective, other=SMOOTH, share=0.8, finish=PLUGGED, rounding=ROUNDING)
        return (taught(facts, net, objective, self.steps, rate, residual=1.0, inputs=1),)


def _flat(facts: Facts) -> bool:
    return len(facts.space) == 2 and min(facts.space) >= LEAST


def _few(facts: Facts) -> bool:
    return prod(facts.given) < FEW


def _wide(facts: Facts) -> bool:
    return max(n / s for n, s in zip(facts.space, facts.given, strict=True)) > 6


TINY = When("under 3600 pixels", _few)
FAR = When("more than 6 times as large", _wide)
BIG = When("above 1024 x 1024 pixels", lambda facts: prod(facts.space) > LARGE)
NOISY = When("noise", lambda facts: facts.sigma > 0)
BLOCKS = "blocks"
"""The kind of a picture in few colours, all of whose pixels are repeated: so they are again."""
PIXELS = When("few colours, all pixels repeated", lambda facts: facts.kind == BLOCKS)
REPEATED = Classic(Fill(Harmonic(0)), "the pixels as they are")
CLASSIC = Smoothest()
AGAINST_NOISE = Smoothest(note="a network would learn the noise: {preset} is a classic filter")
PRESETS = Presets(
    {"fast": "seconds", "balanced": "a minute", "best": "what minutes buy", "paper": "the exact recipe"},
    way(FAR, paper=Fitted(steps=4000, jitter=0.05, source=f"{DIP}: 4000 steps at x8")),
    way(ALWAYS, paper=Fitted(steps=2000, jitter=0.03, source=f"{DIP}: 2000 steps at x4")),
    way(
        PIXELS,
        "there are few colours: {preset} repeats the pixels on, no network; give a kernel to smooth them",
        fast=REPEATED, balanced=REPEATED, best=REPEATED,
    ),
    way(TINY, fast=CLASSIC, balanced=CLASSIC, best=CLASSIC),
    way(BIG, fast=Paired(500, finished=False), balanced=Paired(1500, finished=False)),
    way(NOISY, fast=AGAINST_NOISE, balanced=AGAINST_NOISE, best=AGAINST_NOISE),
    way(ALWAYS, fast=Paired(500), balanced=Paired(1500), best=Paired(3000, (48, 64))),
)  # fmt: skip
