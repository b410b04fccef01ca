"""Recorrupted-to-Recorrupted: the noisy picture is made noisier in two ways whose noises are independent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from math import prod, sqrt
from typing import Any

import torch
from torch import Tensor

from untaught.classical import Denoiser
from untaught.core.errors import BadInput
from untaught.core.geometry import box, over, tiles
from untaught.core.randomness import Rng
from untaught.prior import Network, Prior
from untaught.prior.codes import Fed
from untaught.problem import Problem
from untaught.problem.likelihoods import Likelihood
from untaught.solver.iterate import Step
from untaught.solver.objectives._base import (
    ANSWERS,
    Answer,
    Crops,
    Model,
    Objective,
    averaged,
    refuse_unless_fed,
    refuse_unless_identity,
)

TILE = 1536  # side of the parts in which a picture larger than the window is finished, so that memory does not grow
STRIP = 256  # rows of the part of such a picture whose time is taken


@dataclass(frozen=True)
class Recorrupt(Objective):
    """Pang et al. (CVPR 2021): with n of the noise's own law, input y + alpha n, target y - n / alpha; the mean over n is the
    result. For Gaussian noise of known covariance this is unbiased, and needs no early stop.

    guide: a classic estimate g as the base of a residual network, which then sees (noisy - g) / sigma and g. It is made of
    the recorrupted picture alone: one of y itself would leak the target's noise.
    pool: how many recorruptions are made, in pairs of n and -n; each covers a window of at most `window` pixels a side, so
    that memory does not grow with the picture.
    refine: whether the guide filters the picture once more with the network's picture as its pilot.
    base: what the noise's law is taken from, where it follows the picture: a quick estimate will do. None for the guide.
    """

    alpha: float = 0.5
    guide: Denoiser | None = None
    crops: Crops = Crops()
    pool: int = 16
    window: int = 768
    refine: bool = False
    base: Denoiser | None = None
    _made: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    samples, refits, needs_all, transfers = True, True, True, True
    answers = 2 * ANSWERS

    def bind(self, problem: Problem, prior: Prior) -> Recorrupt:
        refuse_unless_identity(self, problem)
        refuse_unless_fed(self, problem, prior, problem.data.shape[1] * (1 if self.guide is None else 2))
        if problem.weight is not None and not bool((problem.weight == problem.weight.flatten()[0]).all()):
            raise BadInput("Recorrupt needs every measurement, but some have another weight: use Split or Fit.")
        if self.refine and not hasattr(self.guide, "refine"):
            raise BadInput(
                "refine needs a guide that can filter with a pilot, such as NonLocalRidge(): drop it, or change the guide."
            )
        problem.likelihood.draw(problem.data[..., :1], torch.Generator(problem.data.device))
        return replace(self, _made={})

    @property
    def items(self) -> int:
        return max(1, self.pool // 2)  # in pairs

    def step(self, model: Model, problem: Problem, rng: Rng) -> Step:
        # Both signs of a noise on the same crop: what is odd in the noise leaves the gradient at once.
        def pair() -> list[Tensor]:
            item = rng.integer(max(1, self.pool // 2))
            return self._recorruption(problem, rng, item)

        inputs, target, weight = self.crops.gather(pair, rng, each=2)
        x = model(inputs)
        # Plain squares: for noise that is independent of the input they are least, in the mean, at the true picture.
        errors = (weight * (x - target).square()).sum()
        fit = errors.detach() / weight.sum().clamp_min(1)
        return Step(errors / x.numel() + problem.regulariser(x), fit, None)

    def picture(self, model: Model, problem: Problem, rng: Rng, passes: int = 1) -> Tensor:
        y, pairs = problem.data, -(-passes // 2)
        with torch.no_grad():
            if max(y.shape[2:]) <= self.window:  # the pool's own recorruptions are of the whole picture
                base = self._base(problem, (0,) * (y.ndim - 2))[1]
                halves = (self._recorruption(problem, rng, i % max(1, self.pool // 2))[0] for i in range(pairs))
                return self._finished(model, y, base, problem.likelihood, halves, passes)
            halo = self._halo(model)
            if halo is None:
                return self._drawn(model, y, problem.likelihood, rng, passes, "picture")

            def tile(seen: tuple[Any, ...], i: int) -> Tensor:
                return self._drawn(model, y[seen], problem.likelihood, rng, passes, "tile", i)

            return over(y.shape[2:], TILE, halo, tile)

    def quick(self) -> Recorrupt:
        return replace(self, refine=False) if self.refine else self

    def variance(self, answer: Answer, shown: Callable[[], Tensor], problem: Problem, rng: Rng) -> Tensor | None:
        """The parametric bootstrap (Efron 1979): were this picture the truth, how far off would its restoration be?"""
        x, variance = shown(), torch.zeros_like(problem.data)
        for i in range(ANSWERS):
            noise = problem.likelihood.draw(x, rng.fork("answer", i))
            variance += (answer(replace(problem, data=x + noise)) - x).square() / ANSWERS
        return variance

    def without(self, problem: Problem, held: Tensor, draw: torch.Generator) -> Problem:
        """With other values there: an estimate that does not see them, and noise drawn anew."""
        y, likelihood = problem.data, problem.likelihood

        def filled(guess: Tensor) -> Tensor:
            return torch.where(held > 0, guess + likelihood.draw(guess, draw), y)

        guess = box(y * (1 - held), 2) / box(1 - held, 2).clamp_min(1e-6)
        if self.guide is not None:
            noisy = filled(guess)
            guess = self.guide(noisy, likelihood.deviation(box(noisy, 2)))
        return replace(problem, data=filled(guess))

    def blindness(self, answer: Answer, x: Tensor, held: Tensor, variance: Tensor, problem: Problem, rng: Rng) -> float:
        """A network that is fed with a value knows more of it than of one that it does not see: in texture, where neighbours tell
        little, its error is up to half as large again there. The bootstrap is therefore done once more with the values held out,
        as the data were."""
        total = torch.zeros(())
        for i in range(ANSWERS):
            noise = problem.likelihood.draw(x, rng.fork("answer", i))
            other = self.without(replace(problem, data=x + noise), held, rng.fork("held", i))
            total = total + ((answer(other) - x).square() * held).sum() / ANSWERS
        seen = (variance * held).sum()
        return float((total / seen).sqrt()) if float(seen) > 0 else 1.0

    def _halo(self, model: object) -> int | None:
        """A pixel sees the guide's surroundings of the network's of those of the last pass: so far, and no further."""
        guide, network = (getattr(part, "reach", None) for part in (self.guide, model))
        return None if guide is None or network is None else 2 * guide + network

    def excerpt(self, problem: Problem) -> tuple[Problem, float] | None:
        space = problem.data.shape[2:]
        if len(space) != 2 or prod(space) <= 2 * TILE * STRIP or max(space) <= self.window:
            return None
        piece = problem.middle((STRIP, TILE))
        halo = 64  # about that of the presets, which costs all tiles but this one something
        seen = sum((a.high - a.low) * (b.high - b.low) for a, b in tiles(space, TILE, halo))
        return piece, seen / prod(piece.data.shape[2:])

    def _drawn(self, model: Model, y: Tensor, likelihood: Likelihood, rng: Rng, passes: int, *names: object) -> Tensor:
        """The picture of the data y, or of a part of them, from recorruptions drawn anew."""
        base = self._estimate(y, likelihood.deviation(box(y, 2)))
        pairs = range(-(-passes // 2))
        halves = (self._recorrupted(y, base, likelihood, rng.fork(*names, i), min(2, passes))[0] for i in pairs)
        return self._finished(model, y, base, likelihood, halves, passes)

    def _finished(
        self, model: Model, y: Tensor, base: Tensor, likelihood: Likelihood, pairs: Iterable[Tensor], passes: int
    ) -> Tensor:
        """The mean of the network over both halves of every pair, and the guide's last pass."""
        inputs = [half for pair in pairs for half in pair.split(1)][:passes]
        x = averaged(inputs, model)
        if self.guide is not None:
            first = torch.stack([z[:, -y.shape[1] :] for z in inputs]).mean(0)
            x = torch.lerp(first, x, likelihood.trusted(base).expand_as(x).to(x))
        if self.refine:
            x = self.guide.refine(y, likelihood.deviation(base), x)  # type: ignore[union-attr]
        return likelihood.unbias(x)

    def _recorruption(self, problem: Problem, rng: Rng, item: int) -> list[Tensor]:
        """Pair number `item` of the pool, made once from seed and number alone."""
        if item not in self._made:
            draw, corner = rng.fork("window", item), []
            for n in problem.data.shape[2:]:
                free = n - min(self.window, n)
                corner.append(int(torch.randint(free + 1, (1,), generator=draw, device=rng.device)) if free else 0)
            y, base = self._base(problem, tuple(corner))
            self._made[item] = self._recorrupted(y, base, problem.likelihood, rng.fork("pool", item))
        return self._made[item]

    def _base(self, problem: Problem, corner: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """The window of the data at that corner, and an estimate of its mean, made once."""
        y = problem.data
        for axis, start in enumerate(corner, start=2):
            y = y.narrow(axis, start, min(self.window, y.shape[axis]))
        if corner not in self._made:
            self._made[corner] = self._estimate(y, problem.likelihood.deviation(box(y, 2)))
        return y, self._made[corner]

    def _estimate(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        base = self.base or self.guide
        return box(noisy, 2) if base is None else base(noisy, deviation)

    def _recorrupted(
        self, y: Tensor, base: Tensor, model: Likelihood, rng: torch.Generator, halves: int = 2
    ) -> list[Tensor]:
        """[input, target, weight] for n and -n, each (2, ...); the noise is that of `base`, an estimate of the mean of y.

        halves: 1 for n alone.
        """
        noise = model.draw(base, rng)
        noise = torch.cat([noise, -noise][:halves])
        noisy, target = y + self.alpha * noise, y - noise / self.alpha
        weight = model.trusted(base).expand_as(y).repeat_interleave(halves, 0)
        if self.guide is None:
            return [noisy, target, weight]
        louder = model.deviation(base).expand_as(y) * sqrt(1 + self.alpha**2)
        estimate = torch.cat([self.guide(half, louder) for half in noisy.split(1)])
        # In units of the noise the rest has the same size for every picture, and so suits one learning rate.
        return [torch.cat([(noisy - estimate) / louder, estimate], dim=1), target, weight]

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        from untaught.prior.networks.hourglass import Hourglass

        net = Hourglass.examples()[0]
        return (
            (Recorrupt(crops=Crops(8, 2), pool=2), Network(net, Fed(1), output="linear")),
            (Recorrupt(guide=_blur, crops=Crops(8, 2), pool=2), Network(net, Fed(2), output="linear", residual=1.0)),
        )


def _blur(noisy: Tensor, deviation: Tensor) -> Tensor:
    return (noisy + noisy.roll(1, -1) + noisy.roll(-1, -1)) / 3


OBJECTIVE = Recorrupt
