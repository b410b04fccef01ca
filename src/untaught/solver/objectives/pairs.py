"""A picture teaches how it is enlarged: it is made smaller, and a network learns to bring it back.

"Zero-Shot" super-resolution, Shocher, Cohen and Irani, CVPR 2018: nothing but the given picture is learnt from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil, log2
from typing import Any, Literal

import torch
from torch import Tensor

from untaught.classical import Estimator
from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.prior import Network, Prior
from untaught.prior.codes import Fed
from untaught.problem import Problem
from untaught.problem.likelihoods import Gaussian
from untaught.problem.operators import Operator
from untaught.problem.operators.resample import resized
from untaught.solver.iterate import Step
from untaught.solver.objectives._base import Crops, Model, Objective, averaged, refuse_unless_fed


@dataclass(frozen=True)
class Pairs(Objective):
    """Input: the small picture, made smaller by one stride with the problem's own kernel and enlarged again (bicubic, the
    base of a residual network). Target: the picture itself.

    The way from small to large is made in strides of at most `stride`, each with the same network; after each the data are
    put back in, since the picture made smaller must be the data (`repeats` rounds of iterative back-projection, Irani and
    Peleg 1991). shrinks: further targets, the picture at these sizes. A pass is one of the eight symmetries.

    other: an estimator of the large picture from the small one, which errs elsewhere; the network's has the weight `share` beside
    it. finish: what makes the result of that, from the data once more. Both are told white noise of the deviation `rounding`.
    """

    stride: float = 2.0
    crops: Crops = Crops(48, 4)
    shrinks: tuple[float, ...] = (1.0, 0.9, 0.8, 0.7)
    repeats: int = 8
    error: Literal["absolute", "square"] = "absolute"
    other: Estimator | None = None
    share: float = 1.0
    finish: Estimator | None = None
    rounding: float = 0.0015
    _made: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    transfers = True

    def bind(self, problem: Problem, prior: Prior) -> Pairs:
        if not problem.operator.scales:
            raise BadInput(
                f"Pairs learns how a picture is made smaller, but the operator is {type(problem.operator).__name__}: "
                "use Downsample, or Fit."
            )
        if not 1 < self.stride < float("inf"):
            raise BadInput(f"Pairs strides from size to size by a factor above 1, not {self.stride:g}.")
        if problem.weight is not None:
            raise BadInput("Pairs needs every pixel of the small picture: fill the unknown ones first, or use Fit.")
        refuse_unless_fed(self, problem, prior, problem.data.shape[1])
        return replace(self, _made={})

    def step(self, model: Model, problem: Problem, rng: Rng) -> Step:
        inputs, target = self.crops.gather(lambda: self._pair(problem, rng), rng)
        x = model(inputs)
        apart = x - target
        error = (apart.abs() if self.error == "absolute" else apart.square()).mean()
        return Step(error + problem.regulariser(x), apart.detach().square().mean(), None)

    def picture(self, model: Model, problem: Problem, rng: Rng, passes: int = 1) -> Tensor:
        x, operator = problem.data, problem.operator
        small, large = x.shape[2:], problem.image_shape[2:]
        with torch.no_grad():
            for space in self.sizes(small, large):
                x = averaged([resized(x, space)] * passes, model)
                x = self.put_back(x, problem.data, operator.between(small, space).to(x.device))
            asked = replace(problem, likelihood=Gaussian(self.rounding), start=resized(problem.data, large))
            if self.other is not None:
                if "other" not in self._made:
                    self._made["other"] = self.other.estimate(asked)
                x = torch.lerp(self._made["other"], x, self.share)
            if self.finish is not None:
                x = self.put_back(self.finish.estimate(replace(asked, start=x)), problem.data, operator)
        return x

    def quick(self) -> Pairs:
        return replace(self, other=None, finish=None)

    def sizes(self, small: Sequence[int], large: Sequence[int]) -> list[tuple[int, ...]]:
        """The sizes on the way from the small picture to the large one, in equal strides."""
        ratio = [n / s for s, n in zip(small, large, strict=True)]
        count = max(1, ceil(log2(max(ratio)) / log2(self.stride) - 1e-6))
        between = [
            tuple(round(s * r ** (i / count)) for s, r in zip(small, ratio, strict=True)) for i in range(1, count)
        ]
        return [*between, tuple(large)]

    def put_back(self, x: Tensor, data: Tensor, operator: Operator) -> Tensor:
        """x moved so that, made smaller, it is the data."""
        for _ in range(self.repeats):
            x = x + resized(data - operator(x), x.shape[2:])
        return x

    def _pair(self, problem: Problem, rng: Rng) -> list[Tensor]:
        """[input, target] of one size, by chance: each size as often as it has pixels."""
        if "pairs" not in self._made:
            self._made["pairs"] = pairs = self._pairs(problem)
            self._made["count"] = torch.tensor([float(p[1].numel()) for p in pairs], device=rng.device)
        which = torch.multinomial(self._made["count"], 1, generator=rng.stream)
        found: list[Tensor] = self._made["pairs"][int(which)]
        return found

    def _pairs(self, problem: Problem) -> list[list[Tensor]]:
        operator, y, found = problem.operator, problem.data, []
        small = y.shape[2:]
        factors = [n / s for s, n in zip(small, self.sizes(small, problem.image_shape[2:])[0], strict=True)]
        if max(factors) == 1:  # nothing is to be enlarged: the network learns what it would for one stride
            factors = [self.stride] * len(factors)
        for shrink in self.shrinks:
            space = [round(n * shrink) for n in small]
            if shrink < 1 and any(n < min(self.crops.size, s) for n, s in zip(space, small, strict=True)):
                continue  # all crops of a batch have one size
            target = resized(y, space)
            smaller = [max(1, round(n / f)) for n, f in zip(space, factors, strict=True)]
            down = operator.between(smaller, space).to(y.device)
            found.append([resized(down(target), space), target])
        return found

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        from untaught.classical.plug_and_play import PlugAndPlay
        from untaught.classical.total_variation import TotalVariation
        from untaught.prior.networks.hourglass import Hourglass

        net = Hourglass.examples()[0]
        prior = Network(net, Fed(1), output="linear", residual=1.0)
        (other,), finish = TotalVariation.examples(), PlugAndPlay.examples()[0]
        return (
            (Pairs(crops=Crops(8, 2), repeats=1), prior),
            (Pairs(crops=Crops(8, 2), repeats=0, other=other, share=0.8, finish=finish, rounding=0.1), prior),
        )


OBJECTIVE = Pairs
