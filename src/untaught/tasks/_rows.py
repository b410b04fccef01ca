"""The rows that tasks share: how a picture is sought, as values with their source. A task's table says which of them is taken.

Two families. One is fed: a small network learns on what the data themselves show (`taught`). The other is fitted, as in the
Deep Image Prior (`Fitted`): the whole picture from a fixed code; a share of it may improve what a fed network found (`Beside`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import Literal, cast

from untaught.classical import Estimator
from untaught.prior import Architecture, Ensemble, Network, Pixels
from untaught.prior.codes import Code, Fed, Noise, Start
from untaught.prior.networks.compact import Compact
from untaught.prior.networks.hourglass import Hourglass
from untaught.problem.operators.jpeg import BlockDCT
from untaught.solver.averaging import Average, ExponentialPictures, ExponentialWeights, Last
from untaught.solver.objectives import Objective
from untaught.solver.objectives.bootstrap import Bootstrap, Teacher
from untaught.solver.objectives.fit import Fit
from untaught.solver.optimisers import Adam
from untaught.solver.stage import Estimate, Method, Solve, Stage
from untaught.solver.stopping import After, Rule
from untaught.tasks._presets import Facts, Row

CLASSIC = "{preset} is a classic filter, no network"
ALONE = "with a number of steps given, {preset} is the fed network alone, without the generator beside it"
FILTER_ALONE = "with a number of steps given, {preset} is the classic filter alone, without the generator beside it"
"""A few steps of a generator make no picture."""
DIP = "Ulyanov, Vedaldi and Lempitsky, CVPR 2018"
PIXELS = 768 * 768
"""Of the largest picture that gets a generator beside: its steps cost as much as there are pixels."""


@dataclass(frozen=True)
class Classic(Row):
    """An estimate without a network."""

    estimator: Estimator
    source: str = field(repr=False)
    note: str = field(default=CLASSIC, repr=False)

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        return (Estimate(self.estimator),)


@dataclass(frozen=True)
class Fitted(Row):
    """A network that is fitted to the data from a fixed code; with the defaults, the paper's for noise. members: so many are begun
    anew and averaged. until: what may end it before its steps."""

    net: Architecture = Hourglass()
    steps: int = 1800
    code: Code = Noise()
    lr: float = 0.01
    schedule: Literal["constant", "one-cycle"] = "constant"
    jitter: float = 0.0
    average: Average = ExponentialPictures(0.99)
    objective: Objective = Fit()
    members: int = 1
    until: Rule | None = None
    source: str = field(default=DIP, repr=False)

    def stages(self, facts: Facts) -> tuple[Solve, ...]:
        prior = Network(self.net, self.code, jitter=self.jitter, output="sigmoid" if facts.pictures else "linear")
        sought = Ensemble(prior, self.members) if self.members > 1 else prior
        stop: Rule = After(facts.steps or self.steps)
        stop = stop | self.until if self.until else stop
        return (Solve(Method(sought, self.objective, Adam(self.lr, self.schedule), self.average, stop)),)


@dataclass(frozen=True)
class Bare(Row):
    """No network: the values themselves are sought."""

    steps: int
    lr: float = 0.01
    source: str = field(default="the paper's baseline without a prior", repr=False)

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        stop = After(facts.steps or self.steps)
        return (Solve(Method(Pixels(), optimiser=Adam(self.lr), average=Last(), stop=stop)),)


@dataclass(frozen=True)
class Beside(Row):
    """A generator beside what was found: it errs elsewhere, so that a share of it improves the picture (docs/benchmarks).

    Its code is the picture of the stage before, which is the result until it is over. Its own error hardly depends on what is
    wrong with the data, that of a fed network grows with it, and so does the share: `slope` times the level, `most` at most.
    measured: it goes by how near to the data the generator has come instead: with little noise it has not found the detail yet.
    """

    row: Fitted
    slope: float = 3.0
    most: float = 0.5
    measured: bool = False
    jitter: float = 0.1
    source: str = field(default=f"a share of a Deep Image Prior ({DIP}); values: docs/benchmarks", repr=False)

    def stages(self, facts: Facts) -> tuple[Solve, ...]:
        share = self.most if self.measured else min(self.most, self.slope * level(facts))
        return replace(self.row, code=Start(), jitter=self.jitter, objective=Fit(share, self.measured)).stages(facts)


# Sixteen channels, few passes over them and a rate that falls: as good as one of 16 to 128 in a quarter of its time.
_SIXTEEN = Hourglass((16,) * 5, skip=8, upsample="nearest", padding="zero")
NARROW = Beside(Fitted(_SIXTEEN, 280, lr=0.02, schedule="one-cycle", average=ExponentialPictures(0.97)))


def level(facts: Facts) -> float:
    """How far the data are off: the deviation of the noise, or that of the brightness as a JPEG's tables let it be guessed."""
    operator = facts.problem.operator
    return float(operator.deviations[0]) if isinstance(operator, BlockDCT) else facts.sigma


def generates(facts: Facts) -> bool:
    """Whether a picture is small enough for a generator beside."""
    return len(facts.space) == 2 and prod(facts.space) <= PIXELS


def taught(
    facts: Facts,
    net: Compact,
    objective: Objective,
    steps: int,
    lr: float,
    *,
    residual: float,
    passes: int = 8,
    inputs: int = 2,
) -> Solve:
    """A compact network that is fed with so many pictures at once, the last of them an estimate that it corrects."""
    prior = Network(net, Fed(inputs * facts.channels), output="linear", residual=residual)
    adam, stop = Adam(lr, "one-cycle", (0.9, 0.99)), After(facts.steps or steps)
    return Solve(Method(prior, objective, adam, ExponentialWeights(0.99), stop, passes=passes))


@dataclass(frozen=True)
class Bootstrapped(Row):
    """The classic estimate, and a network that learns on it what the estimate does wrong.

    residual: the size of what it corrects; None for the level of the damage. quick: what estimates the many pictures that it
    learns on; None for the classic itself. share: how much of its correction is taken.
    """

    classic: Row
    steps: int
    widths: tuple[int, ...]
    pool: int
    window: int = 512
    residual: float | None = None
    quick: Teacher | None = None
    share: float = 1.0
    source: str = field(default="", repr=False)

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        (first,) = self.classic.stages(replace(facts, steps=None))
        assert isinstance(first, Estimate)
        teacher = self.quick or cast(Teacher, first.estimator)
        objective = Bootstrap(teacher, pool=self.pool, window=self.window, share=self.share)
        residual = level(facts) if self.residual is None else self.residual
        return first, taught(facts, Compact(self.widths), objective, self.steps, 2e-3, residual=residual)
