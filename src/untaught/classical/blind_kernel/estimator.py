"""The kernel of a blur, found before the picture is: at one size after the other, and then by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from torch import Tensor

from untaught.classical import Estimated, Estimator
from untaught.classical.blind_kernel import search
from untaught.classical.blind_kernel.scene import Scene
from untaught.noise.differences import second_differences
from untaught.problem import Problem
from untaught.problem.operators.blur import SoughtBlur
from untaught.problem.operators.kernels import named, placed

WEIGHTS = (0.016, 0.05, 0.12)
"""Of an edge at the coarsest scale: the fewer edges the surer, but some pictures have only weak ones."""
STRONG = (((0.2, 0.3), 0.0), ((0.05, 0.1), 0.04))
"""From which shares on (`pruned`) the parts of a kernel are trusted, and by how much its evidence must then be better: a hand that
lingers leaves a spot so heavy that the rest of its path is faint, but most faint parts explain texture (docs/benchmarks)."""
LEAST = 1 / 255  # noise that is believed at the least: what 8 bit round off, and a little more
BETTER = 0.01
"""By how much the evidence of a larger kernel must be better: it can explain more by chance."""
NAMED = 0.04
"""By how much that of a kernel with a name may be worse: it has one number to three where the others have hundreds."""
SURE = 0.05
"""By how much the evidence of a kernel must be better than that of no blur."""
UNNAMED = 2 / 255
"""What a kernel without a name is off by, as noise: measured, see docs/benchmarks."""


@dataclass(frozen=True)
class SeekKernel(Estimator):
    """Seeks the kernel of a `SoughtBlur` on the data's busiest window, and shows the picture as it was.

    sides: of the kernels, one size after the other. The best of three searches is taken where it is better than what was found at
    smaller sizes. In the end a kernel with a name takes the place of what was found where it explains the data as well, and a
    point where none does better than that; then the picture stays as it is.
    """

    sides: tuple[tuple[int, ...], ...]

    @property
    def steps(self) -> int:
        return len(self.sides) + 1

    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        if not problem.operator.kernelled:
            yield from (Estimated(_seen(problem)) for _ in range(self.steps))
            return
        operator = cast("SoughtBlur", problem.operator)
        y = search.busiest(problem.data.mean(1)[0])
        sigma = problem.likelihood.level or second_differences(problem.data)
        # Twice the noise's own variance, as differences have it, and room for what the model of gradients lacks.
        noise = 6.5 * max(sigma, LEAST) ** 2
        for sides in self.sides:
            _sought(operator, y, noise, sides)
            yield Estimated(_seen(problem))
        note, blurred = _settled(operator, y, noise)
        yield Estimated(_seen(problem), note, final=not blurred)

    @classmethod
    def examples(cls) -> tuple[Estimator, ...]:
        return (SeekKernel(((3,),)),)


def _seen(problem: Problem) -> Tensor:
    return problem.operator.adjoint(problem.data) if problem.start is None else problem.start


def _sought(operator: SoughtBlur, y: Tensor, noise: float, sides: tuple[int, ...]) -> None:
    scene, found = Scene(y, sides), []
    for weight in WEIGHTS:
        rough = search.coarse_to_fine(y, sides, weight)
        for strong, doubt in STRONG:
            kernel = search.bettered(scene, rough, noise, *strong)
            found.append((scene.evidence(kernel, noise) + doubt, kernel))
    evidence, kernel = min(found, key=lambda one: one[0])
    if evidence < float(operator.evidence) - BETTER:
        operator.take(placed(kernel, operator.sides), evidence, UNNAMED)


def _settled(operator: SoughtBlur, y: Tensor, noise: float) -> tuple[str, bool]:
    """The last word on the kernel: what it was, as a note, and whether it is a blur."""
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
        return (
            "no kernel explains the picture better than none, so that it stays as it came: it is taken to be sharp, or the kernel "
            "to be larger than size"
        ), False
    return f"{said}; it explains the picture better than no blur, by {sharp - evidence:.2f} nats a gradient", True
