"""How a picture is fitted with another one as the code: what the guide shows is easy to say, what it does not show, hard."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from untaught.classical.fission import CrossChecked, fission
from untaught.classical.guided import GuidedFilter
from untaught.core.randomness import Rng
from untaught.prior import Ensemble, Network, Prior
from untaught.prior.codes import Picture
from untaught.prior.networks.hourglass import Hourglass
from untaught.solver.averaging import ExponentialPictures, Last
from untaught.solver.objectives.fit import Fit
from untaught.solver.optimisers import Adam
from untaught.solver.stage import Estimate, Method, Solve, Stage
from untaught.solver.stopping import After, StuckChannel, Validated
from untaught.tasks._presets import ALWAYS, Facts, Presets, Row, way
from untaught.tasks._rows import DIP, Fitted
from untaught.tasks.denoise.presets import PRESETS as DENOISED

if TYPE_CHECKING:
    from torch import Tensor

NARROW = Hourglass((16, 16, 32, 32, 32), upsample="nearest")


def _jitter(guide: Tensor) -> float:
    """For the code that shows the guide: one of a single value is jittered, or gradients overflow."""
    return 1 / 30 if float(guide.max() - guide.min()) < 1e-6 else 0.0


@dataclass(frozen=True)
class FromGuide(Row):
    """The paper's: a network with the guide as its code."""

    row: Fitted
    source: str = field(repr=False)

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        guide = facts.guide
        assert guide is not None
        return replace(self.row, code=Picture(guide), jitter=_jitter(guide), until=StuckChannel()).stages(facts)


@dataclass(frozen=True)
class Guided(Row):
    """A network corrects a local linear fit of the dark photo on the guide, and is blended into the photo as `denoise` has it where
    noisy data that neither has seen say that it is nearer: a guide of another scene, or of another light, spoils nothing.
    """

    members: int = 1
    steps: int = 150
    patience: int = 60
    source: str = field(
        default=f"the guided filter (He et al. 2013), a Deep Image Prior ({DIP}), data fission (2023); values: docs/benchmarks",
        repr=False,
    )

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        guide, problem = facts.guide, facts.problem
        assert guide is not None
        seen, other = fission(problem, Rng(facts.seed, problem.data.device))
        prior: Prior = Network(NARROW, Picture(guide, start=True), _jitter(guide), "linear", residual=0.1)
        prior = Ensemble(prior, self.members) if self.members > 1 else prior
        stop = After(facts.steps or self.steps) | Validated(other=other, patience=self.patience)
        fitted = Solve(Method(prior, Fit(), Adam(0.01), ExponentialPictures(0.95), stop), problem=seen)
        (alone,) = DENOISED.way("instant", facts).plan("instant", facts).stages
        assert isinstance(alone, Estimate)
        return Estimate(GuidedFilter(guide), problem=seen), fitted, Estimate(CrossChecked(alone.estimator, facts.seed))


_NET = Hourglass(upsample=("nearest", "nearest", "bilinear", "bilinear", "bilinear"))
PAPER = FromGuide(
    Fitted(_NET, 601, lr=0.1, average=Last()), "Ulyanov et al., IJCV 2020, and the authors' code: 601 steps"
)


PRESETS = Presets(
    {"fast": "a narrow network", "best": "the mean of four of them", "paper": "the exact recipe"},
    way(ALWAYS, fast=Guided(), best=Guided(members=4), paper=PAPER),
)
