"""What every objective is, and the one way a fed network is applied to a whole picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from untaught.errors import BadInput
from untaught.geometry import crop_to, pad_to, padded, strips, symmetry, unsymmetry
from untaught.operators import Identity
from untaught.priors import Prior
from untaught.problem import Problem
from untaught.randomness import Rng

Model = Callable[..., Tensor]


@dataclass(frozen=True)
class Step:
    """What one step saw: the energy to descend, its data part alone, and the picture it made.

    energy: 0-d, with gradient. fit: 0-d, E alone, detached. x: detached, (members, c, *space), or None for crops.
    """

    energy: Tensor
    fit: Tensor
    x: Tensor | None


class Objective(ABC):
    """A frozen value; `bind` refuses, before the run, what cannot work, with the reason and the remedy."""

    whole = False
    """Whether a step makes the whole picture (averages of pictures and rules that look at it need that)."""

    @abstractmethod
    def bind(self, problem: Problem, prior: Prior) -> Objective: ...

    @abstractmethod
    def step(self, model: Model, problem: Problem, rng: Rng) -> Step: ...

    @abstractmethod
    def picture(self, model: Model, problem: Problem, rng: torch.Generator, passes: int = 1) -> Tensor:
        """The picture, without gradient: the mean of `passes` fresh draws; (1, c, *space)."""

    @classmethod
    @abstractmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        """(objective, prior it works with for one-channel pictures) pairs that the law tests sweep."""


@dataclass(frozen=True)
class Crops:
    """Random crops: `batch` squares of `size` pixels, each under one of the eight symmetries."""

    size: int = 64
    batch: int = 4

    def draw(self, layers: list[Tensor], rng: Rng) -> list[Tensor]:
        """The same crops of several "1 c *space" tensors of one size; the batch comes first."""
        space = layers[0].shape[2:]
        side = [min(self.size, n) for n in space]
        # A transposed crop must fit beside an upright one: without a square, only flips.
        kinds = 8 if len(space) == 2 and side[0] == side[1] else 2 ** min(len(space), 2)
        found: list[list[Tensor]] = [[] for _ in layers]
        for _ in range(self.batch):
            corner = [rng.integers(n - s + 1, 1)[0] for n, s in zip(space, side, strict=True)]
            which = rng.integers(kinds, 1)[0]
            where = (slice(None), slice(None), *(slice(c, c + s) for c, s in zip(corner, side, strict=True)))
            for out, layer in zip(found, layers, strict=True):
                out.append(symmetry(layer[where], which))
        return [torch.cat(out) for out in found]


def apply(model: Model, z: Tensor, *, pixels: int = 1 << 19) -> Tensor:
    """A fed network over a whole picture: at once, or by strips of at most `pixels` where it has a finite reach.

    The strips are cut from the padded picture at multiples of the network's own grid and see `reach` pixels more on
    both sides, so that the result is that of the whole picture, in a memory that does not grow with its height.
    """
    reach = getattr(model, "reach", None)
    space, multiple = tuple(z.shape[2:]), getattr(model, "multiple", 1)
    z = pad_to(z, padded(space, multiple))
    height, rows = z.shape[2], pixels // max(1, z[0, 0, 0].numel()) // multiple * multiple
    if reach is None or rows >= height:
        return crop_to(model(z), space)
    halo = -(-reach // multiple) * multiple
    rows = max(rows - 2 * halo, halo, multiple)
    parts = [model(z[:, :, s.low : s.high])[:, :, s.start - s.low : s.stop - s.low] for s in strips(height, rows, halo)]
    return crop_to(torch.cat(parts, dim=2), space)


def averaged(draw: Callable[[], Tensor], model: Model, passes: int) -> Tensor:
    """The mean over `passes` of the network on a fresh input, the i-th under the i-th symmetry."""
    with torch.no_grad():
        total: Any = 0.0
        for i in range(passes):
            answer = unsymmetry(apply(model, symmetry(draw(), i % 8)), i % 8)
            total = total + answer.mean(0, keepdim=True) / passes
        return total


def refuse_unless_fed(objective: Objective, problem: Problem, prior: Prior, channels: int) -> None:
    """The three things that every objective on crops needs."""
    name = type(objective).__name__
    if prior.fed != channels:
        raise BadInput(
            f"{name} feeds the network {channels} channels, but this prior takes {prior.fed}: "
            f"use Network(net, Fed({channels}), output='linear')."
        )
    if not problem.regulariser.local:
        raise BadInput(f"{name} judges crops, and this regulariser needs the whole picture: drop it, or use Fit.")


def refuse_unless_identity(objective: Objective, problem: Problem) -> None:
    if not isinstance(problem.operator, Identity):
        raise BadInput(
            f"{type(objective).__name__} works where the data are the noisy picture itself, but the operator is "
            f"{type(problem.operator).__name__}: use Fit, or Split."
        )
