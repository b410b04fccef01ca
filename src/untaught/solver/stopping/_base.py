"""What every rule is: a frozen value with explicit state, composed with |; and the two compositions that all runs need.

No rule may look at the truth. What a rule remembers is a dictionary of numbers and tensors that the run saves.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.problem import Problem
from untaught.solver.iterate import Iterate, Verdict
from untaught.solver.objectives._base import Objective

State = dict[str, Any]
T = TypeVar("T")


class Rule(ABC):
    """When a run ends, and which of its iterates is best: a frozen value with `step`; rules compose with |."""

    needs: frozenset[str] = frozenset()
    """What an objective has to give: "x" (the picture of the step), "average" (the averaged picture), "held" (held-out
    measurements). Objectives on crops give none of them."""
    adds: bool = False
    """Whether it adds noise of its own to the data."""
    refit: bool = False
    """Whether the stage is done again, on its data as they came, for the steps that it found best."""
    judges: bool = False
    """Whether it says which iterate is best; otherwise that is the last."""
    remarks: tuple[str, ...] = ()
    """What a bound rule has to say of itself before the run, in sentences: a choice, or data that it has changed."""

    def bind(self, problem: Problem, rng: Rng, objective: Objective) -> tuple[Problem, Rule]:
        """The problem that the run may see, and the rule that goes with it. `BadInput` where it cannot work."""
        return problem, self

    def init(self) -> State:
        """What it remembers before the first step: plain numbers and tensors, which the run saves."""
        return {}

    @abstractmethod
    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        """What it remembers after this iterate, and what it says of it."""

    @property
    def fixed(self) -> int | None:
        """The number of steps after which it ends the stage, where nothing else decides."""
        return None

    def extended(self, more: int) -> Rule:
        """The same with so many steps more, where their number is fixed."""
        return self

    def outlook(self, state: State) -> tuple[int | None, int | None]:
        """The step of the stage at which it is expected to end it, at the earliest and at the latest; None where it cannot know."""
        return None, None

    def repeat(self, state: State) -> int | None:
        """When the run has ended: for how many steps the stage is done again, on its data as they came; None: it is not."""
        return None

    def replay(self, state: State, iterate: Iterate, score: float | None) -> tuple[State, Verdict]:
        """`step` where the score of the iterate was recorded: None before there was one."""
        return self.step(state, iterate)

    @property
    def parts(self) -> tuple[Rule, ...]:
        """The rules that it is composed of; itself alone."""
        return (self,)

    def __or__(self, other: Rule) -> Rule:
        return FirstOf((*self.parts, *other.parts))

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return ()


@dataclass(frozen=True)
class FirstOf(Rule):
    """rule | rule: whichever says so first. Score and best are those of the first rule that judges."""

    rules: tuple[Rule, ...]

    @property
    def parts(self) -> tuple[Rule, ...]:
        return self.rules

    @property
    def needs(self) -> frozenset[str]:  # type: ignore[override]
        return frozenset[str]().union(*(r.needs for r in self.rules))

    @property
    def judges(self) -> bool:  # type: ignore[override]
        return any(r.judges for r in self.rules)

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(remark for rule in self.rules for remark in rule.remarks)

    def bind(self, problem: Problem, rng: Rng, objective: Objective) -> tuple[Problem, Rule]:
        bound = []
        for i, rule in enumerate(self.rules):
            problem, rule = rule.bind(problem, rng.child("rule", i), objective)
            bound.append(rule)
        return problem, FirstOf(tuple(bound))

    def init(self) -> State:
        return {str(i): rule.init() for i, rule in enumerate(self.rules)}

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        new, verdicts = {}, []
        for i, rule in enumerate(self.rules):
            new[str(i)], verdict = rule.step(state[str(i)], iterate)
            verdicts.append((rule, verdict))
        judge = next((v for r, v in verdicts if r.judges), verdicts[0][1])
        return new, Verdict(
            score=judge.score,
            best=judge.best,
            stop=_first(v.stop for _, v in verdicts),
            progress=max((v.progress for _, v in verdicts if v.progress is not None), default=None),
            again=_first(v.again for _, v in verdicts),
        )

    @property
    def fixed(self) -> int | None:
        return self.rules[0].fixed if len(self.rules) == 1 else None

    def extended(self, more: int) -> Rule:
        return FirstOf(tuple(rule.extended(more) for rule in self.rules))

    def outlook(self, state: State) -> tuple[int | None, int | None]:
        each = [rule.outlook(state.get(str(i), {})) for i, rule in enumerate(self.rules)]
        earliest, latest = ([v for v in values if v is not None] for values in zip(*each, strict=True))
        return min(earliest, default=None), min(latest, default=None)

    def repeat(self, state: State) -> int | None:
        return _first(rule.repeat(state[str(i)]) for i, rule in enumerate(self.rules))

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        from untaught.solver.stopping.variance import WindowedVariance

        return (WindowedVariance(window=5, patience=10) | After(30),)


def _first(values: Iterable[T | None]) -> T | None:
    return next((v for v in values if v), None)


@dataclass(frozen=True)
class After(Rule):
    """A fixed number of steps."""

    steps: int

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise BadInput(f"A run of {self.steps} steps does nothing: give 1 or more.")

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        done = iterate.step >= self.steps
        return state, Verdict(
            progress=min(1.0, iterate.step / self.steps), stop=f"all {self.steps} steps are done" if done else None
        )

    @property
    def fixed(self) -> int | None:
        return self.steps

    def extended(self, more: int) -> Rule:
        return After(self.steps + more)

    def outlook(self, state: State) -> tuple[int | None, int | None]:
        return self.steps, self.steps

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (After(7),)


@dataclass(frozen=True, kw_only=True)
class Minimum(Rule):
    """A rule with a score whose minimum is the best iterate: stop when it has not fallen for `patience` steps.

    Nothing counts before `warmup` steps, since the first dips are false ones.
    """

    judges = True
    patience: int = 1000
    warmup: int = 0

    def __post_init__(self) -> None:
        for name, least in (("patience", 1), ("warmup", 0), ("every", 1), ("window", 2), ("pixels", 1)):
            if (given := getattr(self, name, least)) < least:
                raise BadInput(f"{type(self).__name__} cannot work with {name} = {given}: give {least} or more.")

    def init(self) -> State:
        return {"best": math.inf, "at": 0}

    def judge(self, state: State, iterate: Iterate, score: float | None) -> tuple[State, Verdict]:
        if score is None or not math.isfinite(score) or iterate.step <= self.warmup:
            return state, Verdict(score=score)
        best = score < state["best"]
        if best:
            state = {**state, "best": score, "at": iterate.step}
        waited = iterate.step - int(state["at"])
        return state, Verdict(score=score, best=best, stop=self.reason(state) if waited >= self.patience else None)

    def replay(self, state: State, iterate: Iterate, score: float | None) -> tuple[State, Verdict]:
        return self.judge(state, iterate, score)

    def outlook(self, state: State) -> tuple[int | None, int | None]:
        return max(int(state.get("at", 0)), self.warmup) + self.patience, None

    @abstractmethod
    def reason(self, state: State) -> str:
        """Why the run ends, in a sentence without its full stop."""


def refuse_shared_noise(rule: Rule, problem: Problem) -> None:
    """Rules that take the noise of one measurement to say nothing of the next one's."""
    if problem.likelihood.sharers:
        raise BadInput(
            f"{type(rule).__name__} needs noise that is independent between measurements, and here {problem.likelihood.sharers} "
            "share it, so that they foretell each other's: use WindowedVariance()."
        )
