"""How a picture is fitted with another one as the code: what the guide shows is easy to say, what it does not show, hard."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from untaught.prior.codes import Picture
from untaught.prior.networks.hourglass import Hourglass
from untaught.solver.averaging import ExponentialPictures, Last
from untaught.solver.stage import Stage
from untaught.solver.stopping import StuckChannel
from untaught.tasks._presets import ALWAYS, Facts, Presets, Row, way
from untaught.tasks._rows import Fitted


@dataclass(frozen=True)
class Guided(Row):
    """A network with the guide as its code; one of a single value is jittered, or gradients overflow."""

    row: Fitted
    source: str = field(repr=False)

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        guide = facts.guide
        assert guide is not None
        flat = float(guide.max() - guide.min()) < 1e-6
        return replace(self.row, code=Picture(guide), jitter=1 / 30 if flat else 0.0, until=StuckChannel()).stages(
            facts
        )


_NET = Hourglass(upsample=("nearest", "nearest", "bilinear", "bilinear", "bilinear"))
PAPER = Guided(Fitted(_NET, 601, lr=0.1, average=Last()), "Ulyanov et al., IJCV 2020, and the authors' code: 601 steps")


def _narrow(widths: tuple[int, ...], steps: int, source: str) -> Guided:
    """The same with narrow levels, a rate at which no sigmoid is driven to its end, and the averaged picture."""
    return Guided(Fitted(Hourglass(widths, upsample="nearest"), steps, average=ExponentialPictures(0.95)), source)


PRESETS = Presets(
    {"fast": "a narrow network", "best": "a wider one, and longer", "paper": "the exact recipe"},
    way(
        ALWAYS,
        fast=_narrow((16, 16, 32, 32, 32), 150, "the paper's, narrow; values: this project"),
        best=_narrow((32, 32, 64, 64, 64), 800, "the paper's, narrower; values: this project"),
        paper=PAPER,
    ),
)
