"""Where a result may be off: maps of a report's page, and what is said of them in its JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from untaught.reports.drawing import figure, smaller
from untaught.reports.findings import Findings
from untaught.reports.heat import brightest, flat
from untaught.solver.uncertainty import WIDTH, Uncertainty


def table(found: Uncertainty) -> dict[str, Any]:
    """deviation: its median over the picture, in the unit of the figures, and the largest."""
    middle, most = float(found.deviation.median()), float(found.deviation.max())
    held = {"factor": found.factor, "error": found.error, "held": found.held}
    return {"deviation": middle, "largest": most, **held, "sentence": found.note}


def html(report: Findings) -> str:
    """A section with a map of the uncertainty, and one of how runs differ; empty where neither is known, or it is no picture."""
    parts: list[str] = []
    if report.x is None or report.figures is None:
        return ""
    if (found := report.uncertainty) is not None:
        grey, words = _map(found.deviation, report.filled, report.figures.said)
        said = f"How far it may be off: standard deviation, {words}. 90 % intervals reach {WIDTH:.2f} of it up and down"
        parts.append(figure(grey, said, "The standard deviation of every pixel; light: hard to tell"))
    if (spread := report.spread) is not None:
        grey, words = _map(spread.deviation, report.filled, report.figures.apart)
        said = f"How {spread.count} runs differ: standard deviation, {words}. They differ most about {spread.where}"
        parts.append(figure(grey, said, "The standard deviation between runs; light: other seeds give another picture"))
    return '<h2>Where it may be off</h2><div class="row">' + "".join(parts) + "</div>" if parts else ""


def _map(deviation: Tensor, filled: Any, said: Callable[..., str]) -> tuple[NDArray, str]:
    """Grey, (h, w) uint8, and what black and white are: `said` of a level. Where values are kept it is 0."""
    size = deviation[0].detach().cpu().double().movedim(0, -1).numpy()
    if filled is not None:
        size = size * (filled if np.ndim(filled) == 3 else np.asarray(filled)[..., None])
    one = flat(size)
    high = brightest(one)
    grey = np.rint(255 * np.clip(one / high, 0, 1)).astype(np.uint8)
    return smaller(grey), f"black: 0, white: {said(high, form='.2g')} and more"
