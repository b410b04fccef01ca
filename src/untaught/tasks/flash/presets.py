"""How a picture is fitted with another one as the code: what the guide shows is easy to say, what it does not show, hard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from untaught.solver.stage import Solve, Stage
from untaught.tasks._presets import Facts, Preset

if TYPE_CHECKING:
    from torch import Tensor


def guided(stages: tuple[Stage, ...], guide: Tensor) -> tuple[Stage, ...]:
    """The stages with the guide as the code of their networks; one of a single value is jittered, or gradients overflow."""
    from untaught.prior.codes import Picture

    flat = float(guide.max() - guide.min()) < 1e-6
    code = {"code": Picture(guide), **({"jitter": 1 / 30} if flat else {})}
    return tuple(
        s.changed(prior=replace(s.method.prior, **code)) if isinstance(s, Solve) else s  # type: ignore[type-var]
        for s in stages
    )


def _paper(facts: Facts) -> tuple[Stage, ...]:
    from untaught.prior import Network
    from untaught.prior.codes import Picture
    from untaught.prior.networks.hourglass import Hourglass
    from untaught.solver.averaging import Last
    from untaught.solver.optimisers import Adam
    from untaught.solver.stage import Method, Solve
    from untaught.solver.stopping import After, StuckChannel

    net = Hourglass(upsample=("nearest", "nearest", "bilinear", "bilinear", "bilinear"))
    prior = Network(net, Picture(), output="sigmoid" if facts.pictures else "linear")
    stop = After(facts.steps or 601) | StuckChannel()
    return (Solve(Method(prior, optimiser=Adam(0.1), average=Last(), stop=stop)),)


def _narrow(facts: Facts, *, widths: tuple[int, ...], steps: int) -> tuple[Stage, ...]:
    """The same with narrow levels, a rate at which no sigmoid is driven to its end, and the averaged picture."""
    from untaught.prior import Network
    from untaught.prior.codes import Picture
    from untaught.prior.networks.hourglass import Hourglass
    from untaught.solver.averaging import ExponentialPictures
    from untaught.solver.optimisers import Adam
    from untaught.solver.stage import Method, Solve
    from untaught.solver.stopping import After, StuckChannel

    net = Hourglass(down=widths, upsample="nearest")
    prior = Network(net, Picture(), output="sigmoid" if facts.pictures else "linear")
    stop = After(facts.steps or steps) | StuckChannel()
    return (Solve(Method(prior, optimiser=Adam(0.01), average=ExponentialPictures(0.95), stop=stop)),)


def _fast(facts: Facts) -> tuple[Stage, ...]:
    return _narrow(facts, widths=(16, 16, 32, 32, 32), steps=150)


def _best(facts: Facts) -> tuple[Stage, ...]:
    return _narrow(facts, widths=(32, 32, 64, 64, 64), steps=800)


PRESETS = {
    p.name: p
    for p in (
        Preset("fast", "a narrow network", "the paper's, narrow; values: this project", _fast),
        Preset("best", "a wider one, and longer", "the paper's, narrower; values: this project", _best),
        Preset(
            "paper", "the exact recipe", "Ulyanov et al., IJCV 2020, and the authors' code: 601 steps", _paper
        ),
    )
}
