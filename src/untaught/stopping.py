"""When the run ends, and which iterate is its best: values in the loop, composed with |, each with a reason in a sentence.

No rule may look at the truth. A rule is frozen; what it remembers is a dictionary of numbers and tensors that the run saves.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from untaught.errors import BadInput
from untaught.problem import Problem
from untaught.randomness import Rng

if TYPE_CHECKING:
    from untaught.run import Iterate

State = dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """score: the rule's curve (None before it has one). best: this iterate is the best so far. stop: why the run ends, or None.

    progress: how far the run is, 0 to 1, or None where the rule cannot know; it drives schedules and remaining times.
    again: why the stage has to begin anew, from another random start, or None.
    """

    score: float | None = None
    best: bool = False
    stop: str | None = None
    progress: float | None = None
    again: str | None = None


class Rule(ABC):
    needs: frozenset[str] = frozenset()
    """Which of "x" (the picture of the step) and "held" (held-out measurements) an objective has to give."""
    judges: bool = False
    """Whether it says which iterate is best; otherwise that is the last."""

    def bind(self, problem: Problem, rng: Rng) -> tuple[Problem, Rule]:
        """The problem that the run may see, and the rule that goes with it."""
        return problem, self

    def init(self) -> State:
        return {}

    @abstractmethod
    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]: ...

    def __or__(self, other: Rule) -> Rule:
        mine = self.rules if isinstance(self, FirstOf) else (self,)
        return FirstOf((*mine, *(other.rules if isinstance(other, FirstOf) else (other,))))

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return ()


@dataclass(frozen=True)
class FirstOf(Rule):
    """rule | rule: whichever says so first. Score and best are those of the first rule that judges."""

    rules: tuple[Rule, ...]

    @property
    def needs(self) -> frozenset[str]:  # type: ignore[override]
        return frozenset[str]().union(*(r.needs for r in self.rules))

    @property
    def judges(self) -> bool:  # type: ignore[override]
        return any(r.judges for r in self.rules)

    def bind(self, problem: Problem, rng: Rng) -> tuple[Problem, Rule]:
        bound = []
        for i, rule in enumerate(self.rules):
            problem, rule = rule.bind(problem, Rng(rng.seed + i, rng.device))
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

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (WindowedVariance(window=5, patience=10) | After(30),)


def _first(values: Iterable[str | None]) -> str | None:
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

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (After(7),)


@dataclass(frozen=True)
class StuckChannel(Rule):
    """Begin anew where a channel has got stuck: it fits the data worse than one plain colour would.

    A sigmoid that large early steps have driven to black or white has no gradient left, and the picture stays reddish, or
    green, for good: the failure that the authors of the Deep Image Prior warn of in flash/no-flash ("run again"). Looked at
    once, at step `at`, and only where the data are the picture itself. A channel of no contrast is never stuck.
    """

    at: int = 60
    needs = frozenset({"x"})
    _data: Tensor | None = None
    _weight: Tensor | None = None

    def bind(self, problem: Problem, rng: Rng) -> tuple[Problem, Rule]:
        if problem.data.shape != problem.image_shape:
            raise BadInput(
                f"StuckChannel compares the channels of picture and data, but a picture of {problem.image_shape} has "
                f"data of {tuple(problem.data.shape)}: leave it out."
            )
        weight = torch.ones_like(problem.data) if problem.weight is None else problem.weight
        return problem, replace(self, _data=problem.data, _weight=weight)

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        if iterate.step != self.at or iterate.x is None or self._data is None or self._weight is None:
            return state, Verdict()
        y, x = self._data[0].flatten(1), iterate.x.mean(0).flatten(1)
        w = self._weight[0].flatten(1)
        w = w / w.sum(1, keepdim=True).clamp_min(1e-12)
        mean = (w * y).sum(1, keepdim=True)
        plain, misfit = ((w * (v - y).square()).sum(1) for v in (mean, x))
        flat = x.std(1, unbiased=False) < 0.1 * plain.sqrt()
        # One that is only slow has shapes already: it gets some more room.
        stuck = [i for i in range(len(y)) if plain[i] > 1e-6 and misfit[i] > (1.02 if flat[i] else 1.5) * plain[i]]
        if not stuck:
            return state, Verdict()
        names = ("red", "green", "blue") if len(y) == 3 else tuple(f"channel {i}" for i in range(len(y)))
        return state, Verdict(again=f"{' and '.join(names[i] for i in stuck)} fitted worse than one plain colour would")

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (StuckChannel(3),)


@dataclass(frozen=True)
class Discrepancy(Rule):
    """Morozov's principle: stop when the picture fits the data as well as the noise allows, E <= factor * floor.

    Needs a likelihood whose noise level is known. The iterate at which it stops is the last and the best.
    """

    factor: float = 1.0
    needs = frozenset({"x"})  # crops are judged by other energies than the likelihood's
    _floor: float | None = None

    def bind(self, problem: Problem, rng: Rng) -> tuple[Problem, Rule]:
        floor = problem.likelihood.floor(problem.data, problem.weight)
        if floor is None:
            raise BadInput(
                f"Discrepancy needs the noise level, and {problem.likelihood} does not know it: "
                "give sigma, or use WindowedVariance()."
            )
        return problem, replace(self, _floor=floor)

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        score = iterate.fit / (self.factor * (self._floor or 1.0))
        stop = (
            f"the picture fits the data as closely as the noise allows (energy {iterate.fit:.3g})"
            if score <= 1
            else None
        )
        return state, Verdict(score=score, stop=stop)

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (Discrepancy(),)


@dataclass(frozen=True, kw_only=True)
class _Minimum(Rule):
    """A rule with a score whose minimum is the best iterate: stop when it has not fallen for `patience` steps.

    Nothing counts before `warmup` steps, since the first dips are false ones.
    """

    judges = True
    patience: int = 1000
    warmup: int = 0

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

    def reason(self, state: State) -> str:
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class _Variance(_Minimum):
    """Rules over how much the pictures still vary, seen on at most `pixels` fixed random pixels."""

    pixels: int = 32768
    needs = frozenset({"x"})
    _index: Tensor | None = None

    def bind(self, problem: Problem, rng: Rng) -> tuple[Problem, Rule]:
        total = math.prod(problem.image_shape)
        index = torch.randperm(total, generator=rng.fork("pixels"), device=rng.device)[: self.pixels]
        return problem, replace(self, _index=index)

    def seen(self, iterate: Iterate) -> Tensor:
        if iterate.x is None or self._index is None:
            raise TypeError("this rule was not bound to a run that makes whole pictures")
        return iterate.x.mean(0).flatten()[self._index]

    def reason(self, state: State) -> str:
        return f"the pictures varied least around step {state['at']}, and not less in the {self.patience} steps since"


@dataclass(frozen=True)
class WindowedVariance(_Variance):
    """ES-WMV (Wang et al., TMLR 2023): the variance of the last `window` pictures is least about where they are best."""

    window: int = 100

    def init(self) -> State:
        return {**super().init(), "ring": torch.empty(0), "count": 0}

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        seen = self.seen(iterate)
        ring = state["ring"] if state["ring"].numel() else seen.new_zeros(self.window, seen.numel())
        ring[state["count"] % self.window] = seen
        state = {**state, "ring": ring, "count": state["count"] + 1}
        full = state["count"] >= self.window
        return self.judge(state, iterate, float(ring.var(0, unbiased=False).mean()) if full else None)

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (WindowedVariance(window=4, patience=8),)


@dataclass(frozen=True)
class ExponentialVariance(_Variance):
    """ES-EMV (the same paper): mean and variance with exponential forgetting, which needs no window of pictures."""

    alpha: float = 0.1

    def init(self) -> State:
        return {**super().init(), "mean": torch.empty(0), "variance": 0.0, "count": 0}

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        seen = self.seen(iterate)
        mean = state["mean"] if state["mean"].numel() else seen
        apart = seen - mean
        variance = (1 - self.alpha) * (state["variance"] + self.alpha * float(apart.square().mean()))
        state = {**state, "mean": mean + self.alpha * apart, "variance": variance, "count": state["count"] + 1}
        return self.judge(state, iterate, variance if state["count"] > 2 / self.alpha else None)

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (ExponentialVariance(patience=8),)


@dataclass(frozen=True)
class HoldOut(_Minimum):
    """Some measurements are kept from the run; the best picture is the one that predicts them best.

    fraction: of the known measurements, at random. The averaged picture is judged, every `every` steps.
    """

    fraction: float = 0.05
    every: int = 10
    _: KW_ONLY
    patience: int = 500
    needs = frozenset({"held"})
    _held: Tensor | None = None

    def bind(self, problem: Problem, rng: Rng) -> tuple[Problem, Rule]:
        weight = torch.ones_like(problem.data, dtype=problem.real) if problem.weight is None else problem.weight
        known = int((weight > 0).sum())
        if known * self.fraction < 10:
            raise BadInput(
                f"HoldOut would judge by {int(known * self.fraction)} of {known} measurements, fewer than 10: "
                "raise the fraction, or use After(steps)."
            )
        held = torch.rand(weight.shape, generator=rng.fork("held out"), device=rng.device) < self.fraction
        return replace(problem, weight=weight * ~held), replace(self, _held=weight * held)

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        if iterate.step % self.every or self._held is None:
            return state, Verdict()
        return self.judge(state, iterate, iterate.held(self._held))

    def reason(self, state: State) -> str:
        return f"the held-out measurements were predicted best at step {state['at']}, and not better in the {self.patience} since"

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (HoldOut(0.2, patience=10, every=2),)
