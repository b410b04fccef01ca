"""A JPEG's artefacts taken off by what the file's own tables do to a picture that has next to none.

What a JPEG does to a picture is no noise of a known law, but it can be done again: to a pilot X of the picture, on grids that lie
elsewhere. In a group of similar patches, the rows of X, with S what is seen of them each time and Y what the file shows,

    B = argmin  mean |S B - X|^2 + load |B|^2        and        Z = Y B,

all less the group's mean in X: the Wiener filter of non-local Bayes (Lebrun, Buades and Morel 2013), with the parametric bootstrap
(Efron 1979) in the place of a model of the noise. Kept within the file's intervals, Z is the next pilot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor

from untaught.classical import Estimated, Estimator
from untaught.classical.deblock import Deblock
from untaught.classical.denoise.matching import Pass, match
from untaught.classical.denoise.nl_ridge import FEW, combined, patches, taken
from untaught.core.geometry import over
from untaught.core.linear_algebra import factor
from untaught.problem import Problem
from untaught.problem.operators.jpeg import BlockDCT

MOVED = ((4, 4), (2, 6), (6, 1), (1, 3), (5, 7), (3, 2), (7, 5), (4, 0))
"""Where the other grids lie: pixels down and along, none of them on the file's own."""


@dataclass(frozen=True)
class Wiener:
    """How planes are found: by which pass, its sides in pixels whatever the planes; with which load, in units of the mean energy of
    what is seen of a pixel; and from how many other grids."""

    each: Pass
    load: float
    grids: int = len(MOVED)


@dataclass(frozen=True)
class Recode(Estimator):
    """From the picture of `first`, `rounds` times.

    bright: of brightness, and of planes that are no colour differences, each from itself. colour: of the differences from all
    planes, since a file holds their shapes in the brightness alone. pixels: larger pictures are done by strips of about that many.
    Data that are the decoded picture itself (no coefficients at hand) are left to `first`.
    """

    first: Deblock
    rounds: int = 3
    bright: Wiener = Wiener(Pass(7, 64, 35, stride=5), 0.1)
    colour: Wiener = Wiener(Pass(3, 256, 35, stride=3), 0.5, 4)
    pixels: int = 1 << 17

    @property
    def steps(self) -> int:
        return 1 + self.rounds

    def check(self, problem: Problem) -> None:
        self.first.check(problem)

    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        x = self.first.estimate(problem) if problem.start is None else problem.start
        yield Estimated(x)
        if not problem.operator.quantised:
            return
        operator = cast("BlockDCT", problem.operator)
        shown = operator.even(operator.decode(problem.data, smooth=True))
        for _ in range(self.rounds):
            seen = [operator.even(operator.recoded(x, *by)) for by in MOVED]
            x = self.allowed(problem, operator.uneven(self._learnt(operator.colour, operator.even(x), shown, seen)))
            yield Estimated(x)

    def shown(self, problem: Problem, estimate: Tensor) -> tuple[Tensor, Tensor]:
        """The plain picture and the deviation of its error, for `Bootstrap`."""
        return self.first.shown(problem, estimate)

    def allowed(self, problem: Problem, x: Tensor) -> Tensor:
        """x within the intervals of the coefficients."""
        return self.first.allowed(problem, x)

    def _learnt(self, colour: bool, x: Tensor, shown: Tensor, seen: Sequence[Tensor]) -> Tensor:
        """The planes anew, (1, planes, h, w)."""
        planes, (height, width) = list(range(x.shape[1])), tuple(x.shape[2:])
        parts = [([i], [i], self.bright) for i in (planes[:1] if colour else planes)]
        parts += [(planes, planes[1:], self.colour)] if colour else []
        parts = [(ins, outs, replace(how, each=how.each.within((height, width)))) for ins, outs, how in parts]
        halo = max(how.each.reach for _, _, how in parts)

        def strip(at: tuple[Any, ...], _: int) -> Tensor:
            def of(v: Tensor, some: list[int]) -> Tensor:
                return v[at][0, some]

            made = [
                relearnt(of(x, ins), of(x, outs), of(shown, ins), [of(s, ins) for s in seen[: how.grids]], how)
                if how.each.group >= FEW
                else of(x, outs)
                for ins, outs, how in parts
            ]
            return torch.cat(made)[None]

        return over((height, width), (max(self.pixels // width, 4 * halo), width), halo, strip)

    @classmethod
    def examples(cls) -> tuple[Estimator, ...]:
        (first,) = cast("tuple[Deblock]", Deblock.examples())
        return (Recode(first, 1, Wiener(Pass(5, 16, 9), 0.1), Wiener(Pass(3, 32, 9, stride=3), 0.5)),)


def relearnt(x: Tensor, wanted: Tensor, y: Tensor, seen: Sequence[Tensor], how: Wiener) -> Tensor:
    """The `wanted` planes of the pilot x (c, h, w) as they follow from y, by the weights that lead there from what is seen of x."""
    side = how.each.patch
    base, clean, rows, *damaged = (patches(v, side) for v in (x, wanted, y, *seen))

    def wiener(some: Tensor) -> tuple[Tensor, Tensor]:
        about, goal = taken(base, some).mean(1, keepdim=True), taken(clean, some)
        mean = goal.mean(1, keepdim=True)
        n = rows.shape[1]
        gram, cross = goal.new_zeros(len(some), n, n), goal.new_zeros(len(some), n, goal.shape[2])
        for part in damaged:
            z = taken(part, some).sub_(about)
            gram.baddbmm_(z.mT, z)
            cross.baddbmm_(z.mT, goal - mean)
        gram.diagonal(dim1=1, dim2=2).add_(how.load * gram.diagonal(dim1=1, dim2=2).mean(1, keepdim=True) + 1e-9)
        mix = torch.cholesky_solve(cross, factor(gram))
        return mean + (taken(rows, some) - about) @ mix, goal.new_ones(some.shape)

    return combined(wiener, match(x, how.each).alike, wanted, side)
