"""The data in two, whose noises are independent: by the one a picture is found, by the other it is judged.

Of two estimates that have seen the first alone, the second tells which is nearer to the picture, and where.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from untaught.classical import Estimated, Estimator, refuse_unless_identity, spread
from untaught.classical.blended import SURE, best_share
from untaught.core.geometry import box
from untaught.core.randomness import Rng
from untaught.problem import Problem

GAMMA = 0.5
"""How much noise the first part has beside its own; the second has 1 / GAMMA of it (Pang et al. 2021 have the same)."""
NEAR = 12
"""Pixels about one that say how far another picture is blended in: its noise leaves fewer too unsure."""
SHARED = 0.6
"""Of the noise's variance: a picture that is nearer to the data than this has their noise. One found by a clean guide is as far as
the noise is strong, or farther."""


def fission(problem: Problem, rng: Rng) -> tuple[Problem, Tensor]:
    """(the problem with the data y + gamma n, y - n / gamma), n of the noise's own law (data fission, Leiner et al. 2023).

    Both have the mean of y, and errors that do not go together. `BadInput` where the noise cannot be drawn.
    """
    y, likelihood = problem.data, problem.likelihood
    noise = likelihood.draw(box(y, 2) if y.ndim > 2 else y, rng.fork("fission"))
    louder = likelihood.louder((1 + GAMMA**2) ** 0.5)
    return replace(problem, data=y + GAMMA * noise, likelihood=louder), y - noise / GAMMA


def _apart(kernel: Tensor | None) -> float:
    """How much less sure a mean over pixels and channels is where they share noise, as a factor of its standard error."""
    if kernel is None:
        return 1.0
    return max(1.0, float((kernel.sum((0, 2, 3)).square().sum() / len(kernel)).sqrt()))


@dataclass(frozen=True)
class CrossChecked(Estimator):
    """An estimate, blended with the picture of the stage before, `problem.start`, where the second part of the data says that it is
    nearer; the estimate alone where there is none, or where that picture was made with the data's own noise.

    seed: of the fission, of which that stage must have seen the first part alone, and know the mean of the data there.
    """

    estimator: Estimator
    seed: int = 0

    def check(self, problem: Problem) -> None:
        refuse_unless_identity(self, problem)

    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        other, problem = problem.start, replace(problem, start=None)
        x = self.estimator.estimate(problem)
        if other is None:
            yield Estimated(x)
            return
        if float(((problem.data - other) / spread(problem, x)).square().mean()) < SHARED:
            yield Estimated(
                x, "The guide has the noise of the photo itself, as its own copy would, and was left aside."
            )
            return
        seen, judge = fission(problem, Rng(self.seed, problem.data.device))
        this = seen.likelihood.expected(self.estimator.estimate(seen))
        likelihood = problem.likelihood
        share = best_share(this, other, judge, torch.ones_like(judge), NEAR, SURE * _apart(likelihood.kernel))
        yield Estimated(likelihood.unbias(torch.lerp(likelihood.expected(x), other, share)))

    @classmethod
    def examples(cls) -> tuple[Estimator, ...]:
        from untaught.classical.guided import GuidedFilter

        return (CrossChecked(GuidedFilter(radius=2)),)
