"""A filling, and beside it another picture, as far as pixels that both did not see say that it is nearer.

A filling from similar patches and a generator err in different places: textures are repeated and are found elsewhere, lettering on
a flat ground is not. Known pixels that are kept back from both tell which is right where.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Literal

import torch
from torch import Tensor

from untaught.classical import Estimated, Estimator, refuse_unless_identity
from untaught.classical.inpaint import Filling, Harmonic
from untaught.core.geometry import box
from untaught.core.randomness import Rng
from untaught.problem import Problem

Hide = Literal["pixels", "holes"]
BROAD, FAINT = 48, 0.03
"""Pixels about one that say how far another picture is blended in, and the weight of what the whole picture says beside them: in
narrower surroundings too few were kept back to tell, and a heavier whole hides where the other is good (docs/benchmarks)."""
SURE = 2.0
"""Standard errors: without them a generator that was no better cost up to 0.6 dB where few pixels were known (docs/benchmarks)."""


SAMPLES, FEWER = 6, 0.3
"""Pictures whose variance is taken, and the share of the known pixels that each does without."""


@dataclass(frozen=True)
class Blended(Estimator):
    """The filling of what is unknown, blended with the picture of the stage before, `problem.start`, which is the filling alone
    where there is none.

    hide, fraction, seed: of the pixels that are kept back (`kept_back`), which that stage must not have seen.
    """

    filling: Filling = Harmonic()
    hide: Hide = "pixels"
    fraction: float = 0.15
    seed: int = 0

    weighs, samples = True, True

    def check(self, problem: Problem) -> None:
        refuse_unless_identity(self, problem)

    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        y, known, other = problem.data, problem.known, problem.start
        x = self.filling(y * known, known)
        if other is not None:
            back = kept_back(known, self.hide, self.fraction, self.seed)
            seen = known - back
            blind = self.filling(y * seen, seen)
            x = torch.lerp(x, other, best_share(blind, other, y, back, radius=BROAD))
        yield Estimated(x)

    def variance(self, problem: Problem) -> Tensor | None:
        """The jackknife that leaves out a share f: the variance of its pictures, times (1 - f) / f (Shao and Wu 1989)."""
        known, rng, found = problem.known, Rng(self.seed, problem.data.device), []
        for i in range(SAMPLES):
            seen = known * (1 - hiding(known, self.hide, FEWER, rng.fork("sample", i)))
            if bool(seen.any()):
                found.append(self.estimate(replace(problem, weight=seen)))
        return torch.stack(found).var(0) * (1 - FEWER) / FEWER if len(found) > 1 else None

    @classmethod
    def examples(cls) -> tuple[Estimator, ...]:
        return (Blended(Harmonic(5)),)


def hiding(known: Tensor, hide: Hide, fraction: float, draw: torch.Generator) -> Tensor:
    """1 where pixels are hidden, known or not."""
    if hide == "holes":
        for _ in range(8):
            by = [int(torch.randint(n, (1,), generator=draw, device=draw.device)) for n in known.shape[2:]]
            moved = 1 - known.roll(by, tuple(range(2, known.ndim)))
            if bool((moved * known).any()):
                return moved
    # Where the channels are unknown together, they are hidden together: else each could be guessed from the others.
    together = bool((known == known[:, :1]).all())
    shape = known[:, :1].shape if together else known.shape
    hidden = torch.rand(shape, generator=draw, device=draw.device) < fraction
    return hidden.to(known).expand_as(known)


def kept_back(known: Tensor, hide: Hide, fraction: float, seed: int) -> Tensor:
    """1 at the known pixels, half as many as a hiding takes, on which nothing is fitted."""
    return known * hiding(known, hide, fraction / 2, Rng(seed, known.device).fork("kept back"))


def best_share(this: Tensor, other: Tensor, y: Tensor, weight: Tensor, radius: int = 0, sure: float = SURE) -> Tensor:
    """How far to go from this picture to the other to come nearest to y, 0 to 1: everywhere alike, or by neighbourhoods.

    By least squares, less `sure` standard errors of the regression: chance among few pixels blends in nothing.
    """
    step, wanted = other - this, y - this
    toward, squares = weight * step * wanted, weight * step.square()
    best = (toward.sum() / squares.sum().clamp_min(1e-12)).clamp(0, 1)
    scatter = (toward - best * squares).square()
    error = scatter.sum().sqrt() / scatter.numel()
    whole = ((toward.mean() - sure * error) / squares.mean().clamp_min(1e-12)).clamp(0, 1)
    if radius == 0:
        return whole
    here = [box(v.sum(1, keepdim=True), radius) for v in (toward, squares, scatter)]
    about = prod(min(2 * radius + 1, n) for n in y.shape[2:])  # pixels
    error = (here[2].clamp_min(0) / about).sqrt()
    # Where little is hidden, or both agree, the whole picture's share holds.
    least = FAINT * squares.mean() * y.shape[1]
    return ((here[0] + whole * least - sure * error) / (here[1] + least).clamp_min(1e-12)).clamp(0, 1)
