"""All that a report says of a run, as values; `Report` tells them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from untaught.reports.figures import Figures
from untaught.reports.verdict import Assessment
from untaught.solver.uncertainty import Spread, Uncertainty


@dataclass(frozen=True)
class Findings:
    """verdict: in plain words, with its reasons. figures: None where the data are no picture.

    step, reason, seconds, notes: of the run. curve: (stage, step, energy, score) along it. data, x, residual: (1, c, h, w) for the
    pictures of the page. settings: task, settings, versions and hashes, where they are known. spread: how several runs differ.
    uncertainty: how far x may be off. filled: where x was taken, and no known value kept; None for everywhere.
    """

    verdict: Assessment
    figures: Figures | None
    step: int = 0
    reason: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    curve: tuple[tuple[int, int, float, float | None], ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    spread: Spread | None = field(default=None, repr=False, compare=False)
    uncertainty: Uncertainty | None = field(default=None, repr=False, compare=False)
    filled: Any = field(default=None, repr=False, compare=False)
    data: Tensor | None = field(default=None, repr=False, compare=False)
    x: Tensor | None = field(default=None, repr=False, compare=False)
    residual: Tensor | None = field(default=None, repr=False, compare=False)
