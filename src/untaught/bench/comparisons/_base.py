"""What a benchmark needs to know of a task. The clean picture is seen by scores and by oracles, which say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.bench import metrics
from untaught.bench.case import Case
from untaught.bench.competitors._base import Competitor


def score(result: NDArray, clean: NDArray) -> tuple[float, float]:
    """PSNR over all channels, and SSIM (NaN where the picture is smaller than its window of 11)."""
    same = metrics.ssim(result, clean) if min(clean.shape[:2]) >= 11 else float("nan")
    return metrics.psnr(result, clean), same


def eight(x: NDArray, given: Any = None) -> NDArray:
    """Floats in [0, 1] in 8 bit."""
    return np.rint(255 * np.clip(np.asarray(x, np.float64), 0, 1)).astype(np.uint8)


@dataclass(frozen=True)
class Comparison:
    """One task's benchmark.

    cases: of clean pictures and the options of the command (sigma, factor, quality, missing, kernel, noisy_from, pairs,
    reference; None where not given); refuses what it cannot use. baselines: by name; `call` calls one with (itself,
    the input, what is told); finish: its floats as a picture of the clean one's size and type. small: an input and what is
    told, for a first call that nobody times. start, show: what the untreated input is called, and how it is shown as a picture of
    the clean one's size. score: (PSNR, SSIM) of a result. said: what the figures mean, in sentences.
    """

    task: str
    cases: Callable[[Sequence[Path], Mapping[str, Any]], list[Case]]
    baselines: Mapping[str, Competitor]
    call: Callable[[Competitor, Any, Mapping[str, Any]], Any]
    small: Callable[[int], tuple[Any, dict[str, Any]]]
    start: str = "input"
    show: Callable[[Any, Case], NDArray] = lambda given, case: given
    score: Callable[[NDArray, NDArray], tuple[float, float]] = score
    said: tuple[str, ...] = ()
    finish: Callable[[NDArray, Any], NDArray] = eight

    def run(self, classic: Competitor, given: Any, told: Mapping[str, Any]) -> NDArray:
        """The picture that a baseline makes; of an oracle that which scores best against told["clean"], the first without it."""
        found = self.call(classic, given, told)
        if not classic.oracle:
            return self.finish(found, given)
        tried = (self.finish(x, given) for x in found)
        clean = told.get("clean")
        return next(tried) if clean is None else max(tried, key=lambda x: self.score(x, clean)[0])
