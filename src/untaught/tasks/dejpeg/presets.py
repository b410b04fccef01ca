"""How a JPEG's artefacts are removed: a filter kept within the file's intervals, a network on top, or the paper's recipe."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from untaught.classical.deblock import Deblock
from untaught.classical.denoise.matching import Pass
from untaught.classical.denoise.nl_ridge import NonLocalRidge
from untaught.classical.recode import Recode
from untaught.prior.codes import Noise
from untaught.prior.networks.hourglass import Hourglass
from untaught.solver.stage import Estimate, Stage
from untaught.tasks._presets import ALWAYS, STEPS, Facts, Presets, Row, When, way
from untaught.tasks._rows import ALONE, DIP, NARROW, Bootstrapped, Classic, Fitted, generates

_RIDGE = "NL-Ridge (Herbreteau and Kervrann 2022) within the quantisation intervals"
_OURS = f"a bootstrap (Efron 1979) of {_RIDGE}; values: docs/benchmarks/dejpeg.md"
_FILTERS = f"filters learnt from another compression of what {_RIDGE} finds"
_OTHER = Pass(5, 48, stride=4)
RIDGE = Deblock(NonLocalRidge(Pass(7, 16, stride=4), (_OTHER,), (_OTHER, _OTHER)))
ONCE = Recode(RIDGE, rounds=1)


@dataclass(frozen=True)
class Deblocked(Row):
    """The classic: groups of 48, and twice with what was found before as the pilot (docs/benchmarks/dejpeg.md)."""

    source: str = field(default=f"{_RIDGE}; values: docs/benchmarks/dejpeg.md", repr=False)

    note = "{preset} is a classic filter, no network."

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        return (Estimate(RIDGE),)


CLASSIC = Deblocked()
RECODED = Classic(Recode(RIDGE), f"{_FILTERS}; values: docs/benchmarks/dejpeg.md")
BALANCED = Bootstrapped(RECODED, steps=400, widths=(16, 32, 48), pool=3, quick=ONCE, share=0.5, source=_OURS)
BEST = replace(BALANCED, steps=3000, widths=(32, 48, 64), pool=12)
FAST_LARGE = Bootstrapped(CLASSIC, steps=400, widths=(16, 32, 48), pool=3, source=_OURS)
BALANCED_LARGE = replace(FAST_LARGE, steps=800, widths=(32, 48, 64), pool=8)
BEST_LARGE = replace(BALANCED_LARGE, steps=3000, pool=12)
# It knows more of the colours, which the file holds most coarsely; the finer the file, the less it helps.
COLOUR = replace(NARROW, slope=6.0, most=0.3)
# The authors' network and steps for the snail, a 400x261 JPEG.
SNAIL = Fitted(
    Hourglass(down=(8, 16, 32, 64, 128), skip=(0, 0, 0, 4, 4)), 2400, Noise(3), jitter=1 / 30,
    source=f"{DIP}, and the authors' code: 2400 steps",
)  # fmt: skip
# What is learnt from another compression holds tens of numbers a pixel.
LARGE = When("above 768 x 768 pixels", lambda facts: not generates(facts))
# In grey a generator takes from texture.
COLOURED = When("colour", lambda facts: facts.channels > 1)
PRESETS = Presets(
    {
        "instant": "a classic filter, no network",
        "fast": "a longer one, in seconds",
        "balanced": "a minute",
        "best": "what minutes buy",
        "paper": "the exact recipe",
    },
    way(LARGE, instant=CLASSIC, fast=FAST_LARGE, balanced=BALANCED_LARGE, best=BEST_LARGE),
    way(COLOURED & STEPS, ALONE, best=BEST),
    way(COLOURED, best=(BEST, COLOUR)),
    way(ALWAYS, instant=CLASSIC, fast=RECODED, balanced=BALANCED, best=BEST, paper=SNAIL),
)  # fmt: skip
