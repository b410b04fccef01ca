"""What needs no network: an estimator makes pictures of a problem one after the other, and the last is its result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.problem import Problem


class Denoiser(Protocol):
    """An estimate, (1, c, *space), of a noisy picture whose noise has the deviation given (it broadcasts)."""

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor: ...


class Piloted(Denoiser, Protocol):
    """A denoiser that can also take a first estimate as its pilot (the oracle estimate of the literature)."""

    def refine(self, noisy: Tensor, deviation: Tensor, pilot: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Estimated:
    """One iterate of an estimator: x, (1, c, *space), and what a person should know of it, or None."""

    x: Tensor
    note: str | None = None


class Estimator(ABC):
    """A frozen value. Nothing is drawn at random: the same problem gives the same pictures."""

    weighs = False
    """Whether measurements may have weights of their own, 0 among them; others need a value in every place."""

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
