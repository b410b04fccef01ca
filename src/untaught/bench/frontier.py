"""Quality against time: our presets, the classics and what others do, under equal budgets of seconds.

A budget counts from array in to array out. What has a schedule (one-cycle) is run once for each budget, with as many steps
as fit; what has none is run once, and read when it passes each budget; a classic filter takes the time it takes.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from numpy.typing import NDArray

from untaught.bench.bench import Settings, attempt
from untaught.bench.case import Case
from untaught.bench.competitors.untrained import ALTERNATIVES
from untaught.core.errors import unknown
from untaught.core.registry import comparisons, tasks
from untaught.reports.plot import Axis, Curve, plot
from untaught.solver.loop import Run
from untaught.solver.stage import Estimate, Job, Solve, Stage
from untaught.solver.stopping import After
from untaught.tasks import _presets as presets
from untaught.tasks._presets import Facts

PROBE = 12
"""Steps of the run that measures what a step takes, and what comes before and after all steps."""
Kind = Literal["preset", "classic", "alternative"]


@dataclass(frozen=True)
class Point:
    """budget: seconds allowed; None for a classic, and for a preset at its own number of steps. seconds: those it took."""

    picture: str
    seed: int
    method: str
    kind: Kind
    budget: float | None
    seconds: float
    steps: int | None
    psnr: float

    @property
    def key(self) -> tuple[str, int, str]:
        return self.picture, self.seed, self.method


def plan(task: str, names: Sequence[str] | None = None) -> list[tuple[str, Kind]]:
    """What is compared, in order; `names` None for everything that can be run here."""
    known: dict[str, Kind] = {
        **dict.fromkeys(presets.table(task), "preset"),
        **{n: "classic" for n, c in comparisons.get(task).baselines.items() if not (c.missing or c.oracle)},
        **{n: "alternative" for n, a in ALTERNATIVES.items() if a.tasks is None or task in a.tasks},
    }
    for name in names or ():
        if name not in known:
            raise unknown("method", name, known)
    return [(name, kind) for name, kind in known.items() if names is None or name in names]


def points(
    task: str, case: Case, seed: int, method: tuple[str, Kind], budgets: Sequence[float], settings: Settings
) -> Iterator[Point]:
    """The points of one method on one damaged picture, cheapest first. Scores are taken off the clock."""
    name, kind = method
    given, clean = case.input(seed), case.clean
    comparison = comparisons.get(task)

    def point(budget: float | None, seconds: float, steps: int | None, result: NDArray) -> Point:
        fidelity = comparison.score(result, clean)[0]
        return Point(case.name, seed, name, kind, budget, round(seconds, 3), steps, round(fidelity, 3))

    if kind == "classic":
        result, seconds, steps, _ = attempt(task, name, given, case.told, seed, settings)
        yield point(None, seconds, steps, result)
        return

    def job(steps: int | None) -> Job:
        preset = name if kind == "preset" else "paper"
        made: Job = tasks.get(task).job(
            given, **case.told, preset=preset, seed=seed, steps=steps, device=settings.device
        )
        if kind == "preset":
            return made
        facts = Facts(made.problem, made.finish.full is not None, seed, settings.device, steps)
        return ALTERNATIVES[name].job(made, facts)

    first = job(None)
    if all(_one_step(stage) for stage in first.stages):
        begun = time.perf_counter()
        result = _finished(Run(job(None)))
        yield point(None, time.perf_counter() - begun, None, result)
    elif any(_scheduled(stage) for stage in first.stages):
        fixed, each = _cost(job)
        for budget in sorted(budgets):
            steps = int((budget - fixed) / each)
            if steps >= PROBE:
                begun = time.perf_counter()
                run = Run(job(steps))
                result = _finished(run)
                yield point(budget, time.perf_counter() - begun, run.total, result)
    else:
        yield from _passing(Run(_endless(job(None))), sorted(budgets), point)


def _passing(run: Run, budgets: Sequence[float], point: Any) -> Iterator[Point]:
    """One run, read whenever it has taken as long as a budget allows."""
    left = list(budgets)
    for iterate in run:
        if iterate.seconds >= left[0]:
            begun = time.perf_counter()
            result = run.job.result(iterate.average())
            looked = time.perf_counter() - begun
            yield point(left.pop(0), iterate.seconds + looked, run.total, result)
        if not left:
            return


def _cost(job: Any) -> tuple[float, float]:
    """(seconds before and after all steps, seconds a step), of a run of a few steps."""
    begun = time.perf_counter()
    run, marks = Run(job(PROBE)), []
    for _ in run:
        marks.append(time.perf_counter())
    run.job.result(run.solution.x)
    whole = time.perf_counter() - begun
    each = statistics.median(b - a for a, b in zip(marks[PROBE // 2 :], marks[PROBE // 2 + 1 :], strict=False))
    return whole - each * len(marks), each


def _finished(run: Run) -> NDArray:
    for _ in run:
        pass
    result: NDArray = run.job.result(run.solution.x)
    return result


def _one_step(stage: Stage) -> bool:
    return isinstance(stage, Estimate) or stage.steps == 1


def _scheduled(stage: Stage) -> bool:
    return isinstance(stage, Solve) and stage.method.optimiser.paced


def _endless(job: Job) -> Job:
    return replace(job, stages=tuple(s.changed(stop=After(10**9)) if isinstance(s, Solve) else s for s in job.stages))


def means(found: Sequence[Point]) -> list[tuple[str, Kind, float | None, float, float, int]]:
    """(method, kind, budget, mean seconds, mean PSNR, count) over pictures and seeds, of each method and budget that every
    picture has: a mean over other pictures could not be compared."""
    count = len({(p.picture, p.seed) for p in found})
    lines = []
    for method, kind, budget in dict.fromkeys((p.method, p.kind, p.budget) for p in found):
        here = [p for p in found if (p.method, p.budget) == (method, budget)]
        if len(here) == count:
            seconds, psnr = (statistics.fmean(getattr(p, name) for p in here) for name in ("seconds", "psnr"))
            lines.append((method, kind, budget, seconds, psnr, len(here)))
    return lines


HEADER = ("method", "kind", "budget, s", "seconds", "PSNR", "pictures x seeds")


def grid(found: Sequence[Point]) -> list[tuple[str, ...]]:
    """The means as rows of a table."""
    lines = means(found)
    return [HEADER, *((m, k, f"{b:g}" if b else "", f"{s:.1f}", f"{p:.2f}", str(n)) for m, k, b, s, p, n in lines)]


def figure(found: Sequence[Point], title: str) -> NDArray:
    """Mean PSNR over mean seconds: a line for each method that can be given time, a dot for what takes what it takes."""
    curves = []
    lines = means(found)
    for method in dict.fromkeys(line[0] for line in lines):
        own = sorted((line for line in lines if line[0] == method), key=lambda line: line[3])
        classic = own[0][2] is None and len(own) == 1
        curves.append(Curve(method, [o[3] for o in own], [o[4] for o in own], "dots" if classic else "both"))
    return plot(curves, Axis("seconds", log=True), Axis("PSNR, dB"), title=title, size=(860, 520))
