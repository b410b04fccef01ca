"""Learn to undo a damage on a first estimate of the picture: damage it in the way the data were, and compare.

The parametric bootstrap (Efron 1979) as a teacher: the picture's own shapes, and no other picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from untaught.classical.deblock import Deblock
from untaught.core.errors import BadInput
from untaught.core.geometry import pad_to
from untaught.core.randomness import Rng
from untaught.prior import Network, Prior
from untaught.prior.codes import Fed
from untaught.problem import Problem
from untaught.solver.iterate import Step
from untaught.solver.objectives._base import Crops, Model, Objective, averaged, refuse_unless_fed


class Teacher(Protocol):
    """An estimator of any problem of its kind: `Deblock`, `PlugAndPlay`."""

    def check(self, problem: Problem) -> None: ...

    def estimate(self, problem: Problem) -> Tensor: ...

    def shown(self, problem: Problem, estimate: Tensor) -> tuple[Tensor, Tensor]:
        """What the data show, unfiltered, as a picture, and the deviation of what is wrong with that."""

    def allowed(self, problem: Problem, x: Tensor) -> Tensor:
        """The picture nearest to x that the data do not rule out."""


@dataclass(frozen=True)
class Bootstrap(Objective):
    """The network sees a damaged picture and what the classic estimate makes of it, and learns the rest.

    With c the estimate of the data (the job's first guess, if there is one): c is measured anew (a JPEG on a grid that lies
    elsewhere, anything else with other noise), estimated by `first`, and the network has to find c again; then it is fed the
    data and c. What the classic estimate does wrong to c it does wrong to the picture, too.

    first: the classic estimate. pool: how many times c is damaged, each time in a window of at most `window` pixels a side.
    share: how much of what it corrects is taken; it errs elsewhere than what it corrects.
    """

    first: Teacher
    crops: Crops = Crops()
    pool: int = 4
    window: int = 512
    share: float = 1.0
    _made: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    transfers = True

    def bind(self, problem: Problem, prior: Prior) -> Bootstrap:
        refuse_unless_fed(self, problem, prior, 2 * problem.image_shape[1])
        self.first.check(problem)
        if not problem.operator.quantised:
            problem.likelihood.draw(problem.data[..., :1], torch.Generator(problem.data.device))
        elif problem.weight is not None and not bool((problem.weight > 0).all()):
            raise BadInput("Bootstrap needs every coefficient, but some have the weight 0: use Fit.")
        return replace(self, _made={})

    def step(self, model: Model, problem: Problem, rng: Rng) -> Step:
        z, target = self.crops.gather(lambda: self._damaged(rng.integer(self.pool), problem, rng), rng)
        x = model(z)
        fit = (x - target).square().mean()
        return Step(fit + problem.regulariser(x), fit.detach(), None)

    def picture(self, model: Model, problem: Problem, rng: Rng, passes: int = 1) -> Tensor:
        if "real" not in self._made:
            with torch.no_grad():
                self._made["real"] = self._input(problem, self._estimate(problem))
        planes = averaged([self._made["real"]] * passes, model)
        x = self.first.allowed(problem, problem.operator.uneven(planes))
        return x if self.share == 1 else torch.lerp(self._estimate(problem), x, self.share)

    def _input(self, problem: Problem, estimate: Tensor) -> Tensor:
        """[what the estimate changed, in units of its deviation; the estimate], as planes: a residual network's base is last."""
        shown, level = self.first.shown(problem, estimate)
        shown, estimate = problem.operator.even(shown), problem.operator.even(estimate)
        return torch.cat([(shown - estimate) / level, estimate], dim=1)

    def _estimate(self, problem: Problem) -> Tensor:
        if "c" not in self._made:
            start = problem.start
            self._made["c"] = self.first.estimate(problem) if start is None else start
        return self._made["c"]

    def _damaged(self, which: int, problem: Problem, rng: Rng) -> list[Tensor]:
        """The which-th pair of what the network is fed and what it should find; it depends on the seed and number alone."""
        if which not in self._made:
            with torch.no_grad():
                draw = rng.fork("damage", which)
                other, target = damaged(problem, self._estimate(problem), self.window, draw)
                self._made[which] = [self._input(other, self.first.estimate(other)), target]
        return self._made[which]

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        from untaught.classical.denoise.matching import Pass
        from untaught.classical.denoise.nl_ridge import NonLocalRidge
        from untaught.prior.networks.hourglass import Hourglass

        prior = Network(Hourglass.examples()[0], Fed(2), output="linear", residual=1.0)
        few = (Pass(5, 16, 9),)
        return ((Bootstrap(Deblock(NonLocalRidge(Pass(7, 16, 9), few, few)), Crops(8, 2), pool=2), prior),)


def damaged(problem: Problem, c: Tensor, window: int, draw: torch.Generator) -> tuple[Problem, Tensor]:
    """A window of c, measured anew: rounded as the data were, or with other noise; and that window, its errors of one size."""
    operator, part = problem.operator.window(c, window, draw)
    exact = operator(part)
    y = operator.rounded(exact) if operator.quantised else exact + problem.likelihood.draw(exact, draw)
    start = pad_to(y, part.shape[2:]) if operator.local else None
    return replace(problem, data=y, operator=operator, weight=None, start=start), operator.even(part)


OBJECTIVE = Bootstrap
