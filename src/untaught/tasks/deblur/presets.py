"""How blur is undone: a classic denoiser in turn with the data, a network that learns what it does wrong, or the paper's alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, log

from untaught.classical.blind_kernel.estimator import SeekKernel
from untaught.classical.denoise.matching import Pass
from untaught.classical.denoise.nl_ridge import NonLocalRidge
from untaught.classical.plug_and_play import PlugAndPlay
from untaught.prior.codes import Noise
from untaught.prior.networks.hourglass import Hourglass
from untaught.problem.operators.blur import SoughtBlur
from untaught.solver.averaging import ExponentialPictures
from untaught.solver.stage import Estimate, Stage
from untaught.tasks._presets import ALWAYS, Facts, Presets, Row, When, way
from untaught.tasks._rows import DIP, Bootstrapped, Fitted

LOUD = 20 / 255
"""The level of the first round, as a fraction of full scale."""
SMALL = 16
"""Pixels a side under which there are too few similar patches, and the filter takes no pilot."""
SIZES = (11, 17)
"""Of the kernels that are sought before those of the largest size: where a small one will do, a large one is worse."""
_RIDGE = "plug and play (Zhang et al., TPAMI 2021) with NL-Ridge (Herbreteau and Kervrann 2022)"
_OURS = f"a bootstrap (Efron 1979) of {_RIDGE}; values: docs/benchmarks"


def ridge() -> NonLocalRidge:
    """The sparse filter of every round: there are many of them."""
    other = Pass(5, 32, window=15)
    return NonLocalRidge(Pass(7, 16, window=15), (other,), (other,), pixels=1 << 19)


@dataclass(frozen=True)
class Rounds(Row):
    """From a loud level down to `quiet` times the noise's own, in equal ratios; `iterations` of conjugate gradients each.

    count: of rounds, and as many more as keep a level from falling below `fall` times the one before: what the kernel enlarged of
    the noise is not white, and a filter that is told much less at once takes it for texture.
    """

    count: int
    quiet: float = 1.5
    strength: float = 0.15
    iterations: int = 60
    fall: float = 0.7
    source: str = field(default=_RIDGE, repr=False)

    note = "{preset} is a classic denoiser in turn with the data (plug and play), no network"

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        last = max(self.quiet * facts.sigma, 1 / 255)
        loud = max(LOUD, last)
        count = facts.steps or max(self.count, 1 + ceil(log(last / loud) / log(self.fall)))
        levels = [loud * (last / loud) ** (k / max(1, count - 1)) for k in range(count)]
        filtered = len(facts.space) == 2 and min(facts.space) >= SMALL
        # What a JPEG lost is no even noise, and lies where there is detail.
        doubt = filtered and facts.problem.likelihood.seen
        rounds = PlugAndPlay(ridge(), tuple(levels), self.strength, self.iterations, pilot=filtered, doubt=doubt)
        return (Estimate(rounds),)


@dataclass(frozen=True)
class Sought(Row):
    """The kernel, from the picture alone, before the picture is sought with it."""

    source: str = field(
        default="few edges (Xu, Zheng and Jia, CVPR 2013), variational Bayes (Wipf and Zhang, JMLR 2014)", repr=False
    )

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        assert isinstance(facts.problem.operator, SoughtBlur)
        largest = facts.problem.operator.sides
        smaller = [tuple(min(n, size) for n in largest) for size in SIZES if size < 0.8 * max(largest)]
        return (Estimate(SeekKernel((*smaller, largest))),)


SEEK = Sought()
INSTANT = Rounds(4, quiet=3, strength=0.25, iterations=20)  # so few rounds leave noise unless they end early
FAST = Rounds(16)
BALANCED = Bootstrapped(Rounds(16), steps=800, widths=(16, 32, 48), pool=4, window=256, residual=10 / 255, source=_OURS)
BEST = Bootstrapped(Rounds(24), steps=2000, widths=(32, 48, 64), pool=6, residual=10 / 255, source=_OURS)
PAPER = Fitted(steps=2000, jitter=1 / 30, source=f"{DIP}, as for upscaling")
SELF = Fitted(
    Hourglass(skip=16), 5000, Noise(8), jitter=0.001, average=ExponentialPictures(0.9),
    source="SelfDeblur (Ren et al., CVPR 2020), mean square only",
)  # fmt: skip
BLIND = When("a kernel that is sought", lambda facts: any(p.requires_grad for p in facts.problem.operator.parameters()))
PRESETS = Presets(
    {
        "instant": "a classic filter, no network",
        "fast": "a classic denoiser in turn with the data, no network",
        "balanced": "a network that learns what fast does wrong",
        "best": "the same, for minutes",
        "paper": "the paper's network alone; without the kernel, one for the picture and one for the kernel",
    },
    way(BLIND, instant=(SEEK, INSTANT), fast=(SEEK, FAST), balanced=(SEEK, BALANCED), best=(SEEK, BEST), paper=SELF),
    way(ALWAYS, instant=INSTANT, fast=FAST, balanced=BALANCED, best=BEST, paper=PAPER),
)
