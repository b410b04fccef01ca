"""How far a result can be trusted, judged from the data and the picture alone: plain words first, then the figures.

    solution = untaught.solve(job)
    report = untaught.report(solution)
    print(report.verdict)                           # doubtful because ...
    Path("report.html").write_text(report.to_html())

A sound residual is noise: as large as that of the data, as white (or as coloured), and without the picture in it. A sound
picture has no noise, no ringing, and no holes wider than what surrounds them can tell. Looking changes nothing in the result.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from untaught.core.allocator import give_back
from untaught.core.callers import own_settings
from untaught.core.errors import BadInput
from untaught.problem import Problem
from untaught.reports import page, uncertainty_maps
from untaught.reports.evidence import gather, judged
from untaught.reports.figures import Figures, hole, measure
from untaught.reports.findings import Findings
from untaught.reports.verdict import Assessment, Limits, Reason, allowed, verdict
from untaught.solver.iterate import Moment
from untaught.solver.result import AsIs, Result
from untaught.solver.solution import Solution
from untaught.solver.uncertainty import Spread, Uncertainty

FORMAT = 1
__all__ = ["Assessment", "Figures", "Limits", "Reason", "Report", "judge", "report", "verdict"]


class Report(Findings):
    """The findings, and how they are told."""

    def to_json(self) -> str:
        """Everything but the pictures; `Figures.of` and `verdict` make the same of it again."""
        table = {
            "report": FORMAT,
            "verdict": self.verdict.kind,
            "sentence": self.verdict.sentence,
            "reasons": [{"name": r.name, "words": r.words, "figures": dict(r.figures)} for r in self.verdict.reasons],
            "figures": None if self.figures is None else self.figures.table(),
            "uncertainty": None if self.uncertainty is None else uncertainty_maps.table(self.uncertainty),
            "run": {"step": self.step, "reason": self.reason, "seconds": self.seconds, "notes": self.notes},
            "curve": [dict(zip(("stage", "step", "energy", "score"), row, strict=True)) for row in self.curve],
            **self.settings,
        }
        return json.dumps(table, indent=2, ensure_ascii=False, default=str) + "\n"

    def to_html(self, before: Any = None, after: Any = None) -> str:
        """One page that needs no other file and asks no other host. before, after: arrays (h, w) or (h, w, 3), uint8 or in [0, 1],
        instead of data and x."""
        return page.html(self, before, after)


@own_settings()
def report(solution: Solution) -> Report:
    """How far a solution can be trusted; `BadInput` where it does not carry its problem."""
    if solution.problem is None:
        raise BadInput("This solution does not carry its problem, which a report needs: take that of a run.")
    return judge(
        solution.problem,
        solution.x,
        step=solution.step,
        reason=solution.reason,
        seconds=solution.seconds,
        notes=solution.notes,
        history=solution.history,
        spread=solution.spread,
        uncertainty=solution.uncertainty,
        finish=solution.finish,
    )


def judge(
    problem: Problem,
    x: Tensor,
    *,
    step: int = 0,
    reason: str = "",
    seconds: float = 0.0,
    notes: tuple[str, ...] = (),
    history: Sequence[Moment] = (),
    spread: Spread | None = None,
    uncertainty: Uncertainty | None = None,
    finish: Result | None = None,
) -> Report:
    """Judge the picture x, (1, c, *space) in the units of the problem. spread: of several runs of which x is the mean.

    finish: what the job does to x; it may keep values, or undo a transform.
    """
    give_back(x.numel())
    finish = finish or AsIs()
    run: dict[str, Any] = {"step": step, "reason": reason, "seconds": seconds, "notes": notes}
    run |= {"spread": spread, "uncertainty": uncertainty, "filled": finish.filled}
    curve = tuple((m.stage, m.step, m.energy, m.score) for m in history)
    problem, x = problem.to("cpu"), x.detach().cpu()
    if not judged(problem, x):
        return Report(allowed(_missed(problem, x)), None, curve=curve, **run)
    evidence = gather(problem, x)
    missing, radius = hole(problem.weight)
    figures = measure(
        evidence, missing=missing, hole=radius, spread=spread, transformed=finish.stabilised, amounts=finish.amounts
    )
    shown = problem.data, x, evidence.residual * (evidence.weight > 0)
    return Report(verdict(figures), figures, **run, curve=curve, data=shown[0], x=shown[1], residual=shown[2])


def _missed(problem: Problem, x: Tensor) -> float | None:
    """The share of the measurements that are not as the picture x would have them; None where any picture has."""
    with torch.no_grad():
        agrees = problem.likelihood.agrees(problem.operator(x), problem.data)
    if agrees is None:
        return None
    known = torch.ones_like(agrees) if problem.weight is None else (problem.weight > 0).expand_as(agrees)
    return float((known & ~agrees).sum() / known.sum().clamp_min(1))
