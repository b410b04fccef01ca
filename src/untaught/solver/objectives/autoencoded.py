"""A network that also has to give back its own input: E(A f(z), y) + weight |f(z) - z|^power, z a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from untaught.core.errors import BadInput
from untaught.prior import Network, Prior
from untaught.prior.codes import Feedback, Start
from untaught.problem import Problem
from untaught.solver.objectives._base import Model, Objective
from untaught.solver.objectives.fit import Fit


@dataclass(frozen=True)
class Autoencoded(Fit):
    """`Fit`, and the mean distance between the network's picture and its code, `weight` times: what was found is to be found again.

    With the code `Feedback`, power 1 and weight 0.01 it is Tada-DIP (2025); with `Start(learn=True)`, a code that is sought too,
    and power 2 self-guided DIP (Liang, Alkhouri, Ghosh and Ravishankar, 2025), which jitters the code.
    """

    weight: float = 0.01
    power: int = 1

    def bind(self, problem: Problem, prior: Prior) -> Self:
        bound = super().bind(problem, prior)
        net = prior.network
        if net is None or prior.members > 1 or net.code.width(problem) != problem.image_shape[1]:
            raise BadInput(
                "Autoencoded compares a network's picture with its code, and this code is no such picture: "
                "use Feedback() or Start()."
            )
        return bound

    def _energy(self, fit: Tensor, x: Tensor, model: Model, problem: Problem) -> Tensor:
        apart = (x - model.code).abs()  # type: ignore[attr-defined]
        return super()._energy(fit, x, model, problem) + self.weight * apart.pow(self.power).mean()

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        from untaught.prior.networks.hourglass import Hourglass

        net = Hourglass.examples()[0]
        return (
            (Autoencoded(), Network(net, Feedback(), jitter=0.5, output="linear")),
            (Autoencoded(weight=0.1, power=2), Network(net, Start(learn=True), jitter=0.1, output="linear")),
        )


OBJECTIVE = Autoencoded
