"""A stage that descends an energy, under way: the step, the rule's verdict and the best picture it named, and the guard
against divergence.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.problem import Problem
from untaught.problem.operators import Operator
from untaught.solver.course import EVERY, Course
from untaught.solver.iterate import Iterate, RunState, Step, Verdict
from untaught.solver.stage import Solve
from untaught.solver.stopping import After

ATTEMPTS = 5  # at most, of a stage that a rule begins anew
FALL = 5.0  # dB by which the fit may fall between two looks of the guard
FALLS = 10  # after so many the stage is given up


@dataclass
class FitState:
    """All that changes in such a stage besides model, operator, optimiser and random stream; saved by its fields.

    cut: a factor on the learning rate. best: the average that a rule judged best. found: what is shown until the stage is over,
    where an earlier one made it. recent: the fits since the last look of the guard, last_fit: their mean at that look. good: what
    to go back to.
    """

    attempt: int = 0
    repeat: int = 0
    cut: float = 1.0
    falls: int = 0
    best_step: int = 0
    last_fit: float | None = None
    found: Tensor | None = None
    best: dict[str, Tensor] | None = None
    average: dict[str, Tensor] = field(default_factory=dict)
    rule: dict[str, Any] = field(default_factory=dict)
    recent: list[Tensor] = field(default_factory=list)
    good: dict[str, Any] = field(default_factory=dict)


SAVED = tuple(f.name for f in fields(FitState) if f.name not in ("average", "rule"))  # those are saved beside the model


class Fitting(Course):
    """A `Solve`, from its start; the index of the stage makes its random numbers others than those of the stages before."""

    def __init__(self, stage: Solve, problem: Problem, state: RunState) -> None:
        super().__init__(state)
        self.stage, self._whole = stage, problem
        self._begin()
        if self.objective.beside:
            self.fit.found = self.problem.start

    def _begin(self, attempt: int = 0, repeat: int = 0) -> None:
        """From the start; the attempt-th time, and, where `repeat` is not 0, for so many steps on all the data."""
        state, own = self.state, self.stage.method
        state.step, state.over = 0, False
        self.method = m = replace(own, stop=After(repeat)) if repeat else own
        self.asked = problem = self._whole.to(m.device)
        self.rng = Rng(m.seed, m.device).child("stage", state.stage).child("attempt", attempt)
        self.problem, self.rule = m.stop.bind(problem, self.rng, m.objective)
        state.notes += [remark for remark in self.rule.remarks if remark not in state.notes]
        self.objective = m.objective.bind(self.problem, m.prior)
        if (self.rule.needs or m.average.needs_pictures) and not self.objective.whole:
            raise BadInput(
                f"{type(self.objective).__name__} sees only crops, but {m.stop} with {m.average} needs whole pictures: "
                "use After(steps) with ExponentialWeights()."
            )
        self.model = m.prior.build(self.problem.image_shape, self.problem, self.rng)
        self.optimiser = m.optimiser.build(_groups(self.model, self.problem.operator))
        self.verdict = Verdict(progress=0.0)
        self.fit = FitState(attempt, repeat, cut=0.5**attempt, rule=self.rule.init())
        self.fit.good = self._changing()

    def renew(self) -> None:
        if self.verdict.again and self.fit.attempt + 1 < ATTEMPTS:
            self._begin(self.fit.attempt + 1)
        if self.verdict.repeat:
            found = self._rendered(self._best, self.method.passes)
            self._begin(self.fit.attempt, self.verdict.repeat)
            self.fit.found = found

    def take(self) -> Iterate:
        m, fit, state = self.method, self.fit, self.state
        for group in self.optimiser.param_groups:
            rate = fit.cut * m.optimiser.rate(self.verdict.progress) * group.get("rate", 1.0)
            group["lr"] = m.optimiser.lr * rate
        step: list[Step] = []

        def closure() -> Tensor:
            self.optimiser.zero_grad(set_to_none=True)
            step[:] = [self.objective.step(self.model, self.problem, self.rng)]
            step[0].energy.backward()
            return step[0].energy

        self.optimiser.step(closure)  # type: ignore[arg-type]
        seen = replace(step[0], energy=step[0].energy.detach())
        state.notes += [seen.note] if seen.note else []
        fit.average = m.average.update(fit.average, seen.x, self.model)
        iterate = Iterate(self, seen)
        fit.rule, self.verdict = self.rule.step(fit.rule, iterate)
        if self.verdict.again:
            last = fit.attempt + 1 == ATTEMPTS
            remedy = (
                "it is left at that: try another seed" if last else "the run began anew, with half the learning rate"
            )
            state.notes.append(f"At step {state.step} {self.verdict.again}: {remedy}.")
        if self.verdict.best:
            fit.best, fit.best_step = m.average.freeze(fit.average, self.model), state.step
        self._guard(seen.fit)
        if self.verdict.stop and (steps := self.rule.repeat(fit.rule)):
            state.notes.append(
                f"At step {state.step} {self.verdict.stop}: the stage was done again for {steps} steps, on all measurements."
            )
            self.verdict = replace(self.verdict, stop=None, repeat=steps)
        iterate.verdict = self.verdict
        return iterate

    def _guard(self, value: Tensor) -> None:
        """Go back when the run diverges: the fit is no number, or has fallen by more than 5 dB since the last look.

        Weights, buffers, the optimiser's moments, the average and the rule's memory all go back, and the rate is halved.
        """
        fit, step = self.fit, self.state.step
        fit.recent.append(value)
        if step % EVERY:
            return
        now = float(torch.stack(fit.recent).mean())
        fit.recent = []
        fallen = 10 * math.log10(now / fit.last_fit) if fit.last_fit and fit.last_fit > 0 and now > 0 else 0.0
        if math.isfinite(now) and (fallen <= FALL or self.method.prior.moves):
            fit.last_fit, fit.good = now, self._changing()
            return
        fit.falls += 1
        back = fit.good["step"]
        self._restore(fit.good)
        fit.cut /= 2
        why = f"the fit fell by {fallen:.1f} dB" if math.isfinite(now) else "the energy was no longer a number"
        self.state.notes.append(
            f"At step {step} {why}: everything went back to step {back}, and the learning rate was halved."
        )
        if fit.falls >= FALLS:
            self.verdict = Verdict(
                stop="the run diverged ten times, and this is the picture from before the last time; "
                "try a smaller learning rate"
            )

    def picture(self) -> Tensor:
        return self.objective.picture(self.model, self.problem, self.rng)

    def render(self, passes: int | None = None, *, quick: bool = False) -> Tensor:
        return self._rendered(self.fit.average, self.method.passes if passes is None else passes, quick)

    def shown(self) -> Tensor:
        if self.fit.found is not None and not self.state.over:
            return self.fit.found
        return self._rendered(self._best, self.method.passes)

    def _rendered(self, average: dict[str, Tensor], passes: int, quick: bool = False) -> Tensor:
        objective = self.objective.quick() if quick else self.objective

        def picture(model: Callable[..., Tensor]) -> Tensor:
            return objective.picture(model, self.problem, self.rng, passes)

        return self.method.average.picture(average, self.model, picture)

    @property
    def _best(self) -> dict[str, Tensor]:
        """The average that a rule judged best, or else the one now."""
        return self.fit.average if self.fit.best is None else self.fit.best

    def answer(self, problem: Problem, passes: int = 2) -> Tensor:
        """The picture that the network makes of another problem."""
        objective = self.objective.bind(problem, self.method.prior)
        return self.method.average.picture(
            self._best, self.model, lambda model: objective.picture(model, problem, self.rng, passes)
        )

    def decided(self) -> dict[str, Any]:
        """What holds for the pictures that `answer` makes, too: fields of the objective, with their values."""
        found: list[dict[str, Any]] = []

        def look(model: Callable[..., Tensor]) -> Tensor:
            found.append(self.objective.decided(model, self.problem, self.rng))
            return torch.zeros(())

        self.method.average.picture(self._best, self.model, look)
        return found[0] if found else {}

    def variance(self) -> Tensor | None:
        found = self.method.average.variance(self._best)
        if found is not None or not self.state.over:
            return found
        return self.objective.variance(self.answer, self.shown, self.problem, self.rng)

    @property
    def best_step(self) -> int:
        return self.state.step if self.fit.best is None else self.fit.best_step

    @property
    def outlook(self) -> tuple[int | None, int | None]:
        return self.rule.outlook(self.fit.rule)

    @property
    def parameters(self) -> int:
        return sum(
            p.numel() for p in (*self.model.parameters(), *self.problem.operator.parameters()) if p.requires_grad
        )

    def _changing(self) -> dict[str, Any]:
        """A copy of everything that a bad step can spoil."""
        return copy.deepcopy(
            {
                "step": self.state.step,
                "model": self.model.state_dict(),
                "operator": self.problem.operator.found,
                "optimiser": self.optimiser.state_dict(),
                "average": self.fit.average,
                "rule": self.fit.rule,
            }
        )

    def _restore(self, state: dict[str, Any]) -> None:
        state = copy.deepcopy(state)
        self.model.load_state_dict(state["model"])
        if state["operator"]:
            self.problem.operator.load_state_dict(state["operator"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.fit.average, self.fit.rule = state["average"], state["rule"]

    def state_dict(self) -> dict[str, Any]:
        return {
            **self._changing(),
            "fit": copy.deepcopy({name: getattr(self.fit, name) for name in SAVED}),
            "verdict": self.verdict.__dict__.copy(),
            "rng": self.rng.stream.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        step, over = self.state.step, self.state.over
        self._begin(state["fit"]["attempt"], state["fit"]["repeat"])
        self.state.step, self.state.over = step, over
        self.fit = FitState(**copy.deepcopy(state["fit"]))
        self._restore(state)
        self.rng.stream.set_state(state["rng"])
        self.verdict = Verdict(**state["verdict"])


def _groups(model: nn.Module, operator: Operator) -> Any:
    """What the optimiser gets: the picture's parameters, and the operator's own at `operator.rate` times their learning rate."""
    mine, its = ([p for p in module.parameters() if p.requires_grad] for module in (model, operator))
    rate = float(operator.rate)
    return [*mine, *its] if not its or rate == 1 else [{"params": mine}, {"params": its, "rate": rate}]
