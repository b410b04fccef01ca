"""How a picture is found from measurements: total variation, a classic denoiser in turn with the data, the paper's network."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from untaught.classical.cross_validated import CrossValidated
from untaught.classical.denoise.lichi import LIChI
from untaught.classical.denoise.matching import Pass
from untaught.classical.denoise.nl_ridge import NonLocalRidge
from untaught.classical.denoise.nlm import NonLocalMeans
from untaught.classical.plug_and_play import LeveledPlugAndPlay
from untaught.classical.total_variation import TotalVariation
from untaught.prior.codes import Noise
from untaught.prior.networks.hourglass import Hourglass
from untaught.solver.averaging import ExponentialPictures
from untaught.solver.stage import Estimate, Stage
from untaught.tasks._presets import ALWAYS, Facts, Presets, Row, When, way
from untaught.tasks._rows import DIP, Bare, Beside, Fitted

SMALL = 16
"""Pixels a side under which there are too few similar patches for the ridge."""
LEAST = 0.0025
"""The noise that data have at least, as a fraction of their root mean square, where nobody says how loud it is."""
TRUSTED = LEAST / 10
"""The noise that data have at least where it is told, as the same fraction: weights of less overflow, or do not converge."""
UNKNOWN = (64.0, 32.0, 16.0, 8.0, 4.0, 2.0, 1.0)
"""Times that."""
KNOWN = (4.0, 2.0, 1.0)
"""What is wrong with the operator counts as noise, too."""
_RIDGE = NonLocalRidge(Pass(7, 16, window=15), (Pass(5, 32, window=15),), (Pass(5, 32, window=15),), pixels=1 << 19)
_FINE = NonLocalRidge(Pass(5, 16, 21, stride=3), (Pass(3, 32, 21, stride=2),), (Pass(3, 32, 21, stride=2),))
_DENSE = NonLocalRidge(Pass(7, 16, 21, stride=3), (Pass(5, 64, 21, stride=3),), (Pass(5, 64, stride=3),))
"""Small patches hold what only few measurements say; large ones tell it from noise."""
_ROUNDS = LIChI(_FINE, Pass(3, 32, 21, stride=2), 2)
"""Once more on its own picture, which a tooth of some noise loses by, and what has little gains by."""


@dataclass(frozen=True)
class Validated(Row):
    """Total variation, and where `filter` is given plug and play after it, with the noise that foretells held-out measurements."""

    rounds: int = 30
    filter: NonLocalRidge | None = None
    fine: LIChI | None = None
    count: int = 30
    fall: float = 0.94
    source: str = field(
        default="TV (Rudin, Osher and Fatemi 1992); PnP-HQS (Zhang et al., TPAMI 2021); values: docs/benchmarks",
        repr=False,
    )

    note: str = field(default="", repr=False)

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        first = TotalVariation(rounds=self.rounds)
        later = (_plugged(self.filter, facts, self.fine, count=self.count, fall=self.fall),) if self.filter else ()
        factors = KNOWN if facts.kind == "noise given" else UNKNOWN
        return (Estimate(CrossValidated((first, *later), factors, seed=facts.seed)),)


@dataclass(frozen=True)
class Weighted(Row):
    """The same where the noise of every measurement is known, as that of counts is: nothing is held out to find it."""

    rounds: int = 40
    strength: float = 0.7
    filter: NonLocalRidge | None = None
    count: int = 4
    source: str = field(
        default="weighted squares, as of the likelihood's own score (Wedderburn 1974); TV and PnP-HQS as above",
        repr=False,
    )

    note: str = field(default="", repr=False)

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        first = Estimate(TotalVariation(self.strength, self.rounds))
        if self.filter is None:
            return (first,)
        return first, Estimate(
            _plugged(self.filter, facts, count=self.count, few=self.count, loud=0.05, quiet=0.15, strength=0.5)
        )


def _plugged(filter: NonLocalRidge, facts: Facts, fine: LIChI | None = None, **settings: Any) -> LeveledPlugAndPlay:
    """Series, volumes and pictures too small for similar patches are left to non-local means."""
    flat = len(facts.space) == 2 and min(facts.space) >= SMALL
    if not flat:
        return LeveledPlugAndPlay(NonLocalMeans(0.8), **settings)
    return LeveledPlugAndPlay(filter, pilot=True, fine=fine, **settings)


INSTANT = Validated(note="{preset} is total variation, no network")
FAST = Validated(
    filter=_FINE,
    fine=_ROUNDS,
    note="{preset} is total variation and a classic denoiser in turn with the data, no network",
)
FIRST = replace(FAST, note="")
PAPER = Fitted(steps=2000, jitter=1 / 30, source=f"{DIP}, as for upscaling")
NARROW = Hourglass((16,) * 5, skip=8, upsample="nearest", padding="zero")
MORE = Validated(rounds=80, filter=_FINE, fine=_ROUNDS, count=60, fall=0.97)
_GENERATOR = Fitted(NARROW, 300, lr=0.01, schedule="one-cycle", average=ExponentialPictures(0.98))
BESIDE = Beside(_GENERATOR, most=0.4, measured=True, jitter=0.05)
THREE_BESIDE = replace(BESIDE, row=replace(BESIDE.row, members=3))
SOUGHT = Fitted(NARROW, 600, Noise(16), 0.02, "one-cycle", source=f"{DIP}, a narrow network")
LONGER = Fitted(Hourglass((32,) * 5, skip=8, upsample="nearest", padding="zero"), 2000, Noise(16), 0.02, "one-cycle")
_COUNTS = "the noise of every measurement is that of its counts"
INSTANT_COUNTS = Weighted(note=f"{{preset}} is total variation, no network; {_COUNTS}")
FAST_COUNTS = Weighted(
    filter=_RIDGE, note=f"{{preset}} is a classic denoiser in turn with the data, no network; {_COUNTS}"
)
LONG_COUNTS = replace(FAST_COUNTS, filter=_DENSE)
CURVED = When("an operator that is not linear", lambda facts: not facts.problem.operator.linear)
COUNTS = When("counted light", lambda facts: facts.kind == "counts")

PRESETS = Presets(
    {
        "instant": "total variation, no network; of an operator that is not linear the pixels alone",
        "fast": "seconds: a classic denoiser in turn with the data",
        "balanced": "the same, and a share of a network beside it",
        "best": "the same with more rounds, for longer",
        "paper": "the Deep Image Prior",
    },
    way(CURVED, "{preset} seeks the pixels themselves, no network", instant=Bare(600, 0.02)),
    way(CURVED, fast=SOUGHT, balanced=LONGER, best=LONGER),
    way(
        COUNTS,
        instant=INSTANT_COUNTS,
        fast=FAST_COUNTS,
        balanced=LONG_COUNTS,
        best=LONG_COUNTS,
    ),
    way(ALWAYS, instant=INSTANT, fast=FAST, balanced=(FIRST, BESIDE), best=(MORE, THREE_BESIDE), paper=PAPER),
)
