"""How a JPEG's artefacts are removed: a filter kept within the file's intervals, a network on top, or the paper's recipe."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from untaught.classical.deblock import Deblock
from untaught.classical.denoise.nl_ridge import NonLocalRidge, Pass
from untaught.core.errors import BadInput
from untaught.prior.codes import Noise
from untaught.prior.networks.hourglass import Hourglass
from untaught.problem.operators import Identity
from untaught.solver.stage import Estimate, Stage
from untaught.tasks._presets import ALWAYS, STEPS, Facts, Presets, Row, When, way
from untaught.tasks._rows import ALONE, DIP, NARROW, Bootstrapped, Fitted, generates

_RIDGE = "NL-Ridge (Herbreteau and Kervrann 2022) within the quantisation intervals"
_OURS = f"a bootstrap (Efron 1979) of {_RIDGE}; values: docs/benchmarks/dejpeg.md"
_OTHER = Pass(5, 48, stride=4)


@dataclass(frozen=True)
class Deblocked(Row):
    """The classic: groups of 48, and twice with what was found before as the pilot (docs/benchmarks/dejpeg.md)."""

    source: str = field(default=f"{_RIDGE}; values: docs/benchmarks/dejpeg.md", repr=False)

    note = "{preset} is a classic filter, no network."

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        if isinstance(facts.problem.operator, Identity):
            raise BadInput(
                "The preset 'instant' works on a JPEG's coefficients, and there are none: name the JPEG file itself, or use the "
                "preset 'fast'."
            )
        return (Estimate(Deblock(NonLocalRidge(Pass(7, 16, stride=4), (_OTHER,), (_OTHER, _OTHER)))),)


CLASSIC = Deblocked()
FAST = Bootstrapped(CLASSIC, steps=400, widths=(16, 32, 48), pool=3, source=_OURS)
LONGER = Bootstrapped(CLASSIC, steps=800, widths=(32, 48, 64), pool=8, source=_OURS)
BEST = Bootstrapped(CLASSIC, steps=3000, widths=(32, 48, 64), pool=12, source=_OURS)
# It knows more of the colours, which the file holds most coarsely; the finer the file, the less it helps.
COLOUR = replace(NARROW, slope=6.0, most=0.3)
# The authors' network and steps for the snail, a 400x261 JPEG.
SNAIL = Fitted(
    Hourglass(down=(8, 16, 32, 64, 128), skip=(0, 0, 0, 4, 4)), 2400, Noise(3), jitter=1 / 30,
    source=f"{DIP}, and the authors' code: 2400 steps",
)  # fmt: skip
PLAIN = When("no coefficients", lambda facts: isinstance(facts.problem.operator, Identity))
# In grey a generator takes from texture.
GENERATES = When("colour, up to 768 x 768 pixels", lambda facts: generates(facts) and facts.channels > 1)
PRESETS = Presets(
    {
        "instant": "a classic filter, no network",
        "fast": "seconds",
        "balanced": "a minute",
        "best": "what minutes buy",
        "paper": "the exact recipe",
    },
    way(
        PLAIN, "Without coefficients the paper's recipe for JPEG is what there is: the mean square to the pixels.",
        fast=replace(SNAIL, steps=1000), balanced=replace(SNAIL, steps=1600), best=SNAIL,
    ),
    way(GENERATES & STEPS, ALONE, balanced=LONGER, best=BEST),
    way(GENERATES, balanced=(FAST, COLOUR), best=(BEST, COLOUR)),
    way(ALWAYS, instant=CLASSIC, fast=FAST, balanced=LONGER, best=BEST, paper=SNAIL),
)  # fmt: skip
