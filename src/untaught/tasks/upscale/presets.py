"""How a picture is enlarged: a small network that the picture itself teaches, or the paper's recipe."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from untaught.solver.stage import Stage
from untaught.tasks._presets import Facts, Preset, choose

FEW = 3600
"""Pixels of the small picture under which a network knows them by heart (x8, docs/benchmarks/super-resolution.md)."""
TV_WEIGHT = 0.006
"""Of total variation beside the mean square, for pictures of full scale 1."""


def upscaling(name: str, facts: Facts, notes: list[str]) -> tuple[Stage, ...]:
    """The stages of a preset of `PRESETS`; where there is too little to learn from, total variation, told in `notes`."""
    stages = choose(PRESETS, name, facts)
    small = facts.problem.data.shape[2:]
    if name == "paper" or prod(small) >= FEW:
        return stages
    size = " x ".join(map(str, small))
    notes.append(f"{size} pixels are too few to learn from: {name} is total variation (a classic), no network")
    return _smooth(facts)


def _smooth(facts: Facts) -> tuple[Stage, ...]:
    """The pixels that, made smaller, are the data, with the least total variation beside."""
    from untaught.prior import Pixels
    from untaught.problem.operators.resample import resized
    from untaught.problem.regularisers import TV
    from untaught.solver.averaging import Last
    from untaught.solver.optimisers import Adam
    from untaught.solver.stage import Method, Solve
    from untaught.solver.stopping import After

    start = resized(facts.problem.data, facts.space)
    problem = replace(facts.problem, regulariser=TV_WEIGHT * TV(), start=start)
    method = Method(Pixels(), optimiser=Adam(0.01, "one-cycle"), average=Last(), stop=After(facts.steps or 300))
    return (Solve(method, problem=problem),)


def _pairs(facts: Facts, *, steps: int, widths: tuple[int, ...], down: int, lr: float, batch: int) -> tuple[Stage, ...]:
    """A compact network that learns to undo what made the picture smaller, from the picture made smaller still."""
    from untaught.prior import Network
    from untaught.prior.codes import Fed
    from untaught.prior.networks.compact import Compact
    from untaught.solver.averaging import ExponentialWeights
    from untaught.solver.objectives._base import Crops
    from untaught.solver.objectives.pairs import Pairs
    from untaught.solver.optimisers import Adam
    from untaught.solver.stage import Method, Solve
    from untaught.solver.stopping import After

    prior = Network(Compact(widths, down, unshuffle=2), Fed(facts.channels), output="linear", residual=1.0)
    adam, stop = Adam(lr, "one-cycle", (0.9, 0.99)), After(facts.steps or steps)
    return (Solve(Method(prior, Pairs(crops=Crops(48, batch)), adam, ExponentialWeights(0.99), stop, passes=8)),)


def _fast(facts: Facts) -> tuple[Stage, ...]:
    return _pairs(facts, steps=500, widths=(32, 48), down=2, lr=2e-3, batch=4)


def _balanced(facts: Facts) -> tuple[Stage, ...]:
    return _pairs(facts, steps=1500, widths=(32, 48), down=2, lr=2e-3, batch=4)


def _best(facts: Facts) -> tuple[Stage, ...]:
    return _pairs(facts, steps=4000, widths=(48, 64), down=2, lr=2e-3, batch=4)


def _paper(facts: Facts) -> tuple[Stage, ...]:
    """2000 steps with a jitter of 0.03; from a factor of 8 on, 4000 and 0.05."""
    from untaught.prior import Network
    from untaught.prior.codes import Noise
    from untaught.prior.networks.hourglass import Hourglass
    from untaught.solver.averaging import ExponentialPictures
    from untaught.solver.optimisers import Adam
    from untaught.solver.stage import Method, Solve
    from untaught.solver.stopping import After

    wide = max(n / s for n, s in zip(facts.space, facts.problem.data.shape[2:], strict=True)) > 6
    prior = Network(
        Hourglass(), Noise(32), jitter=0.05 if wide else 0.03, output="sigmoid" if facts.pictures else "linear"
    )
    stop = After(facts.steps or (4000 if wide else 2000))
    return (Solve(Method(prior, optimiser=Adam(0.01), average=ExponentialPictures(0.99), stop=stop)),)


_ZSSR = "Zero-Shot super-resolution (Shocher et al., CVPR 2018), a smaller network; values: docs/benchmarks"
PRESETS = {
    p.name: p
    for p in (
        Preset("fast", "seconds", _ZSSR, _fast),
        Preset("balanced", "a minute", _ZSSR, _balanced),
        Preset("best", "what minutes buy", _ZSSR, _best),
        Preset("paper", "the exact recipe", "Ulyanov et al., CVPR 2018: 2000 steps at x4, 4000 at x8", _paper),
    )
}
