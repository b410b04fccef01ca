"""The one loop of the library, as an iterator. Everything else only watches it."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from untaught.core.callers import own_settings
from untaught.core.errors import BadInput, Stale, UntaughtError, memory_told
from untaught.core.randomness import Rng
from untaught.problem import Problem
from untaught.solver.job import Job, Method, Moment, Solution, Stage, default_method
from untaught.solver.need import refuse
from untaught.solver.objectives._base import Step
from untaught.solver.stopping import After, Rule, Verdict


class Iterate:
    """One step of a run. Its numbers stay; its pictures exist only until the next step (`Stale`)."""

    def __init__(self, run: Run, step: Step) -> None:
        self._run, self._step = run, step
        self.stage, self.step, self.seconds = run.stage, run.step, run.seconds
        self.verdict = Verdict()

    @property
    def energy(self) -> float:
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
        return Moment(self.stage, self.step, self.energy, self.verdict.score, self.seconds)

    @own_settings(grad=False)
    def picture(self) -> Tensor:
        """The network's picture now, (1, c, *space); looking draws from a generator of its own and changes nothing."""
        run = self._fresh()
        return run.objective.picture(run.model, run.problem, run.rng)

    @own_settings(grad=False)
    def average(self) -> Tensor:
        """The averaged picture now: what the run would return."""
        return self._fresh().render(passes=1)

    @own_settings(grad=False)
    def prediction(self) -> Tensor:
        """A x of the averaged picture: what it says that the data should be."""
        return self._fresh().problem.operator(self.average())

    @own_settings(grad=False)
    def held(self, weight: Tensor) -> float:
        """The energy of the averaged picture on the measurements of that weight."""
        run = self._fresh()
        return float(run.problem.likelihood.energy(self.prediction(), run.full_data, weight))

    def _fresh(self) -> Run:
        if (self._run.stage, self._run.step) != (self.stage, self.step):
            raise Stale(
                f"This is step {self.step}, but the run has gone on to step {self._run.step}: "
                "ask for the picture while the step is the newest one."
            )
        return self._run


class Run(Iterator[Iterate]):
    """for iterate in Run(job): ...; `solution` is the best so far, at any moment; pausing is not calling `next`."""

    guard_every = 10
    most_attempts = 5

    @own_settings()
    @memory_told()
    def __init__(self, job: Job) -> None:
        if not job.stages:
            raise BadInput("This job has no stage: there is nothing to run.")
        refuse(job)
        self.job = job = _own(job)
        self.notes: list[str] = list(job.notes)
        self.history: list[Moment] = []
        self.reason = "the run was interrupted before its first step"
        self.seconds = 0.0
        self.stage = -1
        self.total = 0
        self._begin(0, start=None)

    def _begin(self, stage: int, start: Tensor | None, attempt: int = 0, repeat: int = 0) -> None:
        """A stage from its start; the attempt-th, and, where `repeat` is not 0, for so many steps on all its data."""
        self.stage, self.step, self.over, self.attempt, self.repeat = stage, 0, False, attempt, repeat
        own = self.job.stages[stage]
        self.method = m = replace(own.method, stop=After(repeat)) if repeat else own.method
        problem = (own.problem or self.job.problem).to(m.device)
        if start is not None:
            problem = replace(problem, start=start)
        self.rng = Rng(m.seed + 1_000_003 * stage + 104_729 * attempt, m.device)
        self.full_data, self.asked = problem.data, problem
        self.problem, self.rule = m.stop.bind(problem, self.rng, m.objective)
        self.notes += [remark for remark in self.rule.remarks if remark not in self.notes]
        self.objective = m.objective.bind(self.problem, m.prior)
        if (self.rule.needs or m.average.needs_pictures) and not self.objective.whole:
            raise BadInput(
                f"{type(self.objective).__name__} sees only crops, but {m.stop} with {m.average} needs whole pictures: "
                "use After(steps) with ExponentialWeights()."
            )
        self.model = m.prior.build(self.problem.image_shape, self.problem, self.rng)
        self.optimiser = m.optimiser.build(_groups(self.model, self.problem.operator))
        self.verdict = Verdict(progress=0.0)
        self.cut = 0.5**attempt
        self.average_state: dict[str, Tensor] = {}
        self.rule_state = self.rule.init()
        self.best: dict[str, Tensor] | None = None
        self.best_step = 0
        self.found: Tensor | None = None
        self.recent: list[Tensor] = []
        self.last_fit: float | None = None
        self.falls = 0
        self.good = self._changing()

    @own_settings()
    @memory_told()
    def __next__(self) -> Iterate:
        if self.verdict.again and self.attempt + 1 < self.most_attempts:
            self._begin(self.stage, self.problem.start, self.attempt + 1)
        if self.verdict.repeat:
            found = self._render(self._shown, self.method.passes)
            self._begin(self.stage, self.problem.start, self.attempt, self.verdict.repeat)
            self.found = found
        if self.over:
            if self.stage + 1 == len(self.job.stages):
                raise StopIteration
            self._begin(self.stage + 1, start=self._render(self._shown, self.method.passes))
            if self.objective.beside:
                self.found = self.problem.start
        begun = time.perf_counter()
        self.step += 1
        self.total += 1
        for group in self.optimiser.param_groups:
            rate = self.cut * self.method.optimiser.rate(self.verdict.progress) * group.get("rate", 1.0)
            group["lr"] = self.method.optimiser.lr * rate
        step: list[Step] = []

        def closure() -> Tensor:
            self.optimiser.zero_grad(set_to_none=True)
            step[:] = [self.objective.step(self.model, self.problem, self.rng)]
            step[0].energy.backward()
            return step[0].energy

        self.optimiser.step(closure)  # type: ignore[arg-type]
        seen = replace(step[0], energy=step[0].energy.detach())
        self.notes += [seen.note] if seen.note else []
        self.average_state = self.method.average.update(self.average_state, seen.x, self.model)
        iterate = Iterate(self, seen)
        self.rule_state, self.verdict = self.rule.step(self.rule_state, iterate)
        iterate.verdict = self.verdict
        if self.verdict.again:
            last = self.attempt + 1 == self.most_attempts
            remedy = (
                "it is left at that: try another seed" if last else "the run began anew, with half the learning rate"
            )
            self.notes.append(f"At step {self.step} {self.verdict.again}: {remedy}.")
        if self.verdict.best:
            self.best, self.best_step = self.method.average.freeze(self.average_state, self.model), self.step
        self._guard(seen.fit)
        if self.verdict.stop and (steps := self.rule.repeat(self.rule_state)):
            self.notes.append(
                f"At step {self.step} {self.verdict.stop}: the stage was done again for {steps} steps, on all measurements."
            )
            self.verdict = iterate.verdict = replace(self.verdict, stop=None, repeat=steps)
        self.seconds += time.perf_counter() - begun
        iterate.seconds = self.seconds
        if self.verdict.stop or self.step % self.guard_every == 0:
            self.history.append(iterate.moment)
        if self.verdict.stop:
            self.over, self.reason = True, self.verdict.stop
        return iterate

    def _guard(self, fit: Tensor) -> None:
        """Go back when the run diverges: the fit is no number, or has fallen by more than 5 dB since the last look.

        Weights, buffers, the optimiser's moments, the average and the rule's memory all go back, and the rate is halved.
        """
        self.recent.append(fit)
        if self.step % self.guard_every:
            return
        now = float(torch.stack(self.recent).mean())
        self.recent = []
        fallen = 10 * math.log10(now / self.last_fit) if self.last_fit and self.last_fit > 0 and now > 0 else 0.0
        if math.isfinite(now) and fallen <= 5:
            self.last_fit, self.good = now, self._changing()
            return
        self.falls += 1
        back = self.good["step"]
        self._restore(self.good)
        self.cut /= 2
        why = f"the fit fell by {fallen:.1f} dB" if math.isfinite(now) else "the energy was no longer a number"
        self.notes.append(
            f"At step {self.step} {why}: everything went back to step {back}, and the learning rate was halved."
        )
        if self.falls >= 10:
            self.verdict = Verdict(
                stop="the run diverged ten times, and this is the picture from before the last time; "
                "try a smaller learning rate"
            )

    def _changing(self) -> dict[str, Any]:
        """A copy of everything that a bad step can spoil."""
        return copy.deepcopy(
            {
                "step": self.step,
                "model": self.model.state_dict(),
                "operator": self.problem.operator.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "average": self.average_state,
                "rule": self.rule_state,
            }
        )

    def _restore(self, state: dict[str, Any]) -> None:
        state = copy.deepcopy(state)
        self.model.load_state_dict(state["model"])
        self.problem.operator.load_state_dict(state["operator"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average_state, self.rule_state = state["average"], state["rule"]

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on, as tensors and plain values; bit for bit on one CPU build."""
        return {
            **self._changing(),
            "stage": self.stage,
            "attempt": self.attempt,
            "repeat": self.repeat,
            "found": self.found,
            "total": self.total,
            "over": self.over,
            "seconds": self.seconds,
            "start": self.problem.start,
            "rng": self.rng.stream.get_state(),
            "cut": self.cut,
            "falls": self.falls,
            "best": copy.deepcopy(self.best),
            "best_step": self.best_step,
            "recent": [t.clone() for t in self.recent],
            "last_fit": self.last_fit,
            "good": copy.deepcopy(self.good),
            "verdict": self.verdict.__dict__.copy(),
            "history": [m.__dict__.copy() for m in self.history],
            "notes": list(self.notes),
            "reason": self.reason,
        }

    @own_settings()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._begin(state["stage"], state["start"], state.get("attempt", 0), state.get("repeat", 0))
        self.found = state.get("found")
        self._restore(state)
        for name in (
            "step",
            "total",
            "over",
            "seconds",
            "cut",
            "falls",
            "best",
            "best_step",
            "recent",
            "last_fit",
            "good",
            "notes",
            "reason",
        ):
            setattr(self, name, copy.deepcopy(state[name]))
        self.rng.stream.set_state(state["rng"])
        self.verdict = Verdict(**state["verdict"])
        self.history = [Moment(**m) for m in state["history"]]

    @own_settings(grad=False)
    def render(self, passes: int) -> Tensor:
        """The average as it is now, as a picture: the mean of `passes` draws that depend on the seed alone."""
        return self._render(self.average_state, passes)

    def _render(self, state: dict[str, Tensor], passes: int) -> Tensor:
        def picture(model: Callable[..., Tensor]) -> Tensor:
            return self.objective.picture(model, self.problem, self.rng, passes)

        return self.method.average.picture(state, self.model, picture)

    @property
    def _shown(self) -> dict[str, Tensor]:
        """The average that a rule judged best, or else the one now."""
        return self.average_state if self.best is None else self.best

    @property
    def steps(self) -> int | None:
        """How many steps the current stage will take, where its rule knows."""
        return _budget(self.method.stop)

    @property
    @own_settings(grad=False)
    @memory_told()
    def solution(self) -> Solution:
        """The best picture so far, at any moment; before the first step, that of the random start."""
        stopped, begun = self.over and self.stage + 1 == len(self.job.stages), time.perf_counter()
        x = self.found if self.found is not None and not self.over else self._render(self._shown, self.method.passes)
        if not bool(torch.isfinite(x).all()):
            raise UntaughtError("The picture came out with values that are no numbers: try a smaller learning rate.")
        return Solution(
            x,
            self.best_step if self._shown is self.best else self.step,
            self.reason if stopped else f"the run was interrupted at step {self.step}",
            tuple(self.history),
            tuple(self.notes),
            self.seconds + time.perf_counter() - begun,
            _still(self.asked),
            finish=self.job.finish,
            amounts=self.job.amounts,
        )


def _own(job: Job) -> Job:
    """The job with a copy of its operator, where that is sought with the picture: a job can be run again."""
    operator = job.problem.operator
    if not any(p.requires_grad for p in operator.parameters()):
        return job
    return replace(job, problem=replace(job.problem, operator=copy.deepcopy(operator)))


def _still(problem: Problem) -> Problem:
    """The problem with its operator as it is now, where that is sought on."""
    sought = any(p.requires_grad for p in problem.operator.parameters())
    return replace(problem, operator=copy.deepcopy(problem.operator)) if sought else problem


def _groups(model: nn.Module, operator: nn.Module) -> Any:
    """What the optimiser gets: the picture's parameters, and the operator's own at `operator.rate` times their learning rate."""
    mine, its = ([p for p in module.parameters() if p.requires_grad] for module in (model, operator))
    rate = float(getattr(operator, "rate", 1.0))
    return [*mine, *its] if not its or rate == 1 else [{"params": mine}, {"params": its, "rate": rate}]


def _budget(rule: Rule) -> int | None:
    budgets = [r.steps for r in getattr(rule, "rules", (rule,)) if isinstance(r, After)]
    return min(budgets) if budgets else None


@own_settings()
def solve(
    problem: Problem | Job, method: Method | None = None, *, watch: Iterable[Callable[[Iterate], None]] = ()
) -> Solution:
    """Exhaust a `Run` and return its solution; `watch` are functions that see every iterate.

    method None takes the paper's hourglass, narrow, which stops by itself (`Auto`).
    """
    run = Run(problem if isinstance(problem, Job) else Job((Stage(method or default_method()),), problem))
    for iterate in run:
        for look in watch:
            look(iterate)
    return run.solution


__all__ = ["Iterate", "Job", "Method", "Moment", "Run", "Solution", "Stage", "default_method", "solve"]
