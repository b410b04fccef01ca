"""How a picture is found that a layer cannot tell from another: the paper's network, a narrower one, and none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from untaught.solver.stage import Stage
from untaught.tasks._presets import Facts, Preset

if TYPE_CHECKING:
    from untaught.prior import Architecture
    from untaught.solver.objectives._base import Objective

TV_WEIGHT = 0.02
"""Of total variation, times the mean square of the layer's values."""


def network(
    facts: Facts,
    *,
    net: Architecture,
    code: int,
    lr: float,
    steps: int,
    jitter: float = 0.0,
    schedule: Literal["constant", "one-cycle"] = "constant",
    objective: Objective | None = None,
) -> tuple[Stage, ...]:
    """A network with noise as its code, for a fixed number of steps; the last picture is the result."""
    from untaught.prior import Network
    from untaught.prior.codes import Noise
    from untaught.solver.averaging import Last
    from untaught.solver.objectives.fit import Fit
    from untaught.solver.optimisers import Adam
    from untaught.solver.stage import Method, Solve
    from untaught.solver.stopping import After

    prior = Network(net, Noise(code), jitter=jitter)
    adam, stop = Adam(lr, schedule), After(facts.steps or steps)
    return (Solve(Method(prior, objective or Fit(), adam, Last(), stop)),)


def pixels(facts: Facts, *, lr: float, steps: int) -> tuple[Stage, ...]:
    """No network: the values themselves are sought."""
    from untaught.prior import Pixels
    from untaught.solver.averaging import Last
    from untaught.solver.optimisers import Adam
    from untaught.solver.stage import Method, Solve
    from untaught.solver.stopping import After

    return (Solve(Method(Pixels(), optimiser=Adam(lr), average=Last(), stop=After(facts.steps or steps))),)


def _fast(facts: Facts) -> tuple[Stage, ...]:
    from untaught.prior.networks.hourglass import Hourglass

    # Chosen on building.jpg at 128 x 128, block2 of EfficientNet-Lite0, 300 steps: cosine 0.990; with the channels 16 to 64,
    # skip 4 and a constant rate of 0.01 it was 0.961, with skip 16 and this rate 0.983.
    net = Hourglass(down=(32,) * 5, skip=16)
    return network(facts, net=net, code=16, lr=0.02, steps=800, schedule="one-cycle")


def _paper(facts: Facts) -> tuple[Stage, ...]:
    from untaught.prior.networks.hourglass import Hourglass

    kernels = (7, 7, 5, 5, 3, 3)
    net = Hourglass(
        down=(16, 32, 64, 128, 128, 128),
        skip=4,
        kernel_down=kernels,
        kernel_up=kernels,
        upsample="nearest",
        downsample="avg",
        padding="zero",
    )
    return network(facts, net=net, code=32, lr=0.001, steps=3100)


def _pixels(facts: Facts) -> tuple[Stage, ...]:
    return pixels(facts, lr=0.01, steps=800)


_PAPER = "Ulyanov, Vedaldi and Lempitsky, IJCV 2020, section 4.6: 3100 steps"
PRESETS = {
    p.name: p
    for p in (
        Preset("fast", "a narrow network", "the paper's objective; values: benchmarks/features.py", _fast),
        Preset("paper", "the exact recipe", _PAPER, _paper),
        Preset("tv", "no network, total variation", "Mahendran and Vedaldi, CVPR 2015, with Adam", _pixels),
        Preset("pixels", "no network, nothing", "the paper's baseline without a prior", _pixels),
    )
}
