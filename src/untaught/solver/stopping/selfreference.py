"""A second picture of the same scene, made of the first: the best iterate is nearest to it.

With two noisy pictures of independent noise, one would be fitted and the other would judge. There is only one, but the
neighbours of a pixel know much of it and nothing of its noise. After the abstract of Huang et al., "A Principled
Self-Referenced Early Stopping Approach for Deep Image Prior" (arXiv 2605.25299); how they make their references we do not
know, and what follows is this project's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.problem import Problem
from untaught.solver.iterate import Iterate, Verdict
from untaught.solver.objectives._base import Objective
from untaught.solver.stopping._base import Minimum, Rule, State, refuse_shared_noise

WIDTHS = (0.6, 1.0, 1.6)  # of the Gaussians that the means are taken under, pixels
SAMPLE = 1 << 15  # pixels that the linear prediction is fitted on


@dataclass(frozen=True)
class SelfReference(Minimum):
    """mean |p - r|^2 of the prediction p = A x of the averaged picture, r the best of several pseudo-references.

    A pseudo-reference predicts every measurement from the others around it alone (J-invariance: Batson and Royer 2019), so
    what the run fits of a measurement's own noise is an error against it. Made are: means of the known neighbours under
    Gaussian windows without their middle, the median of the immediate neighbours, and the linear prediction from the
    neighbours in all channels, fitted by least squares. The one nearest to the data in the mean square is taken: for
    J-invariant predictions that is the one nearest to the truth, and no sigma is needed. What no prediction knows (fine
    texture) makes the score's minimum come early. Data with axes of space only; noise independent between pixels.
    """

    every: int = 10
    patience: int = 500
    needs = frozenset({"average"})
    _reference: Tensor | None = None
    _weight: Tensor | None = None

    def bind(self, problem: Problem, rng: Rng, objective: Objective) -> tuple[Problem, Rule]:
        y = problem.data
        if problem.likelihood.rewards or y.is_complex() or y.ndim < 3 or max(y.shape[2:]) < 3:
            raise BadInput(
                f"SelfReference predicts real measurements from their neighbours, and data of {tuple(y.shape)}, {y.dtype}, "
                f"with {type(problem.likelihood).__name__} have none to predict: use WindowedVariance()."
            )
        refuse_shared_noise(self, problem)
        weight = torch.ones_like(y) if problem.weight is None else problem.weight.to(y)
        whole = bool((weight > 0).all())
        found = [*means(y, weight), *((median(y), linear(y, rng)) if whole else ())]
        best = min(found, key=lambda r: float(((r - y).square() * weight).mean()))
        return problem, replace(self, _reference=best, _weight=weight)

    def step(self, state: State, iterate: Iterate) -> tuple[State, Verdict]:
        if iterate.step % self.every or self._reference is None or self._weight is None:
            return state, Verdict()
        apart = (iterate.prediction() - self._reference).square() * self._weight
        return self.judge(state, iterate, float(apart.sum() / self._weight.sum()))

    def reason(self, state: State) -> str:
        return (
            f"the picture was nearest to what its neighbours foretell of every pixel at step {state['at']}, and not nearer in "
            f"the {self.patience} steps since"
        )

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (SelfReference(every=2, patience=10),)


def means(y: Tensor, weight: Tensor) -> Iterator[Tensor]:
    """For each of `WIDTHS`: the mean of the known neighbours of "b c *space" under a Gaussian without its middle."""
    for width in WIDTHS:
        side = torch.arange(-max(1, round(2.5 * width)), max(1, round(2.5 * width)) + 1, device=y.device, dtype=y.dtype)
        g = torch.exp(-side.square() / (2 * width * width))
        around = [_windowed(v, g) - v for v in (y * weight, weight)]  # the middle of g is 1
        yield torch.where(around[1] > 1e-3, around[0] / around[1].clamp_min(1e-3), y.mean())


def median(y: Tensor) -> Tensor:
    """The median of the immediate neighbours, diagonal ones as well: not led astray by a few impulses."""
    return torch.stack([v for v, at in _shifts(y, 1) if any(at)]).quantile(0.5, dim=0)


def linear(y: Tensor, rng: Rng) -> Tensor:
    """The least-squares prediction of every value from those of all channels at most two pixels away (one, in volumes)."""
    around = [v for v, at in _shifts(y, 2 if y.ndim < 5 else 1) if any(at)]
    channels, pixels = y.shape[1], y[0, 0].numel()
    some = torch.randperm(pixels, generator=rng.fork("linear"), device=rng.device)[:SAMPLE]

    def columns(of: Tensor) -> Tensor:
        flat = torch.stack([v[0].flatten(1)[:, of] for v in around])
        return torch.cat([flat.flatten(0, 1), flat.new_ones(1, len(of))]).double()

    a, target = columns(some), y[0].flatten(1)[:, some].double()
    gram = a @ a.T
    gram.diagonal().add_(1e-6 * gram.diagonal().mean())
    solution = torch.linalg.solve(gram, a @ target.T).to(y)  # (neighbours * channels + 1, channels)
    found = solution[-1].view(1, channels, *[1] * (y.ndim - 2)).expand_as(y).clone()
    for k, v in enumerate(around):
        block = solution[k * channels : (k + 1) * channels]
        found += torch.einsum("bi...,io->bo...", v, block)
    return found


def _shifts(y: Tensor, radius: int) -> Iterator[tuple[Tensor, tuple[int, ...]]]:
    """(y shifted, by how much) for all shifts of at most `radius` along every axis of space, borders mirrored."""
    space = y.shape[2:]
    reach = [min(radius, n - 1) for n in space]
    padded = y
    for axis, r in enumerate(reach):
        index = torch.arange(-r, space[axis] + r, device=y.device).abs()
        index = torch.where(index < space[axis], index, 2 * (space[axis] - 1) - index)
        padded = padded.index_select(axis + 2, index)
    for at in product(*(range(-r, r + 1) for r in reach)):
        cut = tuple(slice(r + d, r + d + n) for r, d, n in zip(reach, at, space, strict=True))
        yield padded[(slice(None), slice(None), *cut)], at


def _windowed(v: Tensor, g: Tensor) -> Tensor:
    """The separable sum of "b c *space" under the window g along every axis of space, with nothing beyond the borders."""
    for axis in range(2, v.ndim):
        moved = v.movedim(axis, -1)
        flat = moved.reshape(-1, 1, moved.shape[-1])
        v = F.conv1d(flat, g[None, None], padding=len(g) // 2).reshape(moved.shape).movedim(-1, axis)
    return v


RULES = (SelfReference,)
