"""The paper's objective: E(A f(z), y) + R(f(z)) over the whole picture. It overfits in the end: give it a stopping rule."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.prior import Ensemble, Network, Pixels, Prior
from untaught.prior.codes import Noise
from untaught.problem import Problem
from untaught.solver.iterate import Step
from untaught.solver.objectives._base import Model, Objective


@dataclass(frozen=True)
class Fit(Objective):
    """Ulyanov, Vedaldi and Lempitsky 2018, equation 2, with the code jittered at every step where the prior asks for it.

    share: below 1, and where an earlier stage has made a picture, what is shown is so far from it to the network's, without the
    bias of noise that was cut off at black and white. Two estimates that err in different places are better together.
    measured: the share is that of a picture which is as near to the data as the earlier one; of one that is farther away, as a
    network's is until it has found the detail, it is less by the ratio of the distances (root mean square).
    """

    share: float = 1.0
    measured: bool = False
    _near: float | None = field(default=None, repr=False, compare=False)

    whole, draws, weighs, wanders = True, False, True, True

    @property
    def overfits(self) -> bool:  # type: ignore[override]
        return not self.beside

    @property
    def beside(self) -> bool:  # type: ignore[override]
        return self.share < 1

    def bind(self, problem: Problem, prior: Prior) -> Self:
        if prior.fed:
            raise BadInput(
                f"Fit needs a prior with a code of its own, but this one is fed {prior.fed} channels: "
                "use the code Noise(), or an objective that feeds the network."
            )
        if not 0 <= self.share <= 1:
            raise BadInput(f"Fit shows a share of 0 to 1 of the network's picture, not {self.share}.")
        if self.measured and problem.start is not None:
            return replace(self, _near=_distance(problem.start, problem))
        return self

    def step(self, model: Model, problem: Problem, rng: Rng) -> Step:
        x = model(rng=rng)
        fit = problem.energy(self._seen(x, rng))
        return Step(self._energy(fit, x, model, problem), fit.detach(), self._shown(x.detach(), problem))

    def picture(self, model: Model, problem: Problem, rng: Rng, passes: int = 1) -> Tensor:
        with torch.no_grad():
            return self._shown(model().mean(0, keepdim=True), problem)

    def _seen(self, x: Tensor, rng: Rng) -> Tensor:
        """What of the picture the energy is of."""
        return x

    def _energy(self, fit: Tensor, x: Tensor, model: Model, problem: Problem) -> Tensor:
        return fit + problem.regulariser(x)

    def _shown(self, x: Tensor, problem: Problem) -> Tensor:
        if not self.beside or problem.start is None:
            return x
        start, share = problem.start.to(x), self.share
        if self._near is not None:
            share *= min(1.0, self._near / max(_distance(x, problem), 1e-12))
        return torch.lerp(start, problem.likelihood.unbias(x), share)

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        from untaught.prior.networks.hourglass import Hourglass

        net = Network(Hourglass.examples()[0], Noise(4), jitter=0.03)
        return (
            (Fit(), net),
            (Fit(), Pixels()),
            (Fit(), Ensemble(net, 2)),
            (Fit(0.3), net),
            (Fit(0.3, measured=True), net),
        )


def _distance(x: Tensor, problem: Problem) -> float:
    """Between what a picture would be measured as and the data, as far as these are known: root mean square."""
    with torch.no_grad():
        rest = (problem.operator(x) - problem.data) * problem.known
        return float(rest.abs().square().mean().sqrt())


OBJECTIVE = Fit
