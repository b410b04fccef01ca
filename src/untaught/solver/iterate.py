"""What a watcher and a rule see of a run: one step, its numbers, and the pictures as long as it is the newest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from untaught.core.callers import own_settings
from untaught.core.errors import Stale
from untaught.problem import Problem


@dataclass(frozen=True)
class Step:
    """What one step saw: the energy to descend, its data part alone, and the picture it made.

    energy: 0-d, with gradient. fit: 0-d, E alone, detached. x: detached, (members, c, *space), or None for crops.
    note: what a person should know of it, or None.
    """

    energy: Tensor
    fit: Tensor
    x: Tensor | None
    note: str | None = None


@dataclass(frozen=True)
class Verdict:
    """score: the rule's curve (None before it has one). best: this iterate is the best so far. stop: why the run ends, or None.

    progress: how far the run is, 0 to 1, or None where the rule cannot know; it drives schedules and remaining times.
    again: why the stage has to begin anew, from another random start, or None.
    repeat: the stage begins anew from the same start, on all its data, for so many steps, or None.
    """

    score: float | None = None
    best: bool = False
    stop: str | None = None
    progress: float | None = None
    again: str | None = None
    repeat: int | None = None


@dataclass(frozen=True)
class Moment:
    """A line of the history: plain numbers."""

    stage: int
    step: int
    energy: float
    score: float | None
    seconds: float


@dataclass
class RunState:
    """Where a run is, and what it has to say: written by the loop and its stages alone. final: no later stage is begun."""

    stage: int = 0
    step: int = 0
    total: int = 0
    over: bool = False
    final: bool = False
    seconds: float = 0.0
    reason: str = "the run was interrupted before its first step"
    notes: list[str] = field(default_factory=list)
    history: list[Moment] = field(default_factory=list)


class Looked(Protocol):
    """A stage under way, as far as an iterate looks into it; looking changes nothing."""

    @property
    def state(self) -> RunState: ...

    @property
    def problem(self) -> Problem:
        """What the stage sees: without what a rule has held out."""

    @property
    def all_data(self) -> Tensor:
        """All the data, also what is held out."""

    def picture(self) -> Tensor: ...

    def render(self, passes: int | None = None, *, quick: bool = False) -> Tensor: ...


class Iterate:
    """One step of a run. Its numbers stay; its pictures exist only until the next step (`Stale`)."""

    def __init__(self, course: Looked, step: Step) -> None:
        self._course, self._step = course, step
        state = course.state
        self.stage, self.step, self.seconds = state.stage, state.step, state.seconds
        self.verdict = Verdict()

    @property
    def energy(self) -> float:
        """What the step descended: E + R."""
        return float(self._step.energy)

    @property
    def fit(self) -> float:
        """E alone, without R."""
        return float(self._step.fit)

    @property
    def x(self) -> Tensor | None:
        """The picture that the step itself made, (members, c, *space); None where it saw only crops."""
        return self._step.x

    @property
    def moment(self) -> Moment:
        """The step as a line of the history."""
        return Moment(self.stage, self.step, self.energy, self.verdict.score, self.seconds)

    @own_settings(grad=False)
    def picture(self) -> Tensor:
        """The picture now, without any average, (1, c, *space); looking draws from a generator of its own."""
        return self._fresh().picture()

    @own_settings(grad=False)
    def average(self) -> Tensor:
        """The averaged picture now: what the run would return."""
        return self._fresh().render(1)

    @own_settings(grad=False)
    def preview(self) -> Tensor:
        """The averaged picture without a last pass that would cost seconds: for the eye."""
        return self._fresh().render(1, quick=True)

    @own_settings(grad=False)
    def prediction(self) -> Tensor:
        """A x of the averaged picture: what it says that the data should be."""
        return self._fresh().problem.operator(self.average())

    @own_settings(grad=False)
    def held(self, weight: Tensor) -> float:
        """The energy of the averaged picture on the measurements of that weight."""
        course = self._fresh()
        return float(course.problem.likelihood.energy(self.prediction(), course.all_data, weight))

    def _fresh(self) -> Looked:
        now = self._course.state
        if (now.stage, now.step) != (self.stage, self.step):
            raise Stale(
                f"This is step {self.step}, but the run has gone on to step {now.step}: "
                "ask for the picture while the step is the newest one."
            )
        return self._course
