"""A generator beside what was found: it errs elsewhere, so that a share of it improves the picture (docs/benchmarks)."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from untaught.solver.stage import Stage
from untaught.tasks._presets import Facts

if TYPE_CHECKING:
    from untaught.prior import Architecture
    from untaught.solver.optimisers import Optimiser

PIXELS = 768 * 768  # of the largest picture that gets one


def worthwhile(facts: Facts) -> bool:
    """Its steps cost as much as there are pixels, and a few of them make no picture."""
    return len(facts.space) == 2 and prod(facts.space) <= PIXELS and facts.steps is None


def beside(facts: Facts, net: Architecture, share: float, steps: int, optimiser: Optimiser, decay: float) -> Stage:
    """The paper's family, with the picture of the stage before as its code; until it is over, that one is the result."""
    from untaught.prior import Network
    from untaught.prior.codes import Start
    from untaught.solver.averaging import ExponentialPictures
    from untaught.solver.objectives.fit import Fit
    from untaught.solver.stage import Method, Solve
    from untaught.solver.stopping import After

    prior = Network(net, Start(), jitter=0.1, output="sigmoid" if facts.pictures else "linear")
    return Solve(Method(prior, Fit(share=share), optimiser, ExponentialPictures(decay), After(steps)))


def narrow(facts: Facts, share: float) -> Stage:
    """Sixteen channels, few passes over them and a rate that falls: as good as one of 16 to 128 in a quarter of its time."""
    from untaught.prior.networks.hourglass import Hourglass
    from untaught.solver.optimisers import Adam

    net = Hourglass((16,) * 5, skip=8, upsample="nearest", padding="zero")
    return beside(facts, net, share, 280, Adam(0.02, "one-cycle"), 0.97)
