"""How loud the noise is, found by measurements that are held out; and two estimates that err in different places, as one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from untaught.classical import Estimated, Estimator, trusted
from untaught.core.randomness import Rng
from untaught.problem import Problem


@dataclass(frozen=True)
class CrossValidated(Estimator):
    """The first estimator with the noise taken for `factors` times as loud as it is said to be, on data without some measurements;
    then the others, each from where the one before ended, with the noise that foretold those best; and again on all data.

    Of factors that are not worse by more than the standard error of the difference the largest is taken (Breiman et al.,
    Classification and Regression Trees, 1984; pairs of errors, which share the noise). The result lies between the last two
    estimates, where the held-out measurements are foretold best (stacking: Wolpert 1992).

    estimators: of linear problems that weigh their measurements. fraction: of the measurements, held out as the operator has it.
    """

    estimators: tuple[Estimator, ...]
    factors: tuple[float, ...] = (16.0, 8.0, 4.0, 2.0, 1.0)
    fraction: float = 0.1
    seed: int = 0

    weighs = True
    noise = "at least: how much louder it is, measurements that are held out tell"

    def check(self, problem: Problem) -> None:
        for one in self.estimators:
            one.check(problem)

    @property
    def steps(self) -> int:
        later = len(self.estimators) - 1
        return len(self.factors) + later + len(self.estimators) + 1

    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        shape, rng = tuple(problem.data.shape), Rng(self.seed, problem.data.device)
        held = problem.operator.held_out(shape, self.fraction, rng.fork("held out")).to(problem.real) * problem.known
        seen = _weighed(problem, 1 - held)
        first, *later = self.estimators
        tried: list[Tensor] = []
        for factor in self.factors:
            start = tried[-1] if tried else problem.start
            tried.append(first.estimate(replace(_weighed(seen, factor**-2), start=start)))
            yield Estimated(tried[-1])
        errors = [_errors(problem, x, held) for x in tried]
        least = min(errors, key=lambda each: float(each.sum()))
        best = next(i for i, each in enumerate(errors) if _no_worse(each, least))
        factor, found, made = self.factors[best], [tried[best]], list[Tensor]()
        for one in later:
            found.append(one.estimate(replace(_weighed(seen, factor**-2), start=found[-1])))
            yield Estimated(found[-1])
        for one in self.estimators:
            start = made[-1] if made else found[0]
            made.append(one.estimate(replace(_weighed(problem, factor**-2), start=start)))
            yield Estimated(made[-1])
        x = made[-1]
        note = f"the noise was taken for {factor:g} times as loud, which foretold held-out measurements best"
        if len(found) > 1:
            missed = [_missed(problem, one, held) for one in found[-2:]]
            way = missed[0] - missed[1]
            share = min(1.0, max(0.0, float((missed[0] * way).sum() / way.square().sum().clamp_min(1e-30))))
            x, note = torch.lerp(made[-2], x, share), f"{note}, and the last estimate has a share of {share:.2f}"
        yield Estimated(x, note)

    @classmethod
    def examples(cls) -> tuple[Estimator, ...]:
        from untaught.classical.total_variation import TotalVariation

        few = TotalVariation(rounds=2, iterations=2)
        return CrossValidated((few,), (2.0, 1.0), 0.3), CrossValidated((few, few), (1.0,), 0.3)


def _weighed(problem: Problem, weight: Tensor | float) -> Problem:
    before = torch.ones_like(problem.data, dtype=problem.real) if problem.weight is None else problem.weight
    return replace(problem, weight=before * weight)


def _errors(problem: Problem, x: Tensor, held: Tensor) -> Tensor:
    """The energies of the measurements that are held out."""
    return problem.likelihood.pointwise(problem.operator(x), problem.data)[held > 0].double()


def _no_worse(each: Tensor, least: Tensor) -> bool:
    apart = each - least
    return float(apart.sum()) <= float(apart.square().sum().sqrt())


def _missed(problem: Problem, x: Tensor, held: Tensor) -> Tensor:
    """What of the held-out measurements is not foretold, in deviations of their noise, real."""
    rest = (problem.operator(x) - problem.data) * held * trusted(problem, x).sqrt()
    return torch.view_as_real(rest) if rest.is_complex() else rest
