"""How a part of a network is excited: the paper's network, a narrower one, and none."""

from __future__ import annotations

from dataclasses import replace

from untaught.prior.codes import Noise
from untaught.prior.networks.hourglass import Hourglass
from untaught.solver.averaging import Last
from untaught.solver.objectives.views import Views
from untaught.tasks._presets import ALWAYS, Facts, Presets, When, way
from untaught.tasks._rows import Bare, Fitted

TV_WEIGHT = 50.0
"""Of total variation, beside logits that reach 50 to 100."""


def _placeless(facts: Facts) -> bool:
    """A class, or a neuron of a layer without rows and columns."""
    return facts.problem.data.ndim == 2 or facts.problem.data.shape[1] == 1000


FAST = Fitted(
    Hourglass((16, 32, 64, 64), skip=(0, 4, 4, 4)), 500, Noise(16), jitter=0.03, average=Last(),
    source="the paper's objective; values: benchmarks/features.py",
)  # fmt: skip
# Another model knows what this one still knows from all sides.
ALL_SIDES = replace(FAST, steps=1000, schedule="one-cycle", objective=Views())
_NET = Hourglass(
    down=(16, 32, 64, 128, 128, 128),
    skip=(0, 4, 4, 4, 4, 4),
    kernel_down=(5, 3, 5, 5, 3, 5),
    kernel_up=(5, 3, 5, 3, 5, 3),
    downsample="avg",
)
PAPER = Fitted(
    _NET, 3100, lr=0.001, jitter=0.03, average=Last(),
    source="Ulyanov, Vedaldi and Lempitsky, IJCV 2020, section 4.7: 3100 steps",
)  # fmt: skip
PLACELESS = When("what is wanted is nowhere in the picture", _placeless)
PRESETS = Presets(
    {
        "fast": "a narrow network",
        "paper": "the exact recipe",
        "tv": "no network, total variation",
        "pixels": "no network, nothing",
    },
    way(PLACELESS, fast=ALL_SIDES, paper=replace(PAPER, lr=0.01)),
    way(
        ALWAYS,
        fast=FAST,
        paper=PAPER,
        tv=Bare(500, source="the paper's baseline, with the weight of this project"),
        pixels=Bare(500),
    ),
)
