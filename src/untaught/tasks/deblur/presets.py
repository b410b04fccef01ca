"""How blur is undone: a classic denoiser in turn with the data, a network that learns what it does wrong, or the paper's alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from untaught.solver.stage import Estimate, Solve, Stage
from untaught.tasks._presets import Facts, Preset, choose

if TYPE_CHECKING:
    from untaught.classical.denoise.nl_ridge import NonLocalRidge
    from untaught.classical.plug_and_play import PlugAndPlay

LOUD = 20 / 255
"""The level of the first round, as a fraction of full scale."""
SMALL = 16
"""Pixels a side under which there are too few similar patches, and the filter takes no pilot."""
SIZES = (11, 17)
"""Of the kernels that are sought before those of the largest size: where a small one will do, a large one is worse."""
CLASSIC = ("instant", "fast")


def deblurring(name: str, facts: Facts, notes: list[str]) -> tuple[Stage, ...]:
    """The stages of a preset of `PRESETS` (`BLIND` where the operator seeks its kernel)."""
    blind = any(p.requires_grad for p in facts.problem.operator.parameters())
    stages = choose(BLIND if blind else PRESETS, name, facts)
    if name in CLASSIC:
        notes.append(f"{name} is a classic denoiser in turn with the data (plug and play), no network")
    return stages


def ridge() -> NonLocalRidge:
    """The sparse filter of every round: there are many of them."""
    from untaught.classical.denoise.nl_ridge import NonLocalRidge, Pass

    other = Pass(5, 32, window=15)
    return NonLocalRidge(Pass(7, 16, window=15), (other,), (other,), pixels=1 << 19)


def _rounds(
    facts: Facts, count: int, *, quiet: float = 1.5, strength: float = 0.15, iterations: int = 60
) -> PlugAndPlay:
    """From a loud level down to `quiet` times the noise's own, in equal ratios; `iterations` of conjugate gradients each."""
    from untaught.classical.plug_and_play import PlugAndPlay

    last = max(quiet * facts.sigma, 1 / 255)
    loud = max(LOUD, last)
    levels = [loud * (last / loud) ** (k / max(1, count - 1)) for k in range(count)]
    filtered = len(facts.space) == 2 and min(facts.space) >= SMALL
    return PlugAndPlay(ridge(), tuple(levels), strength, iterations, pilot=filtered)


def _instant(facts: Facts) -> tuple[Stage, ...]:
    # So few rounds leave noise unless they end early.
    return (Estimate(_rounds(facts, facts.steps or 4, quiet=3, strength=0.25, iterations=20)),)


def _fast(facts: Facts) -> tuple[Stage, ...]:
    return (Estimate(_rounds(facts, facts.steps or 16)),)


def _bootstrap(
    facts: Facts, *, rounds: int, steps: int, widths: tuple[int, ...], pool: int, window: int
) -> tuple[Stage, ...]:
    """The classic rounds, and a network that learns on their picture what they do wrong."""
    from untaught.prior import Network
    from untaught.prior.codes import Fed
    from untaught.prior.networks.compact import Compact
    from untaught.solver.averaging import ExponentialWeights
    from untaught.solver.objectives.bootstrap import Bootstrap
    from untaught.solver.optimisers import Adam
    from untaught.solver.stage import Method
    from untaught.solver.stopping import After

    prior = Network(Compact(widths), Fed(2 * facts.channels), output="linear", residual=10 / 255)
    classic = _rounds(facts, rounds)
    objective = Bootstrap(classic, pool=pool, window=window)
    adam, stop = Adam(2e-3, "one-cycle", (0.9, 0.99)), After(facts.steps or steps)
    learn = Method(prior, objective, adam, ExponentialWeights(0.99), stop, passes=8)
    return Estimate(classic), Solve(learn)


def _balanced(facts: Facts) -> tuple[Stage, ...]:
    return _bootstrap(facts, rounds=16, steps=800, widths=(16, 32, 48), pool=4, window=256)


def _fit(
    facts: Facts, *, widths: tuple[int, ...], skip: int, steps: int, code: int, lr: float, jitter: float, decay: float
) -> tuple[Stage, ...]:
    from untaught.prior import Network
    from untaught.prior.codes import Noise
    from untaught.prior.networks.hourglass import Hourglass
    from untaught.solver.averaging import ExponentialPictures
    from untaught.solver.optimisers import Adam
    from untaught.solver.stage import Method
    from untaught.solver.stopping import After

    output = "sigmoid" if facts.pictures else "linear"
    prior = Network(Hourglass(widths, skip=skip), Noise(code), jitter=jitter, output=output)  # type: ignore[arg-type]
    stop = After(facts.steps or steps)
    return (Solve(Method(prior, optimiser=Adam(lr), average=ExponentialPictures(decay), stop=stop)),)


def _best(facts: Facts) -> tuple[Stage, ...]:
    return _bootstrap(facts, rounds=24, steps=2000, widths=(32, 48, 64), pool=6, window=512)


def _paper(facts: Facts) -> tuple[Stage, ...]:
    return _fit(facts, widths=(128,) * 5, skip=4, steps=2000, code=32, lr=0.01, jitter=1 / 30, decay=0.99)


def _blind_paper(facts: Facts) -> tuple[Stage, ...]:
    return _fit(facts, widths=(128,) * 5, skip=16, steps=5000, code=8, lr=0.01, jitter=0.001, decay=0.9)


def _blind(known: Callable[[Facts], tuple[Stage, ...]]) -> Callable[[Facts], tuple[Stage, ...]]:
    """The kernel is sought at growing sizes, and then the picture as if the kernel had been known."""

    def stages(facts: Facts) -> tuple[Stage, ...]:
        from untaught.classical.blind_kernel.seek import SeekKernel
        from untaught.problem.operators.blur import SoughtBlur

        assert isinstance(facts.problem.operator, SoughtBlur)
        largest = facts.problem.operator.sides
        smaller = [tuple(min(n, size) for n in largest) for size in SIZES if size < 0.8 * max(largest)]
        return (Estimate(SeekKernel((*smaller, largest))), *known(facts))

    return stages


_RIDGE = "plug and play (Zhang et al., TPAMI 2021) with NL-Ridge (Herbreteau and Kervrann 2022)"
_OURS = f"a bootstrap (Efron 1979) of {_RIDGE}; values: docs/benchmarks"
_SOUGHT = "few edges (Xu, Zheng and Jia, CVPR 2013), variational Bayes (Wipf and Zhang, JMLR 2014)"
_SELF = "SelfDeblur (Ren et al., CVPR 2020), mean square only"
PRESETS = {
    p.name: p
    for p in (
        Preset("instant", "a classic filter, no network", f"{_RIDGE}, four rounds", _instant),
        Preset("fast", "a classic denoiser in turn with the data, no network", _RIDGE, _fast),
        Preset("balanced", "a network that learns what fast does wrong", _OURS, _balanced),
        Preset("best", "the same, for minutes", _OURS, _best),
        Preset("paper", "the paper's network alone", "Ulyanov et al., CVPR 2018, as for upscaling", _paper),
    )
}
BLIND = {
    **{
        n: replace(p, source=f"the kernel: {_SOUGHT}; then {p.source}", stages=_blind(p.stages))
        for n, p in PRESETS.items()
        if n != "paper"
    },
    "paper": Preset("paper", "a network for the picture and one for the kernel", _SELF, _blind_paper),
}
