"""`untaught bench`: our presets and the classics on the same noisy pictures, as tables and as a contact sheet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App

from untaught.cli import studying
from untaught.cli.watching import INTERRUPTED
from untaught.core.allocator import keep_memory
from untaught.core.registry import comparisons

if TYPE_CHECKING:
    from untaught.bench.bench import Scored
    from untaught.bench.case import Case


def bench(
    task: studying.Compared,
    /,
    *pictures: studying.Clean,
    sigma: studying.Sigma = None,
    factor: studying.Factor = None,
    missing: studying.Missing = None,
    quality: studying.Quality = None,
    kernel: studying.Kernel = None,
    presets: str = "fast",
    against: str | None = None,
    seeds: studying.Seeds = 3,
    steps: int | None = None,
    noisy_from: studying.Published = None,
    pairs: studying.Pairs = None,
    reference: Annotated[list[str] | None, studying.FLAG] = None,
    memory: Annotated[bool, studying.FLAG] = False,
    lpips: Path | None = None,
    device: studying.Device = "auto",
    csv: Path | None = None,
    markdown: studying.Markdown = None,
    sheet: Path | None = None,
    force: studying.Force = False,
    quiet: studying.Quiet = False,
) -> int:
    """Compare presets with classic methods on the same inputs: PSNR, SSIM, seconds, memory, steps.

    Parameters
    ----------
    presets
        Ours, with commas between them: fast,paper. Empty: none.
    against
        The classics, with commas between them; all of the task's if not given. For denoise: tv, wavelet, nlm, and bm3d
        where its package is installed (non-commercial licence).
    steps
        How many steps ours take, instead of each preset's own number.
    reference
        How the names of the references in --pairs end, if not in _mean.
    memory
        Measure peak memory: every method runs in a process of its own.
    lpips
        A folder with the weights of LPIPS (alexnet*.npz, lpips*.npz): one more column, the perceptual distance.
    csv
        Write every single result here.
    sheet
        Write a before/after picture here: 100 % crops and what each method took away (seed 0).
    """
    given = dict(locals())
    from untaught.bench import bench as engine
    from untaught.bench import metrics, store, summary, table
    from untaught.bench.sheet import contact_sheet
    from untaught.core.machine import resolve_device
    from untaught.io import images
    from untaught.io.images.places import Places

    comparison = comparisons.get(task)
    studying.check(seeds=seeds, steps=steps)
    methods, reasons = engine.check(studying.names(presets), None if against is None else studying.names(against), task)
    places = Places.of([*pictures, *(pairs or ()), noisy_from], force=force)
    for target, option in ((csv, "--csv"), (markdown, "--markdown")):
        if target is not None:
            places.check(target, option=option, what=f"the file of {option}")
    if sheet is not None:
        images.check_output(sheet, places=places)
    if lpips is not None:
        metrics.lpips_network("alex", str(lpips))  # refuses before the work what is not there
    settings = engine.Settings(steps, resolve_device(device), memory, lpips)
    cases = comparison.cases(pictures, {**given, "reference": [e for r in reference or () for e in studying.names(r)]})
    for reason in reasons:
        print(f"note: {reason}", file=sys.stderr)
    del given["task"], given["pictures"], given["quiet"]
    command = table.again(["bench", task, *pictures], given)
    keep_memory()
    rows, strips, stopped = _run(
        engine.bench(cases, methods, seeds, settings, task), cases, comparison.start, quiet=quiet
    )
    if rows:  # what ended the work, an interrupt too, does not undo what was done
        summed, hardware = summary.grid(summary.lines(rows, cases, task)), table.hardware(settings.device)
        caption = [*summary.caption(rows, seeds, cases, task), f"Hardware: {hardware}."]
        table.show(summed, [*caption, f"Command: {command}"])
        if csv is not None:
            known = summary.columns(rows, cases, task)
            store.write(csv, rows, places, more=lambda row: {**known(row), "hardware": hardware, "command": command})
        if markdown is not None:
            places.text(markdown, table.page(summed, caption, command))
        if sheet is not None:
            images.write(sheet, contact_sheet(strips), places=places)
        studying.tell(places)
    if isinstance(stopped, Exception):
        raise stopped
    return INTERRUPTED if stopped else 0


def _run(
    results: Any, cases: list[Case], start: str, *, quiet: bool
) -> tuple[list[Scored], list[Any], BaseException | None]:
    """All rows, the strips of the contact sheet (seed 0), and what ended it early, if anything did."""
    from untaught.bench.sheet import SheetRow

    rows: list[Scored] = []
    strips: dict[str, SheetRow] = {}
    clean = {case.name: case.clean for case in cases}
    ended: BaseException | None = None
    try:
        for row, picture in results:
            rows.append(row)
            if row.seed == 0 and row.method == start:
                strips[row.picture] = SheetRow(row.picture, clean[row.picture], picture, {}, start)
            elif row.seed == 0:
                strips[row.picture].results[row.method] = picture
            if not quiet:
                said = f"{row.picture}, seed {row.seed}, {row.method}: {row.psnr:.2f} dB, {row.seconds:.2f} s"
                print(said, file=sys.stderr)
    except (Exception, KeyboardInterrupt) as why:
        ended = why
    return rows, list(strips.values()), ended


app = App(name="bench", help_format="markdown")
app.default(bench)
app.command(
    "untaught.cli.frontier:frontier",
    name="frontier",
    help="Quality against seconds: presets, classics and what others do, under equal budgets.",
)
app.command(
    "untaught.cli.stopping:stopping",
    name="stopping",
    help="How near to the best picture every stopping rule ends a run: picked step, oracle step, gap.",
)
app.command(
    "untaught.cli.simulate:simulate",
    name="simulate",
    help="Clean pictures with the noise of cameras, detectors and scans, beside the truth.",
)
