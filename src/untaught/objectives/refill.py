"""Hide some known pixels, fill what is then unknown by a classic, and let a network correct the filling where it was hidden."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor

from untaught.errors import BadInput
from untaught.fills import Filling, Harmonic
from untaught.objectives._base import (
    Crops,
    Model,
    Objective,
    Step,
    averaged,
    refuse_unless_fed,
    refuse_unless_identity,
)
from untaught.priors import Network, Prior
from untaught.problem import Problem
from untaught.randomness import Rng


@dataclass(frozen=True)
class Refill(Objective):
    """`Split` with a guide. The network sees [what is known, the filling] and is judged on what was hidden from both.

    filling: the classic; it is made of the pixels that are seen alone, since one of all known pixels would show the network
    what it has to guess. hide: "pixels", a `fraction` of them at random; or "holes", where the problem's own holes would lie
    if they were moved by a random distance: lines are learnt from lines.
    pool: how many such hidings are made, from seed and number alone, so that a resumed run makes the same ones.
    The final picture hides nothing: it is the network's on the filling of all that is known, under `passes` symmetries.
    """

    filling: Filling = Harmonic()
    hide: Literal["pixels", "holes"] = "pixels"
    fraction: float = 0.15
    crops: Crops = Crops()
    pool: int = 4
    _made: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

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
            self._made["all"] = self._input(problem.data, _known(problem))
        return averaged((self._made["all"] for _ in range(passes)), model)

    def _hiding(self, problem: Problem, rng: Rng, item: int) -> list[Tensor]:
        """Number `item` of the pool: [input, data, what was hidden]."""
        if item not in self._made:
            known = _known(problem)
            hidden = known * self._hidden(known, rng.fork("hiding", item))
            seen = known - hidden
            weight = hidden if problem.weight is None else hidden * problem.weight
            self._made[item] = [self._input(problem.data, seen), problem.data, weight]
        return self._made[item]

    def _hidden(self, known: Tensor, draw: torch.Generator) -> Tensor:
        # Where the channels are unknown together, they are hidden together: else each could be guessed from the others.
        together = bool((known == known[:, :1]).all())
        shape = known[:, :1].shape if together else known.shape
        if self.hide == "holes":
            space = known.shape[2:]
            for _ in range(8):
                by = [int(torch.randint(n, (1,), generator=draw, device=draw.device)) for n in space]
                moved = 1 - known.roll(by, tuple(range(2, known.ndim)))
                if bool((moved * known).any()):
                    return moved
        hidden = torch.rand(shape, generator=draw, device=draw.device) < self.fraction
        return hidden.to(known).expand_as(known)

    def _input(self, y: Tensor, seen: Tensor) -> Tensor:
        with torch.no_grad():
            guess = self.filling(y * seen, seen)
        return torch.cat([seen, y * seen + guess * (1 - seen)], dim=1)

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        from untaught.codes import Fed
        from untaught.networks.hourglass import Hourglass

        prior = Network(Hourglass.examples()[0], Fed(2), output="linear", residual=0.1)
        return (
            (Refill(Harmonic(5), crops=Crops(8, 2), pool=2), prior),
            (Refill(Harmonic(5), "holes", crops=Crops(8, 2), pool=2), prior),
        )


def _known(problem: Problem) -> Tensor:
    y = problem.data
    return torch.ones_like(y) if problem.weight is None else (problem.weight > 0).to(y.dtype)


OBJECTIVE = Refill
