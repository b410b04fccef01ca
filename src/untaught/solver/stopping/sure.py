"""The error against the truth, known in the mean without it: with sigma (SURE), or without (UNSURE).

The picture of `Fit` depends on the data through the whole optimisation, so its divergence is that of the whole run, not of
the network: `_probe` finds it with noise of its own in the data. (Networks that are fed with the data have a divergence that
one more pass finds: the objective `Sure`.) With an operator A it is the error of the prediction A x that is known.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from untaught.core.errors import BadInput
from untaught.problem import Problem
from untaught.problem.likelihoods import Likelihood, channelwise
from untaught.solver.stopping._base import Rule, State
from untaught.solver.stopping._probe import Probed, inner


@dataclass(frozen=True)
class SureRisk(Probed):
    """mean |p - y|^2 - sigma^2 + 2 sigma^2 share (Stein 1981), for white Gaussian noise of known sigma.

    In the mean over the added noise this is, up to a constant, the error of what the run makes of its noisier data
    (Pang et al., Recorrupted-to-Recorrupted, CVPR 2021: y + a n and y - n / a are independent). Its minimum is the best picture.
    """

    word = "sure"

    def level(self, problem: Problem) -> Tensor:
        likelihood = problem.likelihood
        if not likelihood.white or likelihood.sigma is None:
            raise BadInput(
                f"SureRisk needs white Gaussian noise of known sigma, and {_named(likelihood)} is none: give Gaussian(sigma), "
                "or use UnsureRisk(), which needs no sigma."
            )
        return channelwise(likelihood.sigma, problem.data)

    def score(self, prediction: Tensor) -> float:
        y, _, eps = self.bound
        variance, residual = (eps / self.strength).square(), prediction - y
        return self.mean(inner(residual, residual) + variance * (2 * self.share(prediction) - 1))

    def reason(self, state: State) -> str:
        return f"the estimated error (SURE) was least at step {state['at']}, and not less in the {self.patience} steps since"

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return SureRisk(patience=10, every=2), SureRisk(patience=10, every=2, refit=True)


@dataclass(frozen=True)
class UnsureRisk(Probed):
    """mean |p - y|^2 / (1 - share)^2, where the noise is white and nobody knows sigma.

    UNSURE (Tachella, Davies and Jacques 2024): where a map from y has divergence 0, mean |g - y|^2 is its error plus sigma^2,
    whatever sigma is. The prediction is made such a map by g = y + (p - y) / (1 - share). It is the generalised
    cross-validation of Craven and Wahba (1979), too.
    """

    word = "unsure"

    def score(self, prediction: Tensor) -> float:
        residual = prediction - self.bound[0]
        kept = 1 - self.mean(self.share(prediction))
        return self.mean(inner(residual, residual)) / kept**2 if kept > 1e-3 else float("inf")

    def reason(self, state: State) -> str:
        return f"the estimated error (UNSURE) was least at step {state['at']}, and not less in the {self.patience} steps since"

    @classmethod
    def examples(cls) -> tuple[Rule, ...]:
        return (UnsureRisk(patience=10, every=2),)


def _named(likelihood: Likelihood) -> str:
    return repr(likelihood) if likelihood.white else type(likelihood).__name__


RULES = SureRisk, UnsureRisk
