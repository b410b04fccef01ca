"""Hide some known pixels, fill what is then unknown by a classic, and let a network correct the filling where it was hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from untaught.classical.blended import BROAD, Hide, best_share, hiding, kept_back
from untaught.classical.inpaint import Filling, Harmonic
from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.prior import Network, Prior
from untaught.problem import Problem
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

FEWER = 0.3  # of the known pixels are hidden for a sample of the picture


@dataclass(frozen=True)
class Refill(Objective):
    """`Split` with a guide. The network sees [what is known, the filling] and is judged on what was hidden from both.

    filling: the classic; it is made of the pixels that are seen alone, since one of all known pixels would show the network
    what it has to guess. hide: "pixels", a `fraction` of them at random; or "holes", where the problem's own holes would lie
    if they were moved by a random distance: lines are learnt from lines.
    pool: how many such hidings are made, from seed and number alone, so that a resumed run makes the same ones.
    The final picture hides nothing: it is the network's on the filling of all that is known, under `passes` symmetries.

    seed: of one more hiding, `kept_back`, whose pixels no step is judged on. There the network's correction is measured, and
    taken only as far as it helps (by least squares, between not at all and whole): few hidden pixels are soon known by heart.
    Where an earlier stage, which must not have seen them either, has made a picture (`problem.start`), that is blended in as
    far as it helps hereabouts: a generator is good at other things than a filling from similar patches.
    share: how far the correction is taken; None: as it is measured.
    """

    filling: Filling = Harmonic()
    hide: Hide = "pixels"
    fraction: float = 0.15
    crops: Crops = Crops()
    pool: int = 4
    seed: int = 0
    share: float | None = None
    _made: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    samples, refits, transfers = True, True, True
    answers = ANSWERS

    def bind(self, problem: Problem, prior: Prior) -> Refill:
        refuse_unless_identity(self, problem)
        refuse_unless_fed(self, problem, prior, 2 * problem.data.shape[1])
        if not 0 < self.fraction < 1:
            raise BadInput(f"Refill hides a fraction between 0 and 1 of the pixels, not {self.fraction}.")
        return replace(self, _made={})

    def step(self, model: Model, problem: Problem, rng: Rng) -> Step:
        z, y, hidden = self.crops.gather(lambda: self._hiding(problem, rng, rng.integer(self.pool)), rng)
        x = model(z)
        fit = problem.likelihood.energy(x, y, hidden)
        return Step(fit + problem.regulariser(x), fit.detach(), None)

    def picture(self, model: Model, problem: Problem, rng: Rng, passes: int = 1) -> Tensor:
        if "all" not in self._made:
            self._made["all"] = self._input(problem.data, problem.known)
        z, y = self._made["all"], problem.data
        base = z[:, y.shape[1] :]
        if self.share is not None:
            return torch.lerp(base, averaged([z] * passes, model), self.share)
        blind, back, share = self._tried(model, problem, rng)
        x = torch.lerp(base, averaged([z] * passes, model), share)
        if problem.start is not None:
            x = torch.lerp(x, problem.start, best_share(blind, problem.start, y, back, radius=BROAD))
        return x

    def _tried(self, model: Model, problem: Problem, rng: Rng) -> tuple[Tensor, Tensor, Tensor]:
        """(the corrected picture of all but what is kept back, where that is, how far the correction helps there)."""
        tried, y, back = self._hiding(problem, rng, None)
        guess, answer = tried[:, y.shape[1] :], averaged([tried], model)
        share = best_share(guess, answer, y, back, sure=0)
        return torch.lerp(guess, answer, share), back, share

    def decided(self, model: Model, problem: Problem, rng: Rng) -> dict[str, Any]:
        return {"share": float(self._tried(model, problem, rng)[2])}

    def variance(self, answer: Answer, shown: Callable[[], Tensor], problem: Problem, rng: Rng) -> Tensor | None:
        """The jackknife that leaves out a share f: the variance of its answers, times (1 - f) / f (Shao and Wu 1989)."""
        known, answers = problem.known, []
        for i in range(ANSWERS):
            hidden = hiding(known, self.hide, FEWER, rng.fork("answer", i))
            if bool((known * (1 - hidden)).any()):
                answers.append(answer(replace(problem, weight=known * (1 - hidden))))
        return torch.stack(answers).var(0) * (1 - FEWER) / FEWER if len(answers) > 1 else None

    def _hiding(self, problem: Problem, rng: Rng, item: int | None) -> list[Tensor]:
        """Number `item` of the pool, or what is kept back: [input, data, what was hidden and may be judged on]."""
        if item not in self._made:
            known = problem.known
            back = kept_back(known, self.hide, self.fraction, self.seed)
            hidden = back if item is None else known * hiding(known, self.hide, self.fraction, rng.fork("hiding", item))
            judged = hidden if item is None else hidden * (1 - back)
            weight = judged if problem.weight is None else judged * problem.weight
            self._made[item] = [self._input(problem.data, known - hidden), problem.data, weight]
        return self._made[item]

    def _input(self, y: Tensor, seen: Tensor) -> Tensor:
        with torch.no_grad():
            guess = self.filling(y * seen, seen)
        return torch.cat([seen, y * seen + guess * (1 - seen)], dim=1)

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        from untaught.prior.codes import Fed
        from untaught.prior.networks.hourglass import Hourglass

        prior = Network(Hourglass.examples()[0], Fed(2), output="linear", residual=0.1)
        return (
            (Refill(Harmonic(5), crops=Crops(8, 2), pool=2), prior),
            (Refill(Harmonic(5), "holes", crops=Crops(8, 2), pool=2), prior),
        )


OBJECTIVE = Refill
