"""The kernel of a blur, found before the picture is: a run of one step for every size of kernel, and one that decides."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from untaught.classical.blind_kernel import search
from untaught.classical.blind_kernel.scene import Scene
from untaught.core.randomness import Rng
from untaught.noise.spectrum import second_differences
from untaught.prior import Flat, Pixels, Prior
from untaught.problem import Problem
from untaught.problem.operators.blur import SoughtBlur
from untaught.problem.operators.kernels import named, placed
from untaught.solver.objectives._base import Model, Objective, Step

WEIGHTS = (0.016, 0.05, 0.12)
"""Of an edge at the coarsest scale: the fewer edges the surer, but some pictures have only weak ones."""
LEAST = 1 / 255
BETTER = 0.01
"""By how much the evidence of a larger kernel must be better: it can explain more by chance."""
NAMED = 0.04
"""By how much that of a kernel with a name may be worse: it has one number to three where the others have hundreds."""
SURE = 0.05
"""By how much the evidence of a kernel must be better than that of no blur."""
UNNAMED = 2 / 255
"""What a kernel without a name is off by, as noise: measured, see docs/benchmarks."""


@dataclass(frozen=True)
class Seek(Objective):
    """Seeks the kernel of a `SoughtBlur` on the data's busiest window, and shows the picture as it was.

    sides: of the kernel. The best of three searches is taken where it is better than what was found at smaller sizes.
    None ends the search: a kernel with a name takes the place of what was found where it explains the data as well, and a point
    where none does better than that.
    """

    sides: tuple[int, ...] | None = None

    whole, draws = True, False

    def bind(self, problem: Problem, prior: Prior) -> Seek:
        return self

    def step(self, model: Model, problem: Problem, rng: Rng) -> Step:
        x, operator = self.picture(model, problem, rng), problem.operator
        note = None
        if isinstance(operator, SoughtBlur):
            y = search.busiest(problem.data.mean(1)[0])
            sigma = getattr(problem.likelihood, "sigma", None) or second_differences(problem.data)
            # Twice the noise's own variance, as differences have it, and room for what the model of gradients lacks.
            noise = 6.5 * max(float(sigma), LEAST) ** 2
            if self.sides is None:
                note = _settled(operator, y, noise)
            else:
                _sought(operator, y, noise, self.sides)
        fit = problem.energy(x)
        return Step(fit + 0 * model().sum(), fit.detach(), x, note)

    def picture(self, model: Model, problem: Problem, rng: Rng, passes: int = 1) -> Tensor:
        return problem.operator.backproject(problem.data) if problem.start is None else problem.start

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        return (Seek((3,)), Flat()), (Seek(), Pixels())


def _sought(operator: SoughtBlur, y: Tensor, noise: float, sides: tuple[int, ...]) -> None:
    scene, found = Scene(y, sides), []
    for weight in WEIGHTS:
        kernel = search.bettered(scene, search.coarse_to_fine(y, sides, weight), noise)
        found.append((scene.evidence(kernel, noise), kernel))
    evidence, kernel = min(found, key=lambda one: one[0])
    if evidence < float(operator.evidence) - BETTER:
        operator.take(placed(kernel, operator.sides), evidence, UNNAMED)


def _settled(operator: SoughtBlur, y: Tensor, noise: float) -> str:
    """The last word on the kernel; what it was, as a note."""
    scene, kernel = Scene(y, operator.sides), operator.kernel.to(y)
    point = placed(kernel.new_ones((1,) * y.ndim), operator.sides)
    evidence, sharp = scene.evidence(kernel, noise), scene.evidence(point, noise)
    said = "the kernel that was found has no name, and what it is off by counts as noise of 0.8 % of full scale"
    if y.ndim == 2:
        best, word = search.nearest(scene, kernel, noise)
        if best < evidence + NAMED:
            kernel, said = placed(named(word).to(kernel), operator.sides), f"the kernel that was found is {word}"
            evidence = scene.evidence(kernel, noise)
            operator.take(kernel, evidence)
    if not evidence < sharp - SURE:
        operator.take(point, sharp)
        return "no kernel explains the picture better than none: it is taken to be sharp, or the kernel to be larger than size"
    return f"{said}; it explains the picture better than no blur, by {sharp - evidence:.2f} nats a gradient"


OBJECTIVE = Seek
