"""How blur is undone: a classic denoiser in turn with the data, a network that starts there, or the paper's network alone."""

from __future__ import annotations

from untaught.presets import Facts, Preset, choose
from untaught.run import Stage

LOUD = 20 / 255
"""The level of the first round, as a fraction of full scale."""


def deblurring(name: str, facts: Facts, notes: list[str]) -> tuple[Stage, ...]:
    """The stages of a preset of `PRESETS` (`BLIND` where the operator seeks its kernel)."""
    blind = any(p.requires_grad for p in facts.problem.operator.parameters())
    stages = choose(BLIND if blind else PRESETS, name, facts)
    if name == "fast" and not blind:
        notes.append("fast is a classic denoiser in turn with the data (plug and play), no network")
    return stages


def _plugged(facts: Facts, rounds: int) -> tuple[Stage, ...]:
    """Rounds from a loud level down to the noise's own, in equal ratios."""
    from untaught.averaging import ExponentialPictures
    from untaught.objectives.plugged import Plugged
    from untaught.priors import Pixels
    from untaught.ridge import NonLocalRidge
    from untaught.run import Method
    from untaught.stopping import After

    last = max(facts.sigma, 1 / 255)
    first = max(LOUD, last)
    levels = [first * (last / first) ** (k / max(1, rounds - 1)) for k in range(rounds)]
    return tuple(
        Stage(Method(Pixels(), Plugged(NonLocalRidge(), level), average=ExponentialPictures(), stop=After(1)))
        for level in levels
    )


def _fast(facts: Facts) -> tuple[Stage, ...]:
    return _plugged(facts, facts.steps or 8)


def _fit(
    facts: Facts, *, widths: tuple[int, ...], skip: int, steps: int, code: int, lr: float, jitter: float, decay: float
) -> tuple[Stage, ...]:
    from untaught.averaging import ExponentialPictures
    from untaught.codes import Noise
    from untaught.networks.hourglass import Hourglass
    from untaught.optimisers import Adam
    from untaught.priors import Network
    from untaught.run import Method
    from untaught.stopping import After

    output = "sigmoid" if facts.pictures else "linear"
    prior = Network(Hourglass(widths, skip=skip), Noise(code), jitter=jitter, output=output)  # type: ignore[arg-type]
    stop = After(facts.steps or steps)
    return (Stage(Method(prior, optimiser=Adam(lr), average=ExponentialPictures(decay), stop=stop)),)


def _best(facts: Facts) -> tuple[Stage, ...]:
    """The classic rounds, then a narrow network that is fed what they found."""
    from untaught.averaging import ExponentialPictures
    from untaught.codes import Start
    from untaught.networks.hourglass import Hourglass
    from untaught.optimisers import Adam
    from untaught.priors import Network
    from untaught.run import Method
    from untaught.stopping import After

    prior = Network(Hourglass((32,) * 4), Start(), jitter=1 / 30, output="linear", residual=0.1)
    stop = After(facts.steps or 400)
    fit = Method(prior, optimiser=Adam(2e-3), average=ExponentialPictures(0.98), stop=stop)
    return (*_plugged(facts, 8), Stage(fit))


def _paper(facts: Facts) -> tuple[Stage, ...]:
    return _fit(facts, widths=(128,) * 5, skip=4, steps=2000, code=32, lr=0.01, jitter=1 / 30, decay=0.99)


def _blind_fast(facts: Facts) -> tuple[Stage, ...]:
    return _fit(facts, widths=(32,) * 5, skip=16, steps=1500, code=8, lr=0.01, jitter=0.001, decay=0.9)


def _blind_paper(facts: Facts) -> tuple[Stage, ...]:
    return _fit(facts, widths=(128,) * 5, skip=16, steps=5000, code=8, lr=0.01, jitter=0.001, decay=0.9)


def _blind_best(facts: Facts) -> tuple[Stage, ...]:
    return _fit(facts, widths=(48,) * 5, skip=16, steps=4000, code=8, lr=0.01, jitter=0.001, decay=0.9)


_RIDGE = "plug and play (Zhang et al., TPAMI 2021) with NL-Ridge (Herbreteau and Kervrann 2022)"
_SELF = "SelfDeblur (Ren et al., CVPR 2020), mean square only"
PRESETS = {
    p.name: p
    for p in (
        Preset("fast", "a classic denoiser in turn with the data, no network", _RIDGE, _fast, 600, 9e8),
        Preset("best", "then a network that starts there", f"{_RIDGE}; values: docs/benchmarks", _best, 1500, 9e8),
        Preset("paper", "the paper's network alone", "Ulyanov et al., CVPR 2018, as for upscaling", _paper, 6000),
    )
}
BLIND = {
    p.name: p
    for p in (
        Preset("fast", "a narrow network and a kernel", _SELF, _blind_fast, 1500),
        Preset("best", "the same, longer", _SELF, _blind_best, 1500),
        Preset("paper", "the published widths and steps", _SELF, _blind_paper, 6000),
    )
}
