"""What a run gives."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from untaught.problem import Problem
from untaught.solver.iterate import Moment
from untaught.solver.result import AsIs, Result
from untaught.solver.uncertainty import Spread, Uncertainty


@dataclass(frozen=True)
class Solution:
    """x: (1, c, *space) in the units of the problem. reason: why the run ended, in a sentence. seconds: of all steps, and of making
    x in the end, which is most of the work where a large picture is filtered in parts. problem: what x answers.

    spread: how several runs differ, of which x is the mean, in pictures that are `Result.plain`. uncertainty: how far x may be off,
    where that was asked for. finish: of the job.
    """

    x: Tensor
    step: int
    reason: str
    history: tuple[Moment, ...]
    notes: tuple[str, ...]
    seconds: float
    problem: Problem | None = field(default=None, repr=False, compare=False)
    spread: Spread | None = field(default=None, repr=False, compare=False)
    uncertainty: Uncertainty | None = field(default=None, repr=False, compare=False)
    finish: Result = field(default=AsIs(), repr=False, compare=False)
