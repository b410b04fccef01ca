"""Noise of our own, added to the data before the run: how much of it comes back says how much the picture follows noise.

The run sees y' = y + eps b, b standard normal. With p = A x the prediction of the averaged picture,

    share = mean(b (p - y)) / eps,      E[share] = div p / n

by Stein's lemma: the divergence of all that the optimisation did, as a map from data to prediction, without a second run.
0: nothing of the noise is in the picture, 1: all of it. Subtracting y changes no expectation, and takes most of the variance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.problem import Problem
from untaught.solver.iterate import Iterate, Verdict
from untaught.solver.objectives._base import Objective
from untaught.solver.stopping._base import Minimum, Rule, State, refuse_shared_noise


@dataclass(frozen=True, kw_only=True)
class Probed(Minimum):
    """A rule over what comes back of noise that it has added.

    strength: eps as a fraction of the data's own noise; the run gets data whose noise is sqrt(1 + strength^2) as strong.
    every: how often it is looked. refit: the stage is done again on the data as they came, for the steps found.
    """

    strength: float = 0.25
    every: int = 10
    patience: int = 500
    refit: bool = False
    needs = frozenset({"average"})
    adds = True
    _data: Tensor | None = None
    _probe: Tensor | None = None
    _eps: Tensor | None = None
    _weight: Tensor | None = None

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        if self._eps is None or self.refit:
            return ()
        return (
            f"{type(self).__name__} added noise of its own to the data, {self.strength:g} times as strong as theirs.",
        )

    def bind(self, problem: Problem, rng: Rng, objective: Objective) -> tuple[Problem, Rule]:
        name = type(self).__name__
        if problem.likelihood.rewards:
            raise BadInput(f"{name} adds noise to measurements, and a Reward has none: use Plateau().")
        if not self.strength > 0:
            raise BadInput(f"{name} needs noise of its own, not {self.strength:g} times that of the data: give 0.25.")
        refuse_shared_noise(self, problem)
        eps = self.strength * self.level(problem)
        y = problem.data
        probe = torch.randn(y.shape, generator=rng.fork("probe"), device=rng.device, dtype=y.dtype)
        weight = torch.ones((), device=y.device) if problem.weight is None else problem.weight
        bound = replace(self, _data=y, _probe=probe, _eps=eps, _weight=weight.expand(y.shape))
        return replace(problem, data=y + eps * probe), bound

    def beside(self, other: Probed) -> Probed:
        """The same, looking at the noise that another one has added."""
        return replace(self, _data=other._data, _probe=other._probe, _eps=other._eps, _weight=other._weight)

    def level(self, problem: Problem) -> Tensor:
        """The deviation of the data's own noise, to broadcast against them: here a guess that is only to be of its size."""
        return roughness(problem.data, problem.weight)

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        if iterate.step % self.every:
            return state, Verdict()
        return self.judge(state, iterate, self.score(iterate.prediction()))

    def score(self, prediction: Tensor) -> float:
        """Of A x, the prediction that the averaged picture makes."""
        raise NotImplementedError

    @property
    def bound(self) -> tuple[Tensor, Tensor, Tensor]:
        """(y, b, eps)."""
        if self._data is None or self._probe is None or self._eps is None:
            raise TypeError("this rule was not bound to a problem")
        return self._data, self._probe, self._eps

    def mean(self, values: Tensor) -> float:
        """Over the known measurements."""
        assert self._weight is not None
        return float((values * self._weight).sum() / self._weight.sum())

    def share(self, prediction: Tensor) -> Tensor:
        """For every measurement, what it adds to the share of the noise that has come back."""
        y, probe, eps = self.bound
        return inner(probe, prediction - y) / eps

    def repeat(self, state: State) -> int | None:
        return int(state["at"]) or None if self.refit else None


def inner(a: Tensor, b: Tensor) -> Tensor:
    """The real part of conj(a) b, for each measurement."""
    return (a.conj() * b).real if a.is_complex() else a * b


def roughness(y: Tensor, weight: Tensor | None) -> Tensor:
    """A robust deviation of the noise of data (b, c, *space): the median of neighbours' differences, never below 1/1000 of
    the data's own deviation. Structure makes it too large, which a probe does not mind.
    """
    known = y.abs()[(weight > 0) if weight is not None else ...]
    least = 1e-3 * known.std(unbiased=False).clamp_min(1e-6)
    both = [(y.diff(dim=axis).abs(), axis) for axis in range(2, y.ndim) if y.shape[axis] > 1]
    if weight is not None:
        both = [(d[(weight > 0).narrow(a, 1, d.shape[a]) & (weight > 0).narrow(a, 0, d.shape[a])], a) for d, a in both]
    differences = torch.cat([d.flatten() for d, _ in both]) if both else known.new_empty(0)
    # The median of |difference of two normal values| is 0.6745 sqrt(2) deviations.
    return torch.maximum(differences.median() / 0.954, least) if len(differences) else 100 * least
