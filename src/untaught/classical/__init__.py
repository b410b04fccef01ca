"""What needs no network: an estimator makes pictures of a problem one after the other, and the last is its result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.geometry import box
from untaught.problem import Problem


class Denoiser(Protocol):
    """An estimate, (1, c, *space), of a noisy picture whose noise has the deviation given (it broadcasts)."""

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor: ...


class Piloted(Denoiser, Protocol):
    """A denoiser that can also take a first estimate as its pilot (the oracle estimate of the literature)."""

    def refine(self, noisy: Tensor, deviation: Tensor, pilot: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Estimated:
    """One iterate of an estimator: x, (1, c, *space), and what a person should know of it, or None.

    final: there is nothing to restore, so that x is the result, and no later stage has anything to do.
    """

    x: Tensor
    note: str | None = None
    final: bool = False


class Estimator(ABC):
    """A frozen value. Nothing is drawn at random: the same problem gives the same pictures."""

    weighs = False
    """Whether measurements may have weights of their own, 0 among them; others need a value in every place."""
    samples = False
    """Whether it has samples of its picture, whose variance says where that is unsure (`variance`)."""
    local = True
    """Whether a part of the picture is made of the data about it."""
    noise = ""
    """How it finds out by itself how loud the noise is, in words; empty where it takes what it is told."""

    def check(self, problem: Problem) -> None:
        """`BadInput`, before the work, where it cannot estimate this."""

    @property
    def steps(self) -> int:
        """How many pictures it makes."""
        return 1

    @abstractmethod
    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        """The pictures, each better than the one before; without gradient."""

    def estimate(self, problem: Problem) -> Tensor:
        """The last of them."""
        self.check(problem)
        found: Tensor | None = None
        with torch.no_grad():
            for picture in self.iterates(problem):
                found = picture.x
        assert found is not None
        return found

    def variance(self, problem: Problem) -> Tensor | None:
        """Of its picture, over samples of it, (1, c, *space); None where it has none."""
        return None

    def excerpt(self, problem: Problem) -> tuple[Problem, float] | None:
        """Where pictures of that size are made in parts: one part as a problem, and how many times its work the whole is."""
        return None

    @classmethod
    @abstractmethod
    def examples(cls) -> tuple[Estimator, ...]:
        """Estimators of one-channel pictures that the law tests sweep."""


def refuse_unless_identity(estimator: Estimator, problem: Problem) -> None:
    if not problem.operator.direct:
        raise BadInput(
            f"{type(estimator).__name__} works where the data are the picture itself, but the operator is "
            f"{type(problem.operator).__name__}: use PlugAndPlay."
        )


def refuse_unless_weighable(estimator: Estimator, problem: Problem) -> None:
    """What solves linear equations weighs the data by their noise."""
    name = type(estimator).__name__
    if not problem.operator.linear:
        raise BadInput(f"{name} solves linear equations, and this operator is not linear: use Fit.")
    if problem.likelihood.sigma is None and problem.likelihood.counts is None:
        raise BadInput(f"{name} weighs the data by their noise, which is not known: give Gaussian(sigma).")


def spread(problem: Problem, x: Tensor | None = None) -> Tensor:
    """The deviation of the noise of each measurement, to broadcast against the data.

    Where it changes with brightness that is A x, by default of the problem's first guess, or else the mean of neighbouring data:
    judged by its own noisy value, a measurement that came out too dark would be trusted too much.
    """
    y = problem.data.real if problem.data.is_complex() else problem.data
    x = problem.start if x is None else x
    if problem.likelihood.white or x is None:
        bright = box(y, 2) if y.ndim > 2 else y if problem.likelihood.white else y.mean(1, keepdim=True)
    else:
        bright = problem.operator(x)
    return problem.likelihood.deviation(bright).to(y)


def trusted(problem: Problem, x: Tensor | None = None) -> Tensor:
    """The weights of the measurements over the variances of their noise (`spread`), (b, *data)."""
    trust = 1 / (spread(problem, x).square() + problem.operator.off**2)
    trust = trust if problem.weight is None else trust * problem.weight
    return trust.expand(problem.data.shape)


def counted(problem: Problem) -> bool:
    """Whether what is measured is light that is counted from 0 on: there is no picture below 0."""
    return problem.likelihood.counts is not None and problem.likelihood.counts[2] == 0


def precision(problem: Problem, trust: Tensor) -> float:
    """The mean of the diagonal of A^T T A, from one random vector (Hutchinson 1990): what the data alone say of a pixel is off by
    the root of its inverse, were each seen for itself."""
    draw = torch.Generator(trust.device).manual_seed(0)
    signs = torch.randint(2, trust.shape, generator=draw, device=trust.device) * 2.0 - 1
    seen = problem.operator.adjoint((signs * trust.sqrt()).to(problem.data.dtype))
    return float(seen.square().mean())
