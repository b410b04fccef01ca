"""A denoiser in the place of R: half-quadratic splitting with a denoiser that was never taught anything (PnP-HQS).

Venkatakrishnan, Bouman and Wohlberg 2013 (plug and play); the order and the levels are those of Zhang et al., "Plug-and-Play
Image Restoration with Deep Denoiser Prior" (TPAMI 2021).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from typing import cast

import torch
from torch import Tensor

from untaught.classical import (
    Denoiser,
    Estimated,
    Estimator,
    Piloted,
    counted,
    precision,
    refuse_unless_weighable,
    spread,
    trusted,
)
from untaught.core.errors import BadInput
from untaught.core.geometry import box, crop_to, pad_to
from untaught.core.linear_algebra import conjugate_gradients
from untaught.problem import Problem

QUIET = 0.012  # of a contrast of 1: the last level of 0.005 to 0.008 with little noise, of 0.017 and more with some
FINE, COARSE, ABOUT = 2, 5, 10
"""Radii of the means whose difference is the detail that a blur leaves, and of the neighbourhood in which it is measured."""
ABOVE, TRACE = 2.0, 0.02
"""How many times the noise's own variance the detail has to have to count, and the least share of it that is reckoned with."""
ROUNDING = 0.29 / 255
"""The deviation of what 8 bit round off: of a smooth picture it is no white noise, and steps of it are as wide as the detail."""


@dataclass(frozen=True)
class PlugAndPlay(Estimator):
    """From the picture v of the round before: u = argmin |A u - y|^2 / sigma^2 + strength |u - v|^2 / level^2, then
    x = denoiser(u, level); the first v is the problem's first guess, or the back-projected data.

    levels: the deviation of the white noise that the denoiser is told in each round, in the units of the problem; they fall.
    strength: how much the round before is trusted. iterations: of conjugate gradients.
    pilot: whether the denoiser takes the picture of the round before as its pilot, from the second round on, which saves it a
    pass of its own.
    doubt: whether the round before is trusted more where the data show no detail above their noise. There is nothing to undo there,
    and of all that the data say only noise would be enlarged. For operators whose picture lies over the data.
    Noise that changes with brightness is that of A v, so that the rounds end where the likelihood of counts is largest.
    An operator that was sought is `off` by something, which counts as noise, and no round is quieter than half as much again.
    Needs a linear operator and the noise of the data.
    """

    denoiser: Denoiser | Piloted
    levels: tuple[float, ...] = (0.1,)
    strength: float = 0.15
    iterations: int = 60
    pilot: bool = False
    doubt: bool = False

    weighs = True

    def check(self, problem: Problem) -> None:
        if not self.levels:
            raise BadInput("PlugAndPlay has no levels, and so no round: give at least one, such as (0.1,).")
        if self.pilot and not hasattr(self.denoiser, "refine"):
            raise BadInput(f"The denoiser {type(self.denoiser).__name__} takes no pilot: leave pilot out.")
        refuse_unless_weighable(self, problem)

    @property
    def steps(self) -> int:
        return len(self.levels)

    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        v = problem.operator.adjoint(problem.data) if problem.start is None else problem.start
        for k in range(len(self.levels)):
            u = self.toward_data(v, problem, k)
            level = torch.full((1,) * u.ndim, self._level(problem, k), device=u.device, dtype=u.dtype)
            piloted = self.pilot and k > 0
            v = cast("Piloted", self.denoiser).refine(u, level, v) if piloted else self.denoiser(u, level)
            v = v.clamp_min(0) if counted(problem) else v
            yield Estimated(v)

    def shown(self, problem: Problem, estimate: Tensor) -> tuple[Tensor, Tensor]:
        """The estimate drawn to the data once more, unfiltered, and the last level, for `Bootstrap`."""
        return self.toward_data(estimate, problem, -1), torch.as_tensor(self.levels[-1]).to(estimate)

    def allowed(self, problem: Problem, x: Tensor) -> Tensor:
        """x: noise leaves every picture possible."""
        return x

    def toward_data(self, v: Tensor, problem: Problem, k: int = 0) -> Tensor:
        """(A^T W A + w) u = A^T W y + w v by conjugate gradients from v; W: the weights of the measurements over sigma^2.

        k: the round, whose level says how much v is trusted.
        """
        a, y = problem.operator, problem.data
        deviation = spread(problem, v)
        deviation = deviation.hypot(deviation.new_tensor(problem.operator.off))
        scale = float(deviation.square().mean())
        trust = (scale / deviation.square()).expand_as(y)
        trust = trust if problem.weight is None else trust * problem.weight
        w = self.strength * scale / self._level(problem, k) ** 2 / (_detail(y, scale, v) if self.doubt else 1.0)

        def normal(p: Tensor) -> Tensor:
            return a.adjoint(trust * a(p)) + w * p

        return conjugate_gradients(normal, a.adjoint(trust * y) + w * v, v, self.iterations)

    def _level(self, problem: Problem, k: int) -> float:
        return max(self.levels[k], 1.5 * problem.operator.off)

    @classmethod
    def examples(cls) -> tuple[Estimator, ...]:
        return PlugAndPlay(_mean, iterations=3), PlugAndPlay(_mean, (0.2, 0.1), iterations=3)


@dataclass(frozen=True)
class LeveledPlugAndPlay(Estimator):
    """`PlugAndPlay` whose levels follow from the noise: from `loud` on, by `fall` a round, down to `quiet` times what the data
    alone leave in a pixel, but not below `least`, where a filter changes little. So data of little noise get many rounds, and
    noisy ones few, before what is wrong with them comes back.

    count: of rounds, at most; those that are over change nothing, and cost nothing. few: so many are taken, at the last level, if
    there are fewer. fine: the denoiser of data of so little noise that the last level is below `QUIET`. The others: of
    `PlugAndPlay`. Pictures have a contrast of about 1.
    """

    denoiser: Denoiser | Piloted
    count: int = 30
    loud: float = 0.03
    quiet: float = 0.5
    strength: float = 1.0
    iterations: int = 20
    pilot: bool = False
    fall: float = 0.94
    least: float = 0.005
    few: int = 1
    fine: Denoiser | Piloted | None = None

    weighs = True

    def check(self, problem: Problem) -> None:
        self.at((self.loud,)).check(problem)

    @property
    def steps(self) -> int:
        return self.count

    def at(self, levels: tuple[float, ...]) -> PlugAndPlay:
        denoiser = self.fine if self.fine is not None and levels[-1] < QUIET else self.denoiser
        return PlugAndPlay(denoiser, levels, self.strength, self.iterations, self.pilot)

    def levels(self, problem: Problem) -> tuple[float, ...]:
        """In equal ratios, one a round that is taken."""
        left = self.quiet / max(precision(problem, trusted(problem)), 1e-30) ** 0.5
        last = min(max(left, self.least), 1.0)
        loud = max(self.loud, last)
        rounds = min(self.count, max(self.few, 1 + round(log(last / loud) / log(self.fall))))
        return tuple(loud * (last / loud) ** (k / max(1, rounds - 1)) for k in range(rounds))

    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        levels = self.levels(problem)
        for found in self.at(levels).iterates(problem):
            yield found
        for _ in range(self.count - len(levels)):
            yield found

    def shown(self, problem: Problem, estimate: Tensor) -> tuple[Tensor, Tensor]:
        """As of `PlugAndPlay`."""
        return self.at(self.levels(problem)[-1:]).shown(problem, estimate)

    def allowed(self, problem: Problem, x: Tensor) -> Tensor:
        """x: noise leaves every picture possible."""
        return x

    @classmethod
    def examples(cls) -> tuple[Estimator, ...]:
        return (
            LeveledPlugAndPlay(_mean, 2, iterations=3),
            LeveledPlugAndPlay(_mean, 3, loud=0.2, iterations=3, fine=_mean),
        )


def _detail(y: Tensor, variance: float, x: Tensor) -> Tensor:
    """The share of the detail in data y that is none of their noise, about every pixel of a picture x: as of Wiener's filter."""
    fine = 1 / (2 * FINE + 1) ** (y.ndim - 2) - 1 / (2 * COARSE + 1) ** (y.ndim - 2)  # of white noise of variance 1
    noise = fine * variance + min(variance, ROUNDING**2)
    bands = crop_to(box(y, FINE) - box(y, COARSE), [max(1, n - 2 * COARSE) for n in y.shape[2:]])
    power = box(bands.square().mean(1, keepdim=True), ABOUT).clamp_min(1e-12)
    return pad_to((1 - ABOVE * noise / power).clamp(TRACE, 1), x.shape[2:])


def _mean(noisy: Tensor, deviation: Tensor) -> Tensor:
    return box(noisy, 1)
