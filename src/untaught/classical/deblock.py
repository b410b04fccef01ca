"""A JPEG without its artefacts, without a network: a filter of the plain decoding, kept within what the file allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from untaught.classical import Estimated, Estimator, Piloted
from untaught.core.errors import BadInput
from untaught.problem import Problem
from untaught.problem.operators import Identity
from untaught.problem.operators.dct import BlockDCT


@dataclass(frozen=True)
class Deblock(Estimator):
    """Filter, project, filter again with the result as the pilot, project: alternating projections (Zakhor 1992) between
    pictures that the filter finds plausible and those whose coefficients round to the file's.

    first, again: the strength of both, in units of the deviation that `deviations` guesses from the quantisation tables.
    half: how far, in steps, a coefficient may move; below 1/2, since the true one is seldom at the edge.
    Data that are the decoded picture itself (no coefficients at hand) are taken as noisy with the likelihood's deviation.
    """

    denoiser: Piloted
    first: float = 1.2
    again: float = 1.4
    half: float = 0.4

    def check(self, problem: Problem) -> None:
        if not isinstance(problem.operator, (BlockDCT, Identity)):
            raise BadInput(
                f"Deblock needs a JPEG's coefficients, not data of {type(problem.operator).__name__}: use PlugAndPlay."
            )

    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        operator, y = problem.operator, problem.data
        if isinstance(operator, BlockDCT):
            yield Estimated(deblocked(operator, y, self))
        else:
            level = problem.likelihood.deviation(y)
            yield Estimated(self.denoiser.refine(y, level, self.denoiser(y, level)))

    def shown(self, problem: Problem, estimate: Tensor) -> tuple[Tensor, Tensor]:
        """The plain picture and the deviation of its error, for `Bootstrap`."""
        operator, y = problem.operator, problem.data
        if not isinstance(operator, BlockDCT):
            return y, problem.likelihood.deviation(y)
        return operator.decode(y, smooth=True), deviations(operator)[0].to(y)

    def allowed(self, problem: Problem, x: Tensor) -> Tensor:
        """x within the intervals of the coefficients."""
        operator = problem.operator
        return operator.project(x, problem.data, self.half) if isinstance(operator, BlockDCT) else x

    @classmethod
    def examples(cls) -> tuple[Estimator, ...]:
        from untaught.classical.denoise.nl_ridge import NonLocalRidge, Pass

        return (Deblock(NonLocalRidge(Pass(7, 16, 9), (Pass(5, 16, 9),), (Pass(5, 16, 9),))),)


def deblocked(operator: BlockDCT, y: Tensor, how: Deblock) -> Tensor:
    """The whole recipe of `how` on one JPEG.

    It filters the planes of the file, each in the unit of its own deviation: colour differences are quantised more coarsely.
    """
    level = deviations(operator).to(y)
    unit = (level / level[0]).view(1, -1, 1, 1)

    def kept(planes: Tensor) -> Tensor:
        x = operator.project(operator.picture(planes * unit), y, how.half)
        return operator.channels(x) / unit

    plain = operator.channels(operator.decode(y, smooth=True)) / unit
    pilot = kept(how.denoiser(plain, how.first * level[0]))
    return operator.picture(kept(how.denoiser.refine(plain, how.again * level[0], pilot)) * unit)


def deviations(operator: BlockDCT) -> Tensor:
    """The standard deviation of the decoding's error in each plane, in full scale, guessed from the nine lowest steps.

    sigma^2 = 0.69 q^1.3 with their mean q in grey levels of 255 (Foi, Katkovnik and Egiazarian, "Pointwise shape-adaptive
    DCT for high-quality denoising and deblocking of grayscale and color images", 2007).
    """
    q = 255 * operator.steps[:, :3, :3].mean((1, 2))
    return (0.69 * q**1.3).sqrt() / 255

