"""The values around the loop: how x is sought or estimated, stage by stage, and what a task makes of its arguments. All frozen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

from torch import Tensor

from untaught.classical import Estimator
from untaught.core.callers import own_settings
from untaught.core.errors import BadInput
from untaught.prior import Network, Prior
from untaught.problem import Problem
from untaught.solver.averaging import Average, ExponentialPictures
from untaught.solver.objectives._base import Objective
from untaught.solver.objectives.fit import Fit
from untaught.solver.optimisers import Adam, Optimiser
from untaught.solver.result import AsIs, Result
from untaught.solver.stopping import After, Auto, Rule, rule


@dataclass(frozen=True)
class Method:
    """How x is sought. passes: how many draws the final picture is the mean of (fed objectives). stop: a rule, or how one is
    written: "variance:patience=500|after:3000"."""

    prior: Prior
    objective: Objective = Fit()
    optimiser: Optimiser = Adam()
    average: Average = ExponentialPictures()
    stop: Rule = After(2000)
    passes: int = 1
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if isinstance(self.stop, str):
            object.__setattr__(self, "stop", rule(self.stop))

    @property
    def overfits(self) -> bool:
        """Whether a network is fitted to all of the data, so that the best picture comes before the end."""
        return self.objective.overfits and self.prior.learns

    @property
    def draws(self) -> bool:
        """Whether other seeds give other pictures; rules that draw are not thought of."""
        return self.objective.draws or self.prior.draws or self.optimiser.draws


@dataclass(frozen=True, kw_only=True)
class _Stage:
    """problem: None is the job's own, with the last stage's picture as its `start`. onward: the data are that picture itself, every
    value of which counts, as where holes are filled first and then the grain is removed."""

    problem: Problem | None = None
    onward: bool = False

    def asked(self, job: Job, start: Tensor | None) -> Problem:
        """What this stage of the job is asked, after one that made `start`."""
        problem = self.problem or job.problem
        if start is None:
            return problem
        if self.onward:
            return replace(problem, data=start, weight=None, start=None)
        return replace(problem, start=start)


@dataclass(frozen=True)
class Solve(_Stage):
    """A stage that descends an energy."""

    method: Method

    @property
    def device(self) -> str:
        return self.method.device

    @property
    def draws(self) -> bool:
        return self.method.draws

    @property
    def weighs(self) -> bool:
        """Whether measurements may have weights of their own, 0 among them."""
        return self.method.objective.weighs

    @property
    def members(self) -> int:
        """How many independent pictures are sought at once."""
        return self.method.prior.members

    @property
    def beside(self) -> bool:
        """Whether its picture is that of the stage before with a share of its own."""
        return self.method.objective.beside

    @property
    def network(self) -> Network | None:
        """What is sought: the recipe of a network, or None for the pixels themselves."""
        return self.method.prior.network

    @property
    def passes(self) -> int:
        return self.method.passes

    @property
    def whole(self) -> bool:
        """Whether a step is of the whole picture."""
        return self.method.objective.whole

    @property
    def pool(self) -> int:
        """How many inputs are prepared once and used again."""
        return self.method.objective.pool

    @property
    def window(self) -> int | None:
        """The longest side of what is prepared at once; None where that is the whole picture."""
        return self.method.objective.window

    @property
    def items(self) -> int:
        """How many are prepared, one by one, of those that are."""
        return self.method.objective.items

    @property
    def timed(self) -> Any:
        """What of it decides how long a step takes."""
        return replace(self.method, stop=After(1), seed=0)

    def pooled(self, count: int) -> Self:
        """The same with so many of them, where there are any."""
        return self.changed(objective=self.method.objective.pooled(count))

    @property
    def steps(self) -> int | None:
        """How many it takes at most; None where its rule does not know."""
        return self.method.stop.outlook({})[1]

    @property
    def fixed(self) -> int | None:
        """The number of steps, where nothing but that ends it."""
        return self.method.stop.fixed

    def excerpt(self, problem: Problem) -> tuple[Problem, float] | None:
        return self.method.objective.excerpt(problem)

    def changed(self, **method: Any) -> Self:
        """The same with other values in its method."""
        return replace(self, method=replace(self.method, **method))

    def seeded(self, seed: int) -> Self:
        return self.changed(seed=seed)

    def on(self, device: str) -> Self:
        return self.changed(device=device)


@dataclass(frozen=True)
class Estimate(_Stage):
    """A stage without a network: what an estimator makes of the problem."""

    estimator: Estimator
    device: str = "cpu"

    draws, beside, whole, pool, passes, members, window, items = False, False, True, 0, 1, 1, None, 0

    @property
    def timed(self) -> Any:
        return self.estimator

    @property
    def weighs(self) -> bool:
        return self.estimator.weighs

    def pooled(self, count: int) -> Self:
        return self

    @property
    def steps(self) -> int:
        return self.estimator.steps

    @property
    def fixed(self) -> int:
        return self.estimator.steps

    def excerpt(self, problem: Problem) -> tuple[Problem, float] | None:
        return self.estimator.excerpt(problem)

    def seeded(self, seed: int) -> Self:
        return self

    def on(self, device: str) -> Self:
        return replace(self, device=device)


Stage = Solve | Estimate


@dataclass(frozen=True)
class Job:
    """What a task makes of its arguments: frozen, and it pickles.

    finish: what becomes of the picture. notes: what was applied silently (an estimate, a conversion).
    Raises `BadInput` for data of several pictures.
    """

    stages: tuple[Stage, ...]
    problem: Problem
    finish: Result = AsIs()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.problem.image_shape[0] > 1:
            raise BadInput(
                f"The data are of {self.problem.image_shape[0]} pictures, and a job restores one: make a "
                "job of each, or channels of them."
            )

    @property
    def draws(self) -> bool:
        """Whether runs with other seeds give other pictures."""
        return any(stage.draws for stage in self.stages)

    @property
    def seed(self) -> int:
        """Of the first stage that draws numbers; 0 where none does."""
        return next((stage.method.seed for stage in self.stages if isinstance(stage, Solve)), 0)

    def seeded(self, seed: int) -> Job:
        """The same with another seed in every stage."""
        return replace(self, stages=tuple(stage.seeded(seed) for stage in self.stages))

    @own_settings(grad=False)
    def result(self, x: Tensor) -> Any:
        """The picture x of the problem, (1, c, *space), as the caller gets it."""
        return self.finish(x)

    @own_settings(grad=False)
    def remarks(self, x: Tensor) -> tuple[str, ...]:
        """What `result` does to the picture that a person should know (values that are clipped), in sentences."""
        return self.finish.remarks(x)


def default_method() -> Method:
    """For general reconstruction: a narrow hourglass that stops by itself."""
    from untaught.prior import Network
    from untaught.prior.codes import Noise
    from untaught.prior.networks.hourglass import Hourglass

    net = Hourglass(down=(32,) * 4, up=(32,) * 4, skip=(4,) * 4)
    return Method(Network(net, Noise(16), jitter=1 / 30), stop=Auto() | After(3000))
