"""Known noise that was added to the data, found again in what the picture leaves over (Zhou et al., arXiv 1911.07185)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from untaught.solver.stopping._base import Rule, State
from untaught.solver.stopping._probe import Probed, inner


@dataclass(frozen=True)
class PseudoNoise(Probed):
    """AutoDIP's idea: signal and noise are orthogonal, so a known noise shows what becomes of the unknown one.

    The score is minus the correlation of the added noise b with the residual r = y' - p of the noisier data. While the
    picture is not yet there, r holds structure, and when the noise comes in, r loses b: in between it is most like b.
    As <r, b> = n eps (1 - share), its maximum is the minimum of |r|^2 / (1 - share)^2, which is what `UnsureRisk` looks at with
    the data as they came; their paper's own score is not known to us beyond its abstract.
    """

    def score(self, prediction: Tensor) -> float:
        y, b, eps = self.bound
        left = y + eps * b - prediction
        size = (self.mean(inner(left, left)) * self.mean(inner(b, b))) ** 0.5
        return -self.mean(inner(left, b)) / size if size else float("inf")

    def reason(self, state: State) -> str:
        return f"what was left over was most like noise at step {state['at']}, and not more so in the {self.patience} steps since"

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (PseudoNoise(patience=10, every=2),)


RULES = (PseudoNoise,)
