"""A JPEG without its artefacts, without a network: a filter of the plain decoding, kept within what the file allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from torch import Tensor

from untaught.classical import Estimated, Estimator, Piloted
from untaught.core.errors import BadInput
from untaught.problem import Problem
from untaught.problem.operators.jpeg import BlockDCT


@dataclass(frozen=True)
class Deblock(Estimator):
    """Filter, project, filter again with the result as the pilot, project: alternating projections (Zakhor 1992) between
    pictures that the filter finds plausible and those whose coefficients round to the file's.

    first, again: the strength of both, in units of the deviation that `BlockDCT.deviations` guesses from the quantisation tables.
    half: how far, in steps, a coefficient may move; below 1/2, since the true one is seldom at the edge.
    Data that are the decoded picture itself (no coefficients at hand) are taken as noisy with the likelihood's deviation.
    """

    denoiser: Piloted
    first: float = 1.2
    again: float = 1.4
    half: float = 0.4

    def check(self, problem: Problem) -> None:
        if not (problem.operator.quantised or problem.operator.direct):
            raise BadInput(
                f"Deblock needs a JPEG's coefficients, not data of {type(problem.operator).__name__}: use PlugAndPlay."
            )

    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        y = problem.data
        if problem.operator.quantised:
            yield Estimated(deblocked(_coded(problem), y, self))
        else:
            level = problem.likelihood.deviation(y)
            yield Estimated(self.denoiser.refine(y, level, self.denoiser(y, level)))

    def shown(self, problem: Problem, estimate: Tensor) -> tuple[Tensor, Tensor]:
        """The plain picture and the deviation of its error, for `Bootstrap`."""
        y = problem.data
        if not problem.operator.quantised:
            return y, problem.likelihood.deviation(y)
        operator = _coded(problem)
        return operator.decode(y, smooth=True), operator.deviations[0].to(y)

    def allowed(self, problem: Problem, x: Tensor) -> Tensor:
        """x within the intervals of the coefficients."""
        return _coded(problem).project(x, problem.data, self.half) if problem.operator.quantised else x

    @classmethod
    def examples(cls) -> tuple[Estimator, ...]:
        from untaught.classical.denoise.matching import Pass
        from untaught.classical.denoise.nl_ridge import NonLocalRidge

        return (Deblock(NonLocalRidge(Pass(7, 16, 9), (Pass(5, 16, 9),), (Pass(5, 16, 9),))),)


def _coded(problem: Problem) -> BlockDCT:
    return cast("BlockDCT", problem.operator)


def deblocked(operator: BlockDCT, y: Tensor, how: Deblock) -> Tensor:
    """The whole recipe of `how` on one JPEG.

    It filters the planes of the file, each in the unit of its own deviation: colour differences are quantised more coarsely.
    """
    level = operator.deviations.to(y)
    unit = (level / level[0]).view(1, -1, 1, 1)

    def kept(planes: Tensor) -> Tensor:
        x = operator.project(operator.picture(planes * unit), y, how.half)
        return operator.channels(x) / unit

    plain = operator.channels(operator.decode(y, smooth=True)) / unit
    pilot = kept(how.denoiser(plain, how.first * level[0]))
    return operator.picture(kept(how.denoiser.refine(plain, how.again * level[0], pilot)) * unit)
