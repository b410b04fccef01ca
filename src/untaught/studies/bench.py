"""The benchmark: presets and classics on the same noisy pictures, scored against the clean ones.

Only the scores see the clean pictures. A `Case` (see `cases`) is a clean picture and where its noisy inputs come from,
`attempt` is one method on one of them, and `bench` yields a scored `Row` for each picture x seed x method. Of rows,
`tables` makes tables and `sheet` a contact sheet.
"""

from __future__ import annotations

import functools
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught import arrays, metrics
from untaught.errors import BadInput, UntaughtError, unknown
from untaught.studies.cases import Case
from untaught.studies.classics import CLASSICS, estimate

NOISY = "noisy"


@dataclass(frozen=True)
class Row:
    """One method on one noisy picture. seconds: array in to array out. steps: of ours. peak_mib, lpips: where measured."""

    picture: str
    seed: int
    method: str
    sigma: float | None
    noise: str
    psnr: float
    ssim: float
    seconds: float
    steps: int | None = None
    peak_mib: float | None = None
    lpips: float | None = None


@dataclass(frozen=True)
class Settings:
    """What all methods share. memory: each one runs in a process of its own, whose peak is measured. lpips: its weights."""

    steps: int | None = None
    device: str = "cpu"
    memory: bool = False
    lpips: Path | None = None


def bench(
    cases: Sequence[Case], methods: Iterable[str], seeds: int, settings: Settings
) -> Iterator[tuple[Row, NDArray]]:
    """Every method on every case, seed by seed: the scored row, and the picture it is about."""
    twice = [name for name, count in Counter(case.name for case in cases).items() if count > 1]
    if twice:
        raise BadInput(f"Two of the pictures are called '{twice[0]}': the table could not tell them apart; rename one.")
    methods = list(methods)
    for case in cases:
        once: dict[str, tuple[NDArray, float, int | None, float | None]] = {}
        for seed in range(seeds):
            noisy = case.input(seed)
            yield _row(case, seed, NOISY, (noisy, 0.0, None, None), settings), noisy
            for method in methods:
                # A classic has no seed: on one and the same input its answer is known after the first time.
                answer = once.get(method) if case.noisy is not None else None
                try:
                    answer = answer or attempt(method, noisy, case.sigma, seed, settings)
                except UntaughtError as error:
                    raise UntaughtError(f"{case.name} with {method}: {error}") from error
                if method in CLASSICS:
                    once[method] = answer
                yield _row(case, seed, method, answer, settings), answer[0]


def attempt(method: str, noisy: NDArray, sigma: float | None, seed: int, settings: Settings) -> Any:
    """(result of the noisy picture's type, wall seconds, steps or None, peak MiB or None) of a preset or a classic."""
    if not settings.memory:
        return (*_timed(method, noisy, sigma, seed, settings), None)
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(_apart, method, noisy, sigma, seed, settings, _threads()).result()
        except BrokenProcessPool as error:
            raise UntaughtError(
                "its process was killed, most likely for want of memory: take a smaller picture."
            ) from error


def check(presets: Sequence[str], against: Sequence[str]) -> tuple[list[str], list[str]]:
    """The methods that can be run here, ours first, and a sentence for each that cannot; refuses unknown names."""
    from untaught import presets as known

    ours = known.table("denoise")
    for name in (*presets, *against):
        if name not in (ours if name in presets else CLASSICS):
            raise unknown("preset" if name in presets else "method", name, ours if name in presets else CLASSICS)
    reasons = [why for name in against if (why := CLASSICS[name].missing)]
    methods = [*dict.fromkeys([*presets, *(n for n in against if CLASSICS[n].missing is None)])]
    if not methods:
        raise BadInput("There is no method to run: name one with --presets or --against. " + " ".join(reasons))
    return methods, reasons


def _timed(
    method: str, noisy: NDArray, sigma: float | None, seed: int, settings: Settings
) -> tuple[NDArray, float, int | None]:
    _warm(method, noisy.ndim, settings.device)
    begun = time.perf_counter()
    result, steps = _run(method, noisy, sigma, seed, settings)
    return result, time.perf_counter() - begun, steps


def _run(method: str, noisy: NDArray, sigma: float | None, seed: int, settings: Settings) -> tuple[NDArray, int | None]:
    if method in CLASSICS:
        full = arrays.full_scale(noisy)
        data = noisy / full
        result = CLASSICS[method].run(data, estimate(data) if sigma is None else sigma)
        return np.rint(full * np.clip(result, 0, 1)).astype(noisy.dtype), None
    from untaught.run import Run
    from untaught.tasks.denoise import denoise

    job = denoise.job(noisy, sigma=sigma, preset=method, seed=seed, steps=settings.steps, device=settings.device)
    run = Run(job)
    for _ in run:
        pass
    return job.result(run.solution.x), run.total


@functools.cache
def _warm(method: str, ndim: int, device: str) -> None:
    """Imports and first calls are nobody's running time: each method sees a small picture first."""
    small = np.random.default_rng(0).integers(0, 256, (48, 48, 3)[:ndim]).astype(np.uint8)
    _run(method, small, 25 / 255, 0, Settings(steps=1, device=device))


def _apart(method: str, noisy: NDArray, sigma: float | None, seed: int, settings: Settings, threads: int | None) -> Any:
    """`_timed` in this process, which does nothing else, and its peak memory; torch is loaded only where it is used."""
    if threads is not None and method not in CLASSICS:
        import torch

        torch.set_num_threads(threads)
    answer = _timed(method, noisy, sigma, seed, settings)
    if settings.device.startswith("cuda") and method not in CLASSICS:
        return (*answer, torch.cuda.max_memory_allocated() / 2**20)
    return (*answer, _peak() / 2**20)


def _peak() -> float:
    """The most bytes this process ever held. Linux's ru_maxrss begins with what the parent held, VmHWM does not."""
    import resource

    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(1024.0 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)


def _threads() -> int | None:
    torch = sys.modules.get("torch")
    return None if torch is None else torch.get_num_threads()


def _row(
    case: Case, seed: int, method: str, answer: tuple[NDArray, float, int | None, float | None], settings: Settings
) -> Row:
    result, seconds, steps, peak = answer
    side = min(case.clean.shape[:2])
    same = metrics.ssim(result, case.clean) if side >= 11 else float("nan")  # its window is 11 wide
    seen = None
    if settings.lpips is not None and side >= metrics.LPIPS_LEAST:
        seen = metrics.lpips(result, case.clean, weights=settings.lpips)
    fidelity = metrics.psnr(result, case.clean)
    return Row(case.name, seed, method, case.sigma, case.origin, fidelity, same, seconds, steps, peak, seen)
