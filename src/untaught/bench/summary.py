"""Rows of a benchmark summed up: a line for each picture and method, published figures beside ours, and what they mean."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from untaught.bench.bench import Scored
from untaught.bench.case import Case
from untaught.bench.cases import plain
from untaught.core.registry import comparisons

HEADER = ("picture", "method", "PSNR (dB)", "SSIM", "LPIPS", "seconds", "steps", "peak MiB")
_LPIPS = HEADER.index("LPIPS")


@dataclass(frozen=True)
class Line:
    """A line of the summary: means over the seeds. spread: PSNR's standard deviation over them; None for one."""

    picture: str
    method: str
    psnr: float
    spread: float | None = None
    ssim: float | None = None
    seconds: float | None = None
    steps: float | None = None
    peak_mib: float | None = None
    lpips: float | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        psnr = f"{self.psnr:.2f}" if self.spread is None else f"{self.psnr:.2f} ± {self.spread:.2f}"
        quick = 2 if self.seconds is not None and self.seconds < 1 else 1
        numbers = ((self.ssim, 3), (self.lpips, 3), (self.seconds, quick), (self.steps, 0), (self.peak_mib, 0))
        return self.picture, self.method, psnr, *(f"{v:.{n}f}" if v is not None else "" for v, n in numbers)


def lines(rows: Sequence[Scored], cases: Sequence[Case], task: str = "denoise") -> list[Line]:
    """Picture by picture the mean over its seeds, published figures under ours, then the mean over all pictures.

    The last needs every picture at every seed; its spread is that of the seeds' means, not that between pictures.
    """
    found: list[Line] = []
    known: list[dict[str, float]] = []
    for case in cases:
        mine = [r for r in rows if r.picture == case.name]
        if mine:
            found += [_line(case.name, m, [[r] for r in mine if r.method == m]) for m in _methods(mine)]
            known.append(published(case, task))
            found += [Line(case.name, name, figure) for name, figure in known[-1].items()]
    pictures = len({r.picture for r in rows})
    if pictures > 1:
        name = f"mean of {pictures}"
        for method in _methods(rows):
            seeds = sorted({r.seed for r in rows})
            each = [[r for r in rows if r.method == method and r.seed == s] for s in seeds]
            whole = [group for group in each if len(group) == pictures]
            found += [_line(name, method, whole)] if whole else []
        for label in known[0] if all(known) else ():
            if all(label in k for k in known):
                found.append(Line(name, label, statistics.fmean(k[label] for k in known)))
    return found


def tabulated() -> list[dict[str, str]]:
    """The published figures, a line each: task, picture, height, width, channels, level, method, psnr."""
    text = files("untaught.bench").joinpath("published.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def published(case: Case, task: str = "denoise") -> dict[str, float]:
    """PSNR by method ("DIP, published"), where task, picture, size and level of damage are those of a published table."""
    if not case.level:
        return {}
    height, width, channels = (*case.clean.shape, 1)[:3]
    found = {}
    for line in tabulated():
        same = (line["task"], line["level"], line["picture"], int(line["height"]), int(line["width"]))
        # Of a name alone nothing follows: there are many houses.
        if same == (task, case.level, plain(Path(case.name).stem), height, width) and int(line["channels"]) == channels:
            found[f"{line['method']}, published"] = float(line["psnr"])
    return found


def columns(
    rows: Sequence[Scored], cases: Sequence[Case], task: str = "denoise"
) -> Callable[[Scored], dict[str, float | None]]:
    """The published figures of a row's picture, a column for each that one of the pictures has."""
    known = {case.name: published(case, task) for case in cases}
    labels = sorted({label for figures in known.values() for label in figures})
    return lambda row: {label: known[row.picture].get(label) for label in labels}


def grid(lines: Sequence[Line]) -> list[tuple[str, ...]]:
    """The header and the cells of every line; the column of LPIPS only where one was measured."""
    rows = [HEADER, *(line.cells for line in lines)]
    seen = any(line.lpips is not None for line in lines)
    return rows if seen else [row[:_LPIPS] + row[_LPIPS + 1 :] for row in rows]


def caption(rows: Sequence[Scored], seeds: int, cases: Sequence[Case], task: str = "denoise") -> list[str]:
    """What the numbers mean, in sentences."""
    scored = "Against the clean picture, of the 8-bit result (16-bit for 16-bit pairs)"
    said = [f"{scored}; seconds are wall time, array in to array out."]
    if not comparisons.get(task).said:
        said.insert(0, "PSNR over all channels, and SSIM.")
    if seeds > 1:
        said.append(f"Means over {seeds} seeds, ± the standard deviation over them.")
    origins, own = {r.origin for r in rows}, comparisons.get(task).said
    said += own
    if "drawn" in origins and not own:
        said.append(
            "Noise: numpy.random.default_rng(seed), added in [0, 1], clipped, rounded to 8 bit; new for every seed."
        )
    if "published" in origins and not own:
        said.append("Published noisy pictures: one input, the seeds change the network only.")
    if "real" in origins:
        said.append("Real pairs: no method is told sigma; the classics get scikit-image's estimate_sigma.")
    if not own and any(published(case, task) and case.origin == "drawn" for case in cases):
        said.append("The published figures are of another draw of the noise: --noisy-from compares on the same.")
    if any(r.lpips is not None for r in rows):
        said.append("LPIPS: version 0.1 over AlexNet, 0 for equal pictures.")
    if any(r.peak_mib for r in rows):
        said.append("Peak MiB: a process of its own for each method, Python and libraries included.")
    return said


def _methods(rows: Sequence[Scored]) -> list[str]:
    return list(dict.fromkeys(r.method for r in rows))


def _line(picture: str, method: str, seeds: Sequence[Sequence[Scored]]) -> Line:
    """The line of groups of rows, one group a seed."""
    rows = [r for group in seeds for r in group]
    means = [statistics.fmean(r.psnr for r in group) for group in seeds]
    spread = statistics.stdev(means) if len(means) > 1 and all(abs(m) != float("inf") for m in means) else None
    steps = [r.steps for r in rows if r.steps is not None]
    peaks = [r.peak_mib for r in rows if r.peak_mib is not None]
    seen = [r.lpips for r in rows if r.lpips is not None]
    return Line(
        picture,
        method,
        statistics.fmean(means),
        spread,
        statistics.fmean(r.ssim for r in rows),
        statistics.fmean(r.seconds for r in rows),
        statistics.fmean(steps) if steps else None,
        max(peaks) if peaks else None,
        statistics.fmean(seen) if seen else None,
    )
