"""No noise: activations that are sought."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from untaught.problem.likelihoods._base import Likelihood


@dataclass(frozen=True)
class Reward(Likelihood):
    """-m a: the more of the measurements that the mask m picks out the better; |target - m a| where a target is given.

    The data are the mask, which should be the weight, too: then the energy is the mean over what is wanted, and below 0.
    Activation maximisation (Ulyanov, Vedaldi and Lempitsky, IJCV 2020, section 4.7): target 300 for a class.
    """

    target: float | None = None
    rewards, exact = True, True

    def pointwise(self, prediction: Tensor, data: Tensor) -> Tensor:
        wanted = data * prediction
        return -wanted if self.target is None else (self.target - wanted).abs()

    @classmethod
    def examples(cls) -> tuple[Likelihood, ...]:
        return Reward(), Reward(3.0)
