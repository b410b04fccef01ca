"""What a benchmark needs to know of a task. The clean picture is seen by scores and by oracles, which say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from untaught.bench import metrics
from untaught.bench.case import Case
from untaught.bench.classics import Classic


def score(result: NDArray, clean: NDArray) -> tuple[float, float]:
    """PSNR over all channels, and SSIM (NaN where the picture is smaller than its window of 11)."""
    same = metrics.ssim(result, clean) if min(clean.shape[:2]) >= 11 else float("nan")
    return metrics.psnr(result, clean), same


@dataclass(frozen=True)
class Comparison:
    """One task's benchmark.

    cases: of clean pictures and the options of the command (sigma, factor, quality, missing, kernel, noisy_from, pairs,
    reference; None where not given); refuses what it cannot use. baselines: by name; `run` calls one with (itself,
    the input, what is told), and gives a picture of the clean one's size and type. small: an input and what is told, for
    a first call that nobody times. start, show: what the untreated input is called, and how it is shown as a picture of
    the clean one's size. score: (PSNR, SSIM) of a result. said: what the figures mean, in sentences.
    """

    task: str
    cases: Callable[[Sequence[Path], Mapping[str, Any]], list[Case]]
    baselines: Mapping[str, Classic]
    run: Callable[[Classic, Any, Mapping[str, Any]], NDArray]
    small: Callable[[int], tuple[Any, dict[str, Any]]]
    start: str = "input"
    show: Callable[[Any, Case], NDArray] = lambda given, case: given
    score: Callable[[NDArray, NDArray], tuple[float, float]] = score
    said: tuple[str, ...] = ()
