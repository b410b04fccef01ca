"""A run, watched: progress on the error stream or lines of JSON, and interrupts that lose nothing."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from untaught.core.allocator import keep_memory

if TYPE_CHECKING:
    from untaught.calibration.repeated import RepeatedRuns
    from untaught.solver.iterate import Iterate
    from untaught.solver.loop import Run
    from untaught.solver.solution import Solution
    from untaught.solver.stage import Job

INTERRUPTED = 130
T = TypeVar("T")


def watch(
    job: Job, *, quiet: bool = False, watchers: Iterable[Callable[[Iterate], None]] = ()
) -> tuple[Solution, bool]:
    """Exhaust a job that needs no session, showing it: its solution, and whether it was interrupted."""
    from untaught.solver.loop import Run

    run = Run(job)

    def steps() -> Iterator[Iterate]:
        for iterate in run:
            for look in watchers:
                look(iterate)
            yield iterate

    return show(run, steps(), lambda: run.solution, quiet=quiet)


def show(
    run: Run | RepeatedRuns,
    steps: Iterable[Iterate],
    end: Callable[[], T],
    *,
    as_json: bool = False,
    quiet: bool = False,
) -> tuple[T, bool]:
    """Take the steps of the run, showing them, and end it: what `end` returns, and whether it was interrupted.

    The first interrupt ends it between two steps, and waits for the end; a second one stops at once.
    """
    keep_memory()
    with interrupts() as seen:
        with bar(run, hidden=as_json or quiet) as update:
            for iterate in steps:
                if as_json:
                    print(json.dumps({**iterate.moment.__dict__, "progress": iterate.verdict.progress}), flush=True)
                update(iterate)
                if seen:
                    break
        return end(), bool(seen)


@contextmanager
def interrupts(stop: Callable[[], None] = lambda: None) -> Iterator[list[int]]:
    """What came: the first interrupt calls `stop`, so that what is finished is kept; a second one ends it at once."""
    seen: list[int] = []

    def flag(number: int, frame: Any) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)
        stop()

    previous = {s: signal.signal(s, flag) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield seen
    finally:
        for which, handler in previous.items():
            signal.signal(which, handler)


@contextmanager
def bar_of(what: str, *, hidden: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on the error stream of how many of so many things are done, with the time that remains; lines above it scroll."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    text = TextColumn("{task.description}")
    columns = (text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    with _progress(*columns, hidden=hidden) as progress:
        bar = progress.add_task(what, total=None)
        yield lambda done, count: progress.update(bar, completed=done, total=count)


@contextmanager
def bar(run: Run | RepeatedRuns, *, hidden: bool) -> Iterator[Callable[[Iterate], None]]:
    """A progress bar on the error stream: steps, energy, the rule's score, elapsed and remaining time."""
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    text, numbers = TextColumn("[bold]{task.description}"), TextColumn("{task.fields[numbers]}")
    left = TextColumn("left"), TimeRemainingColumn(elapsed_when_finished=False)
    with _progress(text, BarColumn(), numbers, TimeElapsedColumn(), *left, hidden=hidden) as progress:
        task = progress.add_task("starting", total=None, numbers="")
        stage, shown = -1, 0.0

        def show(iterate: Iterate) -> None:
            nonlocal stage, shown
            if iterate.seconds - shown < 0.1 and iterate.verdict.stop is None:
                return
            shown, count = iterate.seconds, len(run.job.stages)
            if iterate.stage != stage:
                stage = iterate.stage
                name = "restoring" if count == 1 else f"stage {stage + 1} of {count}"
                progress.reset(task, total=run.steps, description=name)
            score = "" if iterate.verdict.score is None else f"  score {iterate.verdict.score:.3g}"
            told = f"step {iterate.step}  energy {iterate.energy:.3g}{score}"
            progress.update(task, completed=iterate.step, numbers=told)

        yield show


def _progress(*columns: Any, hidden: bool) -> Any:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=hidden or not console.is_terminal)


def end(line: str, *, as_json: bool, quiet: bool, **told: Any) -> None:
    """What is said of a result: all that is told, its "notes" among it, as a line of JSON; or the notes and that line."""
    if as_json:
        print(json.dumps(told), flush=True)
    elif not quiet:
        for note in told["notes"]:
            print(f"note: {note}", file=sys.stderr)
        print(line, file=sys.stderr)


def say(solution: Solution, notes: tuple[str, ...], target: Path, *, as_json: bool, quiet: bool) -> None:
    as_planned = solution.reason.startswith(("all ", "the estimate is made"))
    at = f"at step {solution.step}"  # which an interrupted run says itself
    why = "" if as_planned else f": {solution.reason}" + ("" if solution.reason.endswith(at) else f", {at}")
    end(
        f"Saved {target} ({solution.seconds:.0f} s){why}.",
        as_json=as_json,
        quiet=quiet,
        output=str(target),
        step=solution.step,
        reason=solution.reason,
        notes=notes,
        seconds=solution.seconds,
    )
