"""A denoiser, as an estimator of problems whose data are the noisy picture itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from torch import Tensor

from untaught.classical import Denoiser, Estimated, Estimator, refuse_unless_identity
from untaught.core.geometry import box
from untaught.problem import Problem

PART = (192, 1536)  # the part of a large picture whose time is taken


@dataclass(frozen=True)
class Filter(Estimator):
    """The denoiser's estimate of the data, told the noise's own deviation, without the bias of noise that was cut off."""

    denoiser: Denoiser

    def check(self, problem: Problem) -> None:
        refuse_unless_identity(self, problem)

    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        y, likelihood = problem.data, problem.likelihood
        yield Estimated(likelihood.unbias(self.denoiser(y, likelihood.deviation(box(y, 2)))))

    def excerpt(self, problem: Problem) -> tuple[Problem, float] | None:
        space = problem.data.shape[2:]
        if len(space) != 2 or prod(space) <= 4 * prod(PART):
            return None
        piece = problem.middle(PART)
        return piece, prod(space) / prod(piece.data.shape[2:])

    @classmethod
    def examples(cls) -> tuple[Estimator, ...]:
        return (Filter(_mean),)


def _mean(noisy: Tensor, deviation: Tensor) -> Tensor:
    return box(noisy, 1)
