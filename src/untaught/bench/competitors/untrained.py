"""What others do with an untrained network, as compositions inside our own engine: their network, code, objective, rates.

Each is a method on the same problem; where a paper leaves a figure open, the docstring of the function says what was taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from untaught.prior import Network
from untaught.prior.codes import Fed, Noise
from untaught.prior.networks.decoder import Decoder
from untaught.prior.networks.frozen import Frozen
from untaught.prior.networks.hourglass import Hourglass
from untaught.prior.networks.plain import Plain
from untaught.problem import Problem
from untaught.problem.regularisers import TV
from untaught.solver.averaging import ExponentialPictures, Last
from untaught.solver.objectives.neighbours import Neighbours
from untaught.solver.optimisers import Adam
from untaught.solver.stage import Job, Method, Solve
from untaught.solver.stopping import After
from untaught.tasks._presets import Facts


@dataclass(frozen=True)
class Alternative:
    """name, source, and the method for given facts; tasks: where it applies. regulariser: what it asks of the picture besides."""

    name: str
    source: str
    method: Callable[[Facts], Method]
    tasks: tuple[str, ...] | None = None
    regulariser: Callable[[Problem], Problem] = lambda problem: problem

    def job(self, like: Job, facts: Facts) -> Job:
        """The job `like`, sought by this method instead."""
        method = replace(self.method(facts), seed=facts.seed, device=facts.device)
        return replace(like, stages=(Solve(method, problem=self.regulariser(like.problem)),), notes=())


def _output(facts: Facts) -> str:
    return "sigmoid" if facts.pictures else "linear"


def _decoder(facts: Facts) -> Method:
    """Width 64, the size that denoised best per step in the authors' own notebook; five levels, or as many as fit."""
    net = Decoder(64, levels=5)
    prior = Network(net, Noise(64), output=_output(facts))  # type: ignore[arg-type]
    return Method(prior, optimiser=Adam(0.01), average=ExponentialPictures(0.99), stop=After(facts.steps or 5000))


def _projector(facts: Facts) -> Method:
    """One scale of 64 channels, random kernels kept, code and normalisations sought at rate 0.1."""
    prior = Network(Frozen(Hourglass((64,), skip=4)), Noise(64, learn=True), output=_output(facts))  # type: ignore[arg-type]
    return Method(prior, optimiser=Adam(0.1), average=Last(), stop=After(facts.steps or 5000))


def _with_tv(problem: Problem) -> Problem:
    """The paper weighs TV by 0.45 against the root of the mean square r^2: where that is sigma, as 0.45 / sigma against
    r^2 / (2 sigma^2)."""
    sigma = problem.likelihood.sigma
    return replace(problem, regulariser=0.45 / sigma * TV()) if isinstance(sigma, float) else problem


def _neighbours(facts: Facts) -> Method:
    """Two 3x3 convolutions of 48 channels on halves of the picture; rate 0.001, constant here, halved each 1000 steps there."""
    prior = Network(Plain(), Fed(facts.channels), output="linear", residual=1.0)
    return Method(prior, Neighbours(), Adam(0.001), Last(), After(facts.steps or 2000))


def _narrow(facts: Facts) -> Method:
    """The paper's hourglass at a quarter of its width."""
    prior = Network(Hourglass((32,) * 5), Noise(32), jitter=1 / 30, output=_output(facts))  # type: ignore[arg-type]
    return Method(prior, optimiser=Adam(0.01), average=ExponentialPictures(0.99), stop=After(facts.steps or 3000))


ALTERNATIVES = {
    a.name: a
    for a in (
        Alternative("zs-n2n", "Mansour and Heckel, CVPR 2023", _neighbours, ("denoise",)),
        Alternative("deep-decoder", "Heckel and Hand, ICLR 2019", _decoder),
        Alternative("random-projector", "Li et al., CVPR 2023", _projector, ("denoise",), _with_tv),
        Alternative("narrow-dip", "Ulyanov et al., CVPR 2018, width 32", _narrow),
    )
}
