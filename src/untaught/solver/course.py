"""One stage of a run, under way: what the loop asks of it, whether it descends an energy or an estimator iterates."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor

from untaught.problem import Problem
from untaught.solver.iterate import Iterate, RunState

EVERY = 10  # steps between two lines of the history, and between two looks of the guard


class Course(ABC):
    """Steps change it, looks do not. problem: what it sees. asked: what it answers. all_data: what was measured, held out or not.
    model: what has parameters."""

    problem: Problem
    asked: Problem
    model: Any

    def __init__(self, state: RunState) -> None:
        self.state = state

    @property
    def all_data(self) -> Tensor:
        return self.asked.data

    def advance(self) -> Iterate:
        """One step, counted and timed."""
        self.renew()
        begun, state = time.perf_counter(), self.state
        state.step += 1
        state.total += 1
        iterate = self.take()
        state.seconds += time.perf_counter() - begun
        iterate.seconds = state.seconds
        stop = iterate.verdict.stop
        if stop or state.step % EVERY == 0:
            state.history.append(iterate.moment)
        if stop:
            state.over, state.reason = True, stop
        return iterate

    def renew(self) -> None:
        """Before a step: begin anew where the last verdict said so."""

    @abstractmethod
    def take(self) -> Iterate:
        """The step itself, with its verdict."""

    @abstractmethod
    def picture(self) -> Tensor:
        """The picture now, without any average, (1, c, *space)."""

    @abstractmethod
    def render(self, passes: int | None = None, *, quick: bool = False) -> Tensor:
        """The averaged picture now: the mean of so many draws, which depend on the seed alone; None: of as many as in the end.
        quick: without a last pass that costs seconds."""

    @abstractmethod
    def shown(self) -> Tensor:
        """What the stage gives, were it to end now."""

    @property
    @abstractmethod
    def best_step(self) -> int:
        """The step of the picture that is shown."""

    @property
    @abstractmethod
    def outlook(self) -> tuple[int | None, int | None]:
        """The step at which it is expected to end, at the earliest and at the latest; None where nobody knows."""

    @property
    @abstractmethod
    def parameters(self) -> int:
        """How many numbers are sought."""

    def variance(self) -> Tensor | None:
        """Of the picture, (1, c, *space), over samples that the stage has of it; None where there are none."""
        return None

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on, besides what the stage was begun with."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None: ...
