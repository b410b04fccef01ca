"""How a picture is parted into a base and its detail: few steps of a network, whose pictures hold the coarse shapes first."""

from __future__ import annotations

from dataclasses import dataclass, field

from untaught.core.errors import unknown
from untaught.prior.codes import Noise
from untaught.prior.networks.hourglass import Hourglass
from untaught.solver.averaging import AtSteps
from untaught.solver.stage import Stage
from untaught.tasks._presets import ALWAYS, Facts, Presets, Row, way
from untaught.tasks._rows import Fitted

MOMENTS = {"coarse": 30, "medium": 80, "fine": 200}


@dataclass(frozen=True)
class Base(Row):
    """A network's picture at the moment that shows the detail which is asked for, or the mean of the three of them for "all"."""

    net: Hourglass
    code: Noise
    source: str = field(repr=False)

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        if facts.kind not in (*MOMENTS, "all"):
            raise unknown("detail", facts.kind, [*MOMENTS, "all"])
        moments = tuple(MOMENTS.values()) if facts.kind == "all" else (MOMENTS[facts.kind],)
        moments = moments if facts.steps is None else (facts.steps,)
        return Fitted(self.net, max(moments), self.code, average=AtSteps(moments)).stages(facts)


_IJCV = "Ulyanov et al., IJCV 2020; its step numbers were not given"
FAST = Base(Hourglass((8, 16, 32, 32, 32)), Noise(8), "this project; moments: docs/images/enhance.jpg")
PRESETS = Presets(
    {"fast": "a narrow network", "paper": "the paper's network"},
    way(ALWAYS, fast=FAST, paper=Base(Hourglass(), Noise(), _IJCV)),
)
