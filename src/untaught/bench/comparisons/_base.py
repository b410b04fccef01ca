"""What a benchmark needs to know of a task. The clean picture is seen by scores and by oracles, which say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from untaught.bench import metrics
from untaught.bench.classics import Classic


class Compared(Protocol):
    """One clean picture, uint8 or uint16, and how its inputs come about.

    told: the settings that every method gets, ours and the classics. level: of the damage, as published tables have it
    ("25", "x4"). origin: "drawn", "published" or "real". fixed: every seed has the same input.
    """

    @property
    def name(self) -> str: ...
    @property
    def clean(self) -> NDArray: ...
    @property
    def told(self) -> dict[str, Any]: ...
    @property
    def level(self) -> str: ...
    @property
    def origin(self) -> str: ...
    @property
    def fixed(self) -> bool: ...
    def input(self, seed: int) -> Any: ...


@dataclass(frozen=True, eq=False)
class Degraded:
    """A case whose input `make` makes of the seed: an array, or whatever the task takes (the path of a file)."""

    name: str
    clean: NDArray
    level: str
    make: Callable[[int], Any]
    told: dict[str, Any] = field(default_factory=dict)
    origin: str = "drawn"
    fixed: bool = False

    def input(self, seed: int) -> Any:
        return self.make(seed)


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
    cases: Callable[[Sequence[Path], Mapping[str, Any]], list[Any]]
    baselines: Mapping[str, Classic]
    run: Callable[[Classic, Any, Mapping[str, Any]], NDArray]
    small: Callable[[int], tuple[Any, dict[str, Any]]]
    start: str = "input"
    show: Callable[[Any, Compared], NDArray] = lambda given, case: given
    score: Callable[[NDArray, NDArray], tuple[float, float]] = score
    said: tuple[str, ...] = ()
