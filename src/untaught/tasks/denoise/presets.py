"""How grain is removed: a classic filter; a small network fed with recorruptions, and a generator beside it; the paper's recipe."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, prod
from typing import TYPE_CHECKING

from untaught.noise.kinds import GRAIN
from untaught.problem.likelihoods import Gaussian, Impulse, Laplace, Likelihood
from untaught.solver.stage import Estimate, Solve, Stage
from untaught.tasks._beside import beside, narrow, worthwhile
from untaught.tasks._presets import Facts, Preset, choose

if TYPE_CHECKING:
    from untaught.classical import Denoiser
    from untaught.noise import NoiseModel


MILD = 5 / 255  # noise up to which a generator's share would be too small to be seen
STRONG = 35 / 255  # and from which on it is worth more than the longer part of a fed stage
LARGE = 768 * 768  # pixels above which a picture gets the quick guides; those up to there fit into one window
SMALL = 2**17  # and up to which `balanced` has the time for a generator after the whole of its fed stage
HUGE = 10**7  # and from which on they are quicker still


def denoising(name: str, facts: Facts, notes: list[str]) -> tuple[Stage, ...]:
    """The stages of a preset of `PRESETS`; what it does otherwise than its name says is told in `notes`."""
    impulses = isinstance(facts.problem.likelihood, Impulse)
    stages = _filled(name, facts) if impulses and name != "paper" else choose(PRESETS, name, facts)
    if name == "instant":
        notes.append("instant is a classic filter, no network")
    elif name != "paper" and (noise := _measured(facts)):
        kind = f"that {noise.sharers} share" if noise.sharers else "that changes with brightness"
        notes.append(
            f"for noise {kind} a classic filter does better than the network, and was used; give sigma"
            f"{', and the noise as gaussian,' if noise.shared else ''} to insist on the network"
        )
    elif name in ("fast", "balanced") and _plain(facts):
        notes.append("for large grey pictures a classic filter does better than the quick network, and was used")
    elif name in ("balanced", "best") and facts.steps is not None:
        notes.append(f"with a number of steps given, {name} is the fed network alone, without the generator beside it")
    return stages


def grainy(likelihood: Likelihood) -> bool:
    """Whether the values that are no impulses have more noise than clean pictures have, too."""
    return isinstance(likelihood, Impulse) and likelihood.sigma >= GRAIN


def _filled(name: str, facts: Facts) -> tuple[Stage, ...]:
    """Impulses are holes: they are filled as `inpaint` does, and then the grain of all values is removed, if there is some."""
    from untaught.tasks.inpaint.presets import PRESETS as FILLING

    holes = replace(facts.problem, likelihood=Gaussian())
    filling = choose(FILLING, name if name in FILLING else "fast", replace(facts, problem=holes))
    stages = [replace(s, problem=s.problem or holes) for s in filling]
    if grainy(facts.problem.likelihood):
        grain = replace(holes, likelihood=Gaussian(facts.sigma), weight=None)
        # The first stage alone: one after it would need the data as they came.
        stages.append(replace(choose(PRESETS, name, replace(facts, problem=grain))[0], problem=grain, onward=True))
    return tuple(stages)


def _measured(facts: Facts) -> NoiseModel | None:
    """The noise, where it is not white: on real photos and micrographs the network lost up to 3 dB to its own guide."""
    return getattr(facts.problem.likelihood, "noise", None)


def _large(facts: Facts) -> bool:
    return len(facts.space) == 2 and prod(facts.space) > LARGE


def _plain(facts: Facts) -> bool:
    """Whether there are too many pixels for full guides, and too few channels for the quick ones, which lose 1 dB to the ridge."""
    return _large(facts) and facts.channels < 3


def _classic(facts: Facts, *, best: bool = False) -> tuple[Stage, ...]:
    """best: as good as a filter can be; instant otherwise."""
    from untaught.classical.denoise.camera import Camera, Counted
    from untaught.classical.denoise.filter import Filter
    from untaught.classical.denoise.nl_ridge import SPARSE, WIDER, NonLocalRidge, Tiled
    from untaught.classical.denoise.nlm import NonLocalMeans

    noise, large = _measured(facts), _large(facts)
    strip = 64 if large else 0
    # Strengths in units of the measured deviation, chosen on five of the ten PolyU pairs: docs/benchmarks.
    guide: Denoiser
    if noise and noise.correlated:
        guide = Camera() if best and facts.channels in (1, 3) else NonLocalMeans(3.0, coarse=1.2, strip=strip)
    else:
        twice = best and _plain(facts) and prod(facts.space) <= HUGE
        guide = Tiled(WIDER if twice else SPARSE, twice=twice) if large else NonLocalRidge()
        if noise and not noise.shared:  # noise that the channels share is to the ridge as that of a grey picture
            guide = Counted(NonLocalMeans(1.2, strip=strip), guide)
    return (Estimate(Filter(guide)),)


def _recorrupt(
    facts: Facts, *, steps: int, widths: tuple[int, ...], lr: float, pool: int, quick: bool = False
) -> tuple[Stage, ...]:
    """A compact network fed with recorruptions of the picture, with the non-local ridge as its guide and its last pass."""
    from untaught.classical.denoise.nl_ridge import NonLocalRidge, Pass, Quick
    from untaught.prior import Network
    from untaught.prior.codes import Fed
    from untaught.prior.networks.compact import Compact
    from untaught.solver.averaging import ExponentialWeights
    from untaught.solver.objectives.recorrupt import Recorrupt
    from untaught.solver.optimisers import Adam
    from untaught.solver.stage import Method
    from untaught.solver.stopping import After

    if _measured(facts):
        return _classic(facts, best=not quick)
    if quick and _plain(facts):
        return _classic(facts, best=True)
    prior = Network(Compact(widths), Fed(2 * facts.channels), output="linear", residual=facts.sigma)
    # A small picture is soon known by heart, noise and all: it gets more recorruptions, which cost it little.
    pool = max(pool, min(6, ceil(pool * 2**16 / prod(facts.space))))
    objective, passes = Recorrupt(0.5, NonLocalRidge(), pool=pool, refine=True), pool
    if quick and _large(facts):
        guide, pool, passes, steps = Quick(), 16, 2, max(steps, 600)  # there is more to be learnt from more windows
        if prod(facts.space) > HUGE:
            means, ridge = replace(guide.means, distance=3), replace(guide.ridge, again=(Pass(5, 16, 11),))
            guide, pool, passes = Quick(means, ridge), 8, 1
        objective = Recorrupt(0.5, guide, pool=pool, window=512, refine=True)
    adam, stop = Adam(lr, "one-cycle", (0.9, 0.99)), After(facts.steps or steps)
    return (Solve(Method(prior, objective, adam, ExponentialWeights(0.99), stop, passes=passes)),)


def _fast(facts: Facts) -> tuple[Stage, ...]:
    return _recorrupt(facts, steps=300, widths=(16, 32, 48), lr=3e-3, pool=2, quick=True)


def _balanced(facts: Facts) -> tuple[Stage, ...]:
    longer = _recorrupt(facts, steps=1200, widths=(16, 32, 48), lr=3e-3, pool=6, quick=True)
    small = prod(facts.space) <= SMALL
    # In mild noise a network of so few channels lacks the detail of a picture that is not small.
    if not _generates(facts) or not (small or facts.sigma > STRONG):
        return longer
    return (*(longer if small else _fast(facts)), narrow(facts, _share(facts)))


def _best(facts: Facts) -> tuple[Stage, ...]:
    from untaught.prior.networks.hourglass import Hourglass
    from untaught.solver.optimisers import Adam

    fed = _recorrupt(facts, steps=3000, widths=(32, 48, 64), lr=2e-3, pool=12)
    net = Hourglass((16, 32, 64, 128, 128), skip=16)
    return (*fed, beside(facts, net, _share(facts), 500, Adam(0.01), 0.99)) if _generates(facts) else fed


def _generates(facts: Facts) -> bool:
    return worthwhile(facts) and facts.sigma > MILD and not _measured(facts)


def _share(facts: Facts) -> float:
    """A generator's own error hardly depends on the noise, that of a fed network grows with it, and so does the share."""
    return min(0.5, 3 * facts.sigma)


def _paper(facts: Facts) -> tuple[Stage, ...]:
    from untaught.prior import Network
    from untaught.prior.codes import Noise
    from untaught.prior.networks.hourglass import Hourglass
    from untaught.solver.averaging import ExponentialPictures
    from untaught.solver.optimisers import Adam
    from untaught.solver.stage import Method
    from untaught.solver.stopping import After

    problem = None
    if isinstance(
        impulse := facts.problem.likelihood, Impulse
    ):  # convex, and as blind to large errors: any start will do
        problem = replace(facts.problem, likelihood=Laplace(impulse.sigma))
    jitter = 1 / 20 if facts.sigma > 37 / 255 else 1 / 30
    prior = Network(Hourglass(), Noise(32), jitter=jitter, output="sigmoid" if facts.pictures else "linear")
    adam, stop = Adam(0.01), After(facts.steps or 1800)
    return (Solve(Method(prior, optimiser=adam, average=ExponentialPictures(0.99), stop=stop), problem=problem),)


_R2R = "Recorrupted-to-Recorrupted (Pang et al., CVPR 2021) guided by NL-Ridge (Herbreteau and Kervrann 2022)"
PRESETS = {
    p.name: p
    for p in (
        Preset("instant", "a classic filter, no network", "NL-Ridge; values: docs/benchmarks", _classic),
        Preset("fast", "seconds", f"{_R2R}; values: docs/benchmarks", _fast),
        Preset("balanced", "a minute", f"{_R2R}, and a share of a Deep Image Prior", _balanced),
        Preset("best", "what minutes buy", f"{_R2R}, and a share of a Deep Image Prior", _best),
        Preset("paper", "the exact recipe", "Ulyanov, Vedaldi and Lempitsky, CVPR 2018: 1800 steps", _paper),
    )
}
