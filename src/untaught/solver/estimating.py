"""A stage without a network, under way: one picture of its estimator a step."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from untaught.classical import Estimated
from untaught.core.allocator import give_back
from untaught.problem import Problem
from untaught.solver.course import Course
from untaught.solver.iterate import Iterate, RunState, Step, Verdict
from untaught.solver.stage import Estimate


class Estimating(Course):
    """Nothing is drawn at random, so that a run that goes on makes the pictures again that it had made."""

    def __init__(self, stage: Estimate, problem: Problem, state: RunState) -> None:
        super().__init__(state)
        self.estimator = stage.estimator
        self.problem = self.asked = problem.to(stage.device)
        self.estimator.check(self.problem)
        self._found = copy.deepcopy(problem.operator.found)  # an operator may be sought by the iterates
        self.model = nn.Identity()
        self._pictures: Iterator[Estimated] = iter(())
        self._x: Tensor | None = None

    def take(self) -> Iterate:
        picture = self._next()
        self.state.notes += [picture.note] if picture.note else []
        self.state.final = picture.final
        give_back(picture.x.numel())
        with torch.no_grad():
            fit = self.problem.energy(picture.x).detach()
        iterate = Iterate(self, Step(fit, fit, picture.x))
        steps, step = self.estimator.steps, self.state.step
        stop = None
        if step >= steps:
            stop = "the estimate is made" if steps == 1 else f"all {steps} rounds of the estimate are made"
        iterate.verdict = Verdict(progress=min(1.0, step / steps), stop=stop)
        return iterate

    def _next(self) -> Estimated:
        with torch.no_grad():
            picture = next(self._pictures, None)
            if picture is None:  # the first, or one step more than there are: it begins anew
                self._pictures = self.estimator.iterates(self.problem)
                picture = next(self._pictures)
        self._x = picture.x
        return picture

    def picture(self) -> Tensor:
        """The newest; before the first, the estimator's own."""
        return self._first() if self._x is None else self._x

    def _first(self) -> Tensor:
        problem = replace(self.problem, operator=copy.deepcopy(self.problem.operator))
        with torch.no_grad():
            return next(self.estimator.iterates(problem)).x

    def render(self, passes: int | None = None, *, quick: bool = False) -> Tensor:
        return self.picture()

    def shown(self) -> Tensor:
        return self.picture()

    def variance(self) -> Tensor | None:
        with torch.no_grad():
            return self.estimator.variance(self.problem) if self.state.over else None

    def answer(self, problem: Problem) -> Tensor:
        """The picture that it makes of another problem."""
        return self.estimator.estimate(problem)

    @property
    def best_step(self) -> int:
        return self.state.step

    @property
    def outlook(self) -> tuple[int | None, int | None]:
        return self.estimator.steps, self.estimator.steps

    @property
    def parameters(self) -> int:
        return sum(p.numel() for p in self.problem.operator.parameters() if p.requires_grad)

    def state_dict(self) -> dict[str, Any]:
        return {"operator": copy.deepcopy(self._found)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._found = copy.deepcopy(state["operator"])
        if self._found:
            self.problem.operator.load_state_dict(self._found)
        self._pictures, self._x = iter(()), None
        for _ in range(self.state.step):
            self._next()
