"""How a part of a network is excited: the paper's network, a narrower one, and none."""

from __future__ import annotations

from untaught.solver.stage import Stage
from untaught.tasks._presets import Facts, Preset
from untaught.tasks.preimage.presets import network, pixels

TV_WEIGHT = 50.0
"""Of total variation, beside logits that reach 50 to 100."""


def _fast(facts: Facts) -> tuple[Stage, ...]:
    from untaught.prior.networks.hourglass import Hourglass
    from untaught.solver.objectives.views import Views

    net = Hourglass(down=(16, 32, 64, 64), skip=(0, 4, 4, 4))
    if not _placeless(facts):
        return network(facts, net=net, code=16, lr=0.01, steps=500, jitter=0.03)
    # Another model knows what this one still knows from all sides.
    return network(facts, net=net, code=16, lr=0.01, steps=1000, jitter=0.03, schedule="one-cycle", objective=Views())


def _paper(facts: Facts) -> tuple[Stage, ...]:
    from untaught.prior.networks.hourglass import Hourglass

    net = Hourglass(
        down=(16, 32, 64, 128, 128, 128),
        skip=(0, 4, 4, 4, 4, 4),
        kernel_down=(5, 3, 5, 5, 3, 5),
        kernel_up=(5, 3, 5, 3, 5, 3),
        downsample="avg",
    )
    rate = 0.01 if _placeless(facts) else 0.001
    return network(facts, net=net, code=32, lr=rate, steps=3100, jitter=0.03)


def _placeless(facts: Facts) -> bool:
    """Whether what is wanted is nowhere in the picture: a class, or a neuron of a layer without rows and columns."""
    return facts.problem.data.ndim == 2 or facts.problem.data.shape[1] == 1000


def _pixels(facts: Facts) -> tuple[Stage, ...]:
    return pixels(facts, lr=0.01, steps=500)


_PAPER = "Ulyanov, Vedaldi and Lempitsky, IJCV 2020, section 4.7: 3100 steps"
PRESETS = {
    p.name: p
    for p in (
        Preset("fast", "a narrow network", "the paper's objective; values: benchmarks/features.py", _fast),
        Preset("paper", "the exact recipe", _PAPER, _paper),
        Preset(
            "tv", "no network, total variation", "the paper's baseline, with the weight of this project", _pixels
        ),
        Preset("pixels", "no network, nothing", "the paper's baseline without a prior", _pixels),
    )
}
