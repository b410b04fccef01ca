"""A JPEG's artefacts taken off by what the file's own tables do to a picture that has next to none.

The non-local ridge has the weights of least risk, for noise whose law is known (`nl_ridge`). What a JPEG adds is no noise: most of it is
picture that was rounded away. But it can be done again to a pilot X of the picture, on grids that lie elsewhere, so that the least
risk is a mean over these: for the groups of similar patches, with S what is seen of X each time,

    T = argmin  mean |T S - X|^2        and        Z = T Y,    of the patches Y that the file shows,

all less the mean of X; the parametric bootstrap (Efron 1979) in the place of a model. Then Z is kept within the file's intervals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from untaught.classical import Estimated, Estimator
from untaught.classical.deblock import Deblock
from untaught.classical.denoise.nl_ridge import FEW, Pass, combined, match, patches, taken
from untaught.core.conjugate_gradients import factor
from untaught.core.errors import BadInput
from untaught.problem import Problem
from untaught.problem.operators.dct import BlockDCT

MOVED = ((4, 4), (2, 6), (6, 1), (1, 3))
"""Where the other grids lie: pixels down and along, none of them on the file's own."""
LOAD = 0.05  # of a group's mean energy: few groups know as many patches as they have weights


@dataclass(frozen=True)
class Recode(Estimator):
    """From the picture of the stage before, or that of `first`. rounds: how often, each time with the last as the pilot. each: the
    pass, for three channels. Its share of the result is `share`, since it errs elsewhere than its pilot."""

    first: Deblock
    each: Pass = Pass(5, 64, 25, stride=3)
    rounds: int = 2
    share: float = 0.7

    def check(self, problem: Problem) -> None:
        if not problem.operator.quantised:
            raise BadInput(f"Recode needs a JPEG's coefficients, not data of {type(problem.operator).__name__}: use Deblock.")

    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        operator, y = cast("BlockDCT", problem.operator), problem.data
        start = self.first.estimate(problem) if problem.start is None else problem.start
        one = self.each.of(start.shape[1], 0).within(tuple(start.shape[2:]))
        x = start
        if one.group >= FEW:
            shown = operator.even(operator.decode(y, smooth=True))
            for _ in range(self.rounds):
                seen = [operator.even(operator.recoded(x, *by))[0] for by in MOVED]
                planes = relearned(shown[0], operator.even(x)[0], seen, one)[None]
                x = operator.project(operator.uneven(planes), y, self.first.half)
        yield Estimated(torch.lerp(start, x, self.share))

    @classmethod
    def examples(cls) -> tuple[Estimator, ...]:
        (first,) = cast("tuple[Deblock]", Deblock.examples())
        return (Recode(first, Pass(3, 16, 9), 1),)


def relearned(y: Tensor, pilot: Tensor, seen: Sequence[Tensor], one: Pass) -> Tensor:
    """(c, h, w) of y, every group combined by the weights that lead from what is `seen` of the pilot back to it."""
    rows, clean, damaged = patches(y, one.patch), patches(pilot, one.patch), [patches(s, one.patch) for s in seen]

    def ridge(some: Tensor) -> tuple[Tensor, Tensor]:
        x = taken(clean, some)
        mean = x.mean(1, keepdim=True)
        gram, cross = (x.new_zeros(*some.shape, some.shape[1]) for _ in range(2))
        for part in damaged:
            z = taken(part, some).sub_(mean)
            gram.baddbmm_(z, z.mT)
            cross.baddbmm_(z, (x - mean).mT)
        gram.diagonal(dim1=1, dim2=2).add_(LOAD * gram.diagonal(dim1=1, dim2=2).mean(1, keepdim=True) + 1e-9)
        mix = torch.cholesky_solve(cross, factor(gram)).mT
        sure = 1 / mix.square().sum(2).clamp_min(1 / some.shape[1])
        return (mean + mix @ (taken(rows, some) - mean)).mul_(sure[:, :, None]), sure

    return combined(ridge, match(pilot, one).alike, y, one.patch)
