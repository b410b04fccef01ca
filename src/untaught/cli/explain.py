"""`untaught explain`: the formula of a job, filled in, and what it will cost. Each task has its own flags here too."""

from __future__ import annotations

import inspect
import json
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App

from untaught.cli.asked import option, signed
from untaught.cli.restoring import command
from untaught.core.errors import amount
from untaught.core.registry import tasks

FORMULA = "x* = argmin over x of E(A x, y) + R(x),  x = f(z)"


def _command(name: str) -> Any:
    """The explanation of one task: the parameters of its own command, less those that say where a result goes."""
    restore = command(name)
    settings = {"picture", *inspect.signature(tasks.get(name).compose).parameters}

    def run(picture: Path | None = None, /, **arguments: Any) -> None:
        explain_one(name, picture, arguments, as_json=arguments.pop("json", False))

    parameters = [p for p in inspect.signature(restore).parameters.values() if p.name in settings]
    how = Annotated[bool, option("Print it as JSON.")]
    parameters.append(inspect.Parameter("json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=how))
    run.__name__, run.__doc__ = name, restore.__doc__
    return signed(run, parameters)


def explain_one(name: str, picture: Path | None, settings: dict[str, Any], *, as_json: bool) -> None:
    """Read the picture, compose its job, probe it for a second, print."""
    from time import perf_counter

    from untaught.core.machine import free_memory
    from untaught.session import explain as study

    task, base = tasks.get(name), study.loaded()
    begun = perf_counter()
    image = None if picture is None else task.read(picture)
    job = task.job(image, **settings)
    composing = perf_counter() - begun
    costs, bytes = study.held(job, lambda: study.costs(job), base)
    device = job.stages[0].device
    lines = study.formula(
        job,
        costs,
        name="no picture" if picture is None else str(picture),
        dtype="float32" if image is None else str(image.pixels.dtype),
        sigma_given=settings.get("sigma") is not None,
    )
    steps = study.total(costs)
    seconds = None if steps is None else composing + steps
    notes = (*(image.notes if image else ()), *job.notes)
    if as_json:
        print(
            json.dumps(
                {
                    "task": name,
                    "formula": dict(lines),
                    "compose_seconds": composing,
                    "stages": [{**vars(c), "engine": c.engine, "seconds": c.seconds} for c in costs],
                    "device": device,
                    "memory_bytes": bytes,
                    "seconds": seconds,
                    "notes": notes,
                },
                indent=1,
            )
        )
        return
    free = free_memory(device)
    lines += [
        ("device", f"{device}, seed {job.seed}"),
        (
            "memory",
            f"about {amount(bytes)}" + (f"; {amount(free)} are free" if free is not None else ""),
        ),
        *_engines(costs),
        ("time", _time(costs, seconds, composing)),
    ]
    _show(lines, notes)


def _engines(costs: list[Any]) -> list[tuple[str, str]]:
    """For every stage with a network, how long a step takes beside the bare convolutions in it, timed just before."""
    lines = []
    for i, cost in enumerate(costs):
        if cost.engine is None:
            continue
        of = f"a step takes {_span(cost.step_seconds)}"
        bare = _span(cost.convolution_seconds)
        text = (
            f"{of}, its convolutions alone {bare}: {100 * cost.engine:.0f} % of the step"
            if cost.engine <= 1
            else f"{of}, where the library alone would take {bare} for its convolutions: {cost.engine:.2g} times as long"
        )
        lines.append(("engine" + (f" {i + 1}" if len(costs) > 1 else ""), text))
    return lines


def _time(costs: list[Any], seconds: float | None, composing: float = 0.0) -> str:
    """The time, and what it is the sum of."""
    parts = [f"{_span(composing)} to read and measure"] if composing else []
    for once, some in groupby(costs, lambda cost: cost.steps == 1):
        stages = list(some)
        if once and len(stages) > 1:
            parts.append(f"{_span(sum(cost.seconds for cost in stages))} for {len(stages)} stages of one step")
            continue
        for cost in stages:
            parts.append(f"{cost.steps or '?'} {'step' if once else 'steps'} of {_span(cost.step_seconds)}")
            if cost.prepare_seconds:
                parts.append(f"{_span(cost.prepare_seconds)} to prepare inputs")
            parts.append(f"{_span(cost.final_seconds)} for the picture in the end")
    most = "at most" if any(c.early for c in costs) else "about"
    total = "it cannot be known before" if seconds is None else f"{most} {_span(seconds)}"
    return f"{total}: {' + '.join(parts)}"


def _span(seconds: float) -> str:
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    return f"{seconds:.3g} s" if seconds < 120 else f"{seconds / 60:.3g} min"


def _show(lines: list[tuple[str, str]], notes: tuple[str, ...]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for symbol, text in lines:
        table.add_row(Text(symbol, style="bold"), Text(text))
    console.print(FORMULA, markup=False)
    console.print(table)
    for note in notes:
        console.print(f"note: {note}", markup=False, soft_wrap=True)


explain = App(name="explain", help="Print the formula of a job, filled in, with memory and time. Nothing is restored.")
for _name in tasks.names():
    explain.command(_command(_name), name=_name)
