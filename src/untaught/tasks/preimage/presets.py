"""How a picture is found that a layer cannot tell from another: the paper's network, a narrower one, and none."""

from __future__ import annotations

from untaught.prior.codes import Noise
from untaught.prior.networks.hourglass import Hourglass
from untaught.solver.averaging import Last
from untaught.tasks._presets import ALWAYS, Presets, way
from untaught.tasks._rows import Bare, Fitted

TV_WEIGHT = 0.02
"""Of total variation, times the mean square of the layer's values."""


# Chosen on building.jpg at 128 x 128, block2 of EfficientNet-Lite0, 300 steps: cosine 0.990; with the channels 16 to 64,
# skip 4 and a constant rate of 0.01 it was 0.961, with skip 16 and this rate 0.983.
FAST = Fitted(
    Hourglass((32,) * 5, skip=16), 800, Noise(16), 0.02, "one-cycle", average=Last(),
    source="the paper's objective; values: benchmarks/features.py",
)  # fmt: skip
_KERNELS = (7, 7, 5, 5, 3, 3)
_NET = Hourglass(
    down=(16, 32, 64, 128, 128, 128),
    skip=4,
    kernel_down=_KERNELS,
    kernel_up=_KERNELS,
    upsample="nearest",
    downsample="avg",
    padding="zero",
)
PAPER = Fitted(
    _NET, 3100, lr=0.001, average=Last(), source="Ulyanov, Vedaldi and Lempitsky, IJCV 2020, section 4.6: 3100 steps"
)
PRESETS = Presets(
    {
        "fast": "a narrow network",
        "paper": "the exact recipe",
        "tv": "no network, total variation",
        "pixels": "no network, nothing",
    },
    way(
        ALWAYS,
        fast=FAST,
        paper=PAPER,
        tv=Bare(800, source="Mahendran and Vedaldi, CVPR 2015, with Adam"),
        pixels=Bare(800),
    ),
)
