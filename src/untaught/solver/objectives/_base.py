"""What every objective is, and the one way a fed network is applied to a whole picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.geometry import crop_to, over, pad_to, padded, symmetry, unsymmetry
from untaught.core.randomness import Rng
from untaught.prior import Prior
from untaught.problem import Problem
from untaught.solver.iterate import Step

ANSWERS = 6  # of a fed network, to fresh noise or fewer pixels: samples of its picture

Model = Callable[..., Tensor]
Answer = Callable[[Problem], Tensor]


class Objective(ABC):
    """A frozen value; `bind` refuses, before the run, what cannot work, with the reason and the remedy."""

    whole = False
    """Whether a step makes the whole picture (averages of pictures and rules that look at it need that)."""
    draws = True
    """Whether a step or the picture depends on numbers drawn here, besides what the prior and the optimiser draw."""
    weighs = False
    """Whether measurements may have weights of their own, 0 among them; others need a value in every place."""
    beside = False
    """Whether its picture is that of the stage before with a share of its own: until it is over, the one before is the result."""

    @abstractmethod
    def bind(self, problem: Problem, prior: Prior) -> Objective: ...

    @abstractmethod
    def step(self, model: Model, problem: Problem, rng: Rng) -> Step: ...

    @abstractmethod
    def picture(self, model: Model, problem: Problem, rng: Rng, passes: int = 1) -> Tensor:
        """The picture, without gradient: the mean of `passes` draws; (1, c, *space). Only forks of `rng` may be used."""

    @property
    def items(self) -> int:
        """How many inputs are prepared one by one."""
        return self.pool

    def pooled(self, count: int) -> Self:
        """The same with a pool of so many, where it has one."""
        return replace(self, pool=count) if self.pool else self  # type: ignore[type-var]

    def quick(self) -> Objective:
        """The same without a last pass that costs seconds; it shares what was prepared."""
        return self

    def variance(self, answer: Answer, shown: Callable[[], Tensor], problem: Problem, rng: Rng) -> Tensor | None:
        """Of the picture of a stage that has ended, (1, c, *space), from the network's answers to other problems; None where it has
        no samples. answer: the picture that it makes of one. shown: the picture of the stage."""
        return None

    samples = False
    """Whether `variance` has some."""
    wanders = False
    """Whether weights that wander about the minimum of its energy give pictures that are samples."""
    answers = 0
    """How many answers of the network `variance` and `blindness` take, in steps of the final picture."""
    refits = False
    """Whether its network, as it is, makes the picture of all measurements from that of some."""
    transfers = False
    """Whether its network, once it has learnt, makes the picture of other data, too: of a part of a large picture, and the next."""

    def decided(self, model: Model, problem: Problem, rng: Rng) -> dict[str, Any]:
        """What is found out on this problem, and holds for others that the network answers for: fields, with their values."""
        return {}

    pool = 0
    """How many inputs are prepared once, from seed and number alone, and used again."""
    window: int | None = None
    """The longest side of what is prepared at once; None where that is the whole picture."""
    overfits = False
    """Whether a network that goes on far enough fits the noise of the data, too."""
    needs_all = False
    """Whether every measurement must be there: where some are held out, others stand in their place (`without`)."""

    def without(self, problem: Problem, held: Tensor, draw: torch.Generator) -> Problem:
        """The problem without the measurements where `held`, of the shape of the data, is 1."""
        weight = (1 - held) if problem.weight is None else problem.weight * (1 - held)
        return replace(problem, weight=weight)

    def blindness(self, answer: Answer, x: Tensor, held: Tensor, variance: Tensor, problem: Problem, rng: Rng) -> float:
        """How many times larger the samples' deviation is at a measurement that is held out."""
        return 1.0

    def excerpt(self, problem: Problem) -> tuple[Problem, float] | None:
        """Where pictures of that size are made in parts: one part as a problem, and how many times its work the whole is."""
        return None

    @classmethod
    @abstractmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        """(objective, prior it works with for one-channel pictures) pairs that the law tests sweep."""


@dataclass(frozen=True)
class Crops:
    """Random crops: `batch` squares of `size` pixels, each under one of the eight symmetries."""

    size: int = 64
    batch: int = 4

    def draw(self, layers: Sequence[Tensor], rng: Rng) -> list[Tensor]:
        """The same crops of several "1 c *space" tensors of one size; the batch comes first."""
        return self.gather(lambda: layers, rng)

    def gather(self, choose: Callable[[], Sequence[Tensor]], rng: Rng, each: int = 1) -> list[Tensor]:
        """The same, of layers that `choose` hands in anew for every crop; each (`each`, c, *space) makes `each` of the batch."""
        found: list[list[Tensor]] = []
        for _ in range(max(1, self.batch // each)):
            cut = self._cut(tuple((layers := choose())[0].shape[2:]), rng)
            found.append([cut(layer) for layer in layers])
        return [torch.cat(parts) for parts in zip(*found, strict=True)]

    def _cut(self, space: tuple[int, ...], rng: Rng) -> Callable[[Tensor], Tensor]:
        side = [min(self.size, n) for n in space]
        # A transposed crop must fit beside an upright one: without a square, only flips.
        kinds = 8 if len(space) == 2 and side[0] == side[1] else 2 ** min(len(space), 2)
        corner = [rng.integer(n - s + 1) for n, s in zip(space, side, strict=True)]
        which = rng.integer(kinds)
        where = (slice(None), slice(None), *(slice(c, c + s) for c, s in zip(corner, side, strict=True)))
        return lambda layer: symmetry(layer[where], which)


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
    sides = (rows, *z.shape[3:])
    return crop_to(over(z.shape[2:], sides, halo, lambda seen, _: model(z[seen])), space)


def averaged(inputs: Iterable[Tensor], model: Model) -> Tensor:
    """The mean of the network over several inputs, the i-th under the i-th symmetry."""
    total, count = torch.zeros(()), 0
    with torch.no_grad():
        for i, z in enumerate(inputs):
            answer = unsymmetry(apply(model, symmetry(z, i % 8)), i % 8).mean(0, keepdim=True)
            total, count = total.to(answer) + answer, count + 1
    return total / count


def refuse_unless_fed(objective: Objective, problem: Problem, prior: Prior, channels: int) -> None:
    """The three things that every objective on crops needs."""
    name = type(objective).__name__
    if prior.fed != channels:
        raise BadInput(
            f"{name} feeds the network {channels} channels, but this prior takes {prior.fed}: "
            f"use Network(net, Fed({channels}), output='linear')."
        )
    if not prior.feedable:
        raise BadInput(f"{name} cannot feed an Ensemble: repeat the run with other seeds instead.")
    if not problem.regulariser.local:
        raise BadInput(f"{name} judges crops, and this regulariser needs the whole picture: drop it, or use Fit.")


def refuse_unless_identity(objective: Objective, problem: Problem) -> None:
    if not problem.operator.direct:
        raise BadInput(
            f"{type(objective).__name__} works where the data are the noisy picture itself, but the operator is "
            f"{type(problem.operator).__name__}: use Fit, or Split."
        )
