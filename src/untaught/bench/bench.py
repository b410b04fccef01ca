"""The benchmark: presets and classics on the same damaged pictures, scored against the clean ones.

Only the scores see the clean pictures. A case (see `comparisons`) is a clean picture and how its inputs come about,
`attempt` is one method on one of them, and `bench` yields a scored `Scored` for each picture x seed x method. Of rows,
`summary` makes tables and `sheet` a contact sheet.
"""

from __future__ import annotations

import functools
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from untaught.bench import metrics
from untaught.bench.case import Case, cells
from untaught.core.errors import BadInput, UntaughtError, unknown
from untaught.core.registry import comparisons, tasks


@dataclass(frozen=True)
class Scored:
    """One method on one damaged picture. seconds: array in to array out. steps: of ours. peak_mib, lpips: where measured."""

    picture: str
    seed: int
    method: str
    level: str
    origin: str
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


Answer = tuple[NDArray, float, int | None, float | None]


def bench(
    cases: Sequence[Case], methods: Iterable[str], seeds: int, settings: Settings, task: str = "denoise"
) -> Iterator[tuple[Scored, NDArray]]:
    """Every method on every case, seed by seed: the scored row, and the picture it is about. The first is the input itself."""
    twice = [name for name, count in Counter(case.name for case in cases).items() if count > 1]
    if twice:
        raise BadInput(f"Two of the pictures are called '{twice[0]}': the table could not tell them apart; rename one.")
    comparison = comparisons.get(task)
    once: dict[tuple[str, str], Answer] = {}
    given: Any = None
    for case, seed, method in cells(cases, [None, *methods], seeds):
        if method is None:
            given = case.input(seed)
            shown = comparison.show(given, case)
            yield _row(task, case, seed, comparison.start, (shown, 0.0, None, None), settings), shown
            continue
        # A classic has no seed: on one and the same input its answer is known after the first time.
        answer = once.get((case.name, method)) if case.fixed else None
        classic = comparison.baselines.get(method)
        told = {**case.told, "clean": case.clean} if classic and classic.oracle else case.told
        try:
            answer = answer or attempt(task, method, given, told, seed, settings)
        except UntaughtError as error:
            raise UntaughtError(f"{case.name} with {method}: {error}") from error
        if classic and case.fixed:
            once[case.name, method] = answer
        yield _row(task, case, seed, method, answer, settings), answer[0]


def attempt(task: str, method: str, given: Any, told: Mapping[str, Any], seed: int, settings: Settings) -> Answer:
    """(result, wall seconds, steps or None, peak MiB or None) of a preset or a classic."""
    if not settings.memory:
        return (*_timed(task, method, given, told, seed, settings), None)
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(_apart, task, method, given, dict(told), seed, settings, _threads()).result()
        except BrokenProcessPool as error:
            raise UntaughtError(
                "its process was killed, most likely for want of memory: take a smaller picture."
            ) from error


def check(presets: Sequence[str], against: Sequence[str] | None, task: str = "denoise") -> tuple[list[str], list[str]]:
    """The methods that can be run here, ours first, and a sentence for each that cannot; refuses unknown names.

    against: None for every classic of the task.
    """
    from untaught.tasks import _presets as known

    ours, classics = known.table(task), comparisons.get(task).baselines
    against = list(classics) if against is None else against
    for name in presets:
        if name not in ours:
            raise unknown("preset", name, ours)
    for name in against:
        if name not in classics:
            raise unknown("method", name, classics)
    reasons = [why for name in against if (why := classics[name].missing)]
    methods = [*dict.fromkeys([*presets, *(n for n in against if classics[n].missing is None)])]
    if not methods:
        raise BadInput("There is no method to run: name one with --presets or --against. " + " ".join(reasons))
    return methods, reasons


def _timed(
    task: str, method: str, given: Any, told: Mapping[str, Any], seed: int, settings: Settings
) -> tuple[NDArray, float, int | None]:
    _warm(task, method, getattr(given, "ndim", 3), settings.device)
    begun = time.perf_counter()
    result, steps = _run(task, method, given, told, seed, settings)
    return result, time.perf_counter() - begun, steps


def _run(
    task: str, method: str, given: Any, told: Mapping[str, Any], seed: int, settings: Settings
) -> tuple[NDArray, int | None]:
    comparison = comparisons.get(task)
    if method in comparison.baselines:
        return comparison.run(comparison.baselines[method], given, told), None
    from untaught.solver.loop import Run

    job = tasks.get(task).job(given, **told, preset=method, seed=seed, steps=settings.steps, device=settings.device)
    run = Run(job)
    for _ in run:
        pass
    return job.result(run.solution.x), run.total


@functools.cache
def _warm(task: str, method: str, ndim: int, device: str) -> None:
    """Imports and first calls are nobody's running time: each method sees a small picture first."""
    comparison = comparisons.get(task)
    given, told = comparison.small(ndim)
    if method not in comparison.baselines:
        told.pop("clean", None)  # for oracles
    _run(task, method, given, told, 0, Settings(steps=1, device=device))


def _apart(
    task: str, method: str, given: Any, told: Mapping[str, Any], seed: int, settings: Settings, threads: int | None
) -> Answer:
    """`_timed` in this process, which does nothing else, and its peak memory; torch is loaded only where it is used."""
    ours = method not in comparisons.get(task).baselines
    if threads is not None and ours:
        import torch

        torch.set_num_threads(threads)
    answer = _timed(task, method, given, told, seed, settings)
    if settings.device.startswith("cuda") and ours:
        return (*answer, torch.cuda.max_memory_allocated() / 2**20)
    return (*answer, peak() / 2**20)


def peak() -> float:
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


def _row(task: str, case: Case, seed: int, method: str, answer: Answer, settings: Settings) -> Scored:
    result, seconds, steps, peak = answer
    fidelity, same = comparisons.get(task).score(result, case.clean)
    seen = None
    if settings.lpips is not None and min(case.clean.shape[:2]) >= metrics.LPIPS_LEAST:
        seen = metrics.lpips(result, case.clean, weights=settings.lpips)
    return Scored(case.name, seed, method, case.level, case.origin, fidelity, same, seconds, steps, peak, seen)
