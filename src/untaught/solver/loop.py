"""The one loop of the library, as an iterator. Everything else only watches it."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from untaught.core.callers import own_settings
from untaught.core.errors import BadInput, UntaughtError, memory_told
from untaught.problem import Problem
from untaught.solver.course import Course
from untaught.solver.estimating import Estimating
from untaught.solver.fitting import Fitting
from untaught.solver.iterate import Iterate, Moment, RunState
from untaught.solver.memory import refuse
from untaught.solver.solution import Solution
from untaught.solver.stage import Estimate, Job, Method, Solve, Stage, default_method


class Run(Iterator[Iterate]):
    """for iterate in Run(job): ...; `solution` is the best so far, at any moment; pausing is not calling `next`."""

    @own_settings()
    @memory_told()
    def __init__(self, job: Job) -> None:
        if not job.stages:
            raise BadInput("This job has no stage: there is nothing to run.")
        refuse(job)
        self._job = _own(job)
        self._state = RunState(notes=list(job.notes))
        self._course = self._begun(0, start=None)

    def _begun(self, stage: int, start: Tensor | None) -> Course:
        """A stage from its start, after one that made `start`."""
        state, own = self._state, self._job.stages[stage]
        self._start = start
        state.stage, state.step, state.over = stage, 0, False
        problem = own.asked(self._job, start)
        match own:
            case Solve():
                return Fitting(own, problem, state)
            case Estimate():
                return Estimating(own, problem, state)

    @own_settings()
    @memory_told()
    def __next__(self) -> Iterate:
        if self._state.over:
            if self.last:
                raise StopIteration
            self._course = self._begun(self._state.stage + 1, start=self._course.shown())
        return self._course.advance()

    @property
    def job(self) -> Job:
        """With an operator of its own, where that is sought with the picture."""
        return self._job

    @property
    def course(self) -> Course:
        """The stage under way, to be looked at."""
        return self._course

    @property
    def stage(self) -> int:
        """The number of the stage under way, from 0."""
        return self._state.stage

    @property
    def step(self) -> int:
        """Of the stage."""
        return self._state.step

    @property
    def total(self) -> int:
        """Steps of all stages."""
        return self._state.total

    @property
    def seconds(self) -> float:
        """Of all steps."""
        return self._state.seconds

    @property
    def over(self) -> bool:
        """Whether the stage has ended."""
        return self._state.over

    @property
    def last(self) -> bool:
        """Whether no stage comes after this one."""
        return self._state.final or self._state.stage + 1 == len(self._job.stages)

    @property
    def complete(self) -> bool:
        """Whether the whole job is done."""
        return self.over and self.last

    @property
    def steps(self) -> int | None:
        """How many steps the stage will take, where that is known."""
        return self._course.outlook[1]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the run so far, in sentences."""
        return tuple(self._state.notes)

    @property
    def history(self) -> tuple[Moment, ...]:
        """A line for each step."""
        return tuple(self._state.history)

    def outlook(self) -> tuple[int | None, int | None]:
        """Steps of the whole run, those done included, at which it is expected to end, at the earliest and at the latest."""
        done = self.total - self.step
        later = [] if self.last else [stage.steps for stage in self._job.stages[self.stage + 1 :]]
        after = None if None in later else sum(s for s in later if s is not None)
        earliest, latest = self._course.outlook
        return (
            None if earliest is None else done + max(earliest, self.step) + (after or 0),
            None if latest is None or after is None else done + max(latest, self.step) + after,
        )

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on, as tensors and plain values; bit for bit on one CPU build."""
        state = {f.name: copy.copy(getattr(self._state, f.name)) for f in fields(RunState)}
        state["history"] = [m.__dict__.copy() for m in self._state.history]
        return {"run": state, "start": self._start, "course": self._course.state_dict()}

    @own_settings()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where a run of the same job was when it gave its `state_dict`."""
        run = {**state["run"], "history": [Moment(**m) for m in state["run"]["history"]]}
        self._course = self._begun(run["stage"], state["start"])
        for name, value in run.items():
            setattr(self._state, name, copy.copy(value))
        self._course.load_state_dict(state["course"])

    @property
    @own_settings(grad=False)
    @memory_told()
    def solution(self) -> Solution:
        """The best picture so far, at any moment; before the first step, that of the random start."""
        begun, course = time.perf_counter(), self._course
        x = course.shown()
        if not bool(torch.isfinite(x).all()):
            raise UntaughtError("The picture came out with values that are no numbers: try a smaller learning rate.")
        return Solution(
            x,
            course.best_step,
            self._state.reason if self.complete else f"the run was interrupted at step {self.step}",
            self.history,
            self.notes,
            self.seconds + time.perf_counter() - begun,
            self._answered(),
            finish=self._job.finish,
        )

    def _answered(self) -> Problem:
        """What the picture answers: the stage's problem, with the noise that was measured where the data are the job's own.

        A stage may fit by other errors, absolute ones beside a filter that knew the noise; the data are as noisy as they were.
        """
        asked, job = self._course.asked, self._job.problem
        known = job.likelihood.measured and asked.data is job.data
        return _still(replace(asked, likelihood=job.likelihood) if known else asked)


def _own(job: Job) -> Job:
    """The job with a copy of its operator, where that is sought with the picture: a job can be run again."""
    operator = job.problem.operator
    if not operator.sought:
        return job
    return replace(job, problem=replace(job.problem, operator=copy.deepcopy(operator)))


def _still(problem: Problem) -> Problem:
    """The problem with its operator as it is now, where that is sought on."""
    return replace(problem, operator=copy.deepcopy(problem.operator)) if problem.operator.sought else problem


@own_settings()
def solve(
    problem: Problem | Job, method: Method | None = None, *, watch: Iterable[Callable[[Iterate], None]] = ()
) -> Solution:
    """Exhaust a `Run` and return its solution; `watch` are functions that see every iterate.

    method None takes the paper's hourglass, narrow, which stops by itself (`Auto`).
    """
    run = Run(problem if isinstance(problem, Job) else Job((Solve(method or default_method()),), problem))
    for iterate in run:
        for look in watch:
            look(iterate)
    return run.solution


__all__ = [
    "Estimate",
    "Iterate",
    "Job",
    "Method",
    "Moment",
    "Run",
    "Solution",
    "Solve",
    "Stage",
    "default_method",
    "solve",
]
