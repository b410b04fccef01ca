"""Rows of a benchmark as tables: one summary, in the terminal's hands or as Markdown, and every row as CSV."""

from __future__ import annotations

import csv
import io
import os
import platform
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from untaught.bench.bench import Row
from untaught.bench.cases import plain
from untaught.bench.comparisons._base import Compared
from untaught.core.registry import comparisons
from untaught.io.images.places import Places, write_text

HEADER = ("picture", "method", "PSNR (dB)", "SSIM", "LPIPS", "seconds", "steps", "peak MiB")
_LPIPS = HEADER.index("LPIPS")


@dataclass(frozen=True)
class Mean:
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
        seconds = (
            None if self.seconds is None else f"{self.seconds:.1f}" if self.seconds >= 1 else f"{self.seconds:.2f}"
        )
        numbers = (f"{v:.{digits}f}" if v is not None else "" for v, digits in ((self.steps, 0), (self.peak_mib, 0)))
        return (
            self.picture,
            self.method,
            psnr,
            f"{self.ssim:.3f}" if self.ssim is not None else "",
            f"{self.lpips:.3f}" if self.lpips is not None else "",
            seconds or "",
            *numbers,
        )


def summary(rows: Sequence[Row], cases: Sequence[Compared], task: str = "denoise") -> list[Mean]:
    """Picture by picture the mean over its seeds, published figures under ours, then the mean over all pictures.

    The last needs every picture at every seed; its spread is that of the seeds' means, not that between pictures.
    """
    lines: list[Mean] = []
    known: list[dict[str, float]] = []
    for case in cases:
        mine = [r for r in rows if r.picture == case.name]
        if mine:
            lines += [_line(case.name, m, [[r] for r in mine if r.method == m]) for m in _methods(mine)]
            known.append(published(case, task))
            lines += [Mean(case.name, name, figure) for name, figure in known[-1].items()]
    pictures = len({r.picture for r in rows})
    if pictures > 1:
        name = f"mean of {pictures}"
        for method in _methods(rows):
            seeds = sorted({r.seed for r in rows})
            each = [[r for r in rows if r.method == method and r.seed == s] for s in seeds]
            whole = [group for group in each if len(group) == pictures]
            lines += [_line(name, method, whole)] if whole else []
        for label in known[0] if all(known) else ():
            if all(label in k for k in known):
                lines.append(Mean(name, label, statistics.fmean(k[label] for k in known)))
    return lines


def published(case: Compared, task: str = "denoise") -> dict[str, float]:
    """PSNR by method ("DIP, published"), where task, picture, size and level of damage are those of a published table."""
    if not case.level:
        return {}
    text = files("untaught.bench").joinpath("published.csv").read_text(encoding="utf-8")
    height, width, channels = (*case.clean.shape, 1)[:3]
    found = {}
    for line in csv.DictReader(io.StringIO(text)):
        same = (line["task"], line["level"], line["picture"], int(line["height"]), int(line["width"]))
        # Of a name alone nothing follows: there are many houses.
        if same == (task, case.level, plain(Path(case.name).stem), height, width) and int(line["channels"]) == channels:
            found[f"{line['method']}, published"] = float(line["psnr"])
    return found


def hardware(device: str = "cpu") -> str:
    """What the seconds are seconds of: processor, threads, versions; and the GPU where one was used."""
    import torch

    parts = [f"{_processor()}, {_count(_cores(), 'core')}, {_count(torch.get_num_threads(), 'thread')}"]
    if device.startswith("cuda"):
        parts.append(torch.cuda.get_device_name(device))
    names = ("untaught", "torch", "scikit-image")
    return "; ".join([*parts, ", ".join(f"{n} {version(n)}" for n in names), f"Python {platform.python_version()}"])


def write_csv(
    path: Path,
    rows: Iterable[Row],
    cases: Sequence[Compared],
    task: str = "denoise",
    *,
    hardware: str,
    command: str,
    places: Places | None = None,
) -> None:
    """One row for each picture x method x seed, with the picture's published figures, hardware and command."""
    known = {case.name: published(case, task) for case in cases}
    labels = sorted({label for figures in known.values() for label in figures})
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*(f.name for f in fields(Row)), *labels, "hardware", "command"])
    for row in rows:
        figures = [known[row.picture].get(label) for label in labels]
        writer.writerow([*asdict(row).values(), *figures, hardware, command])
    write_text(path, out.getvalue(), places)


def grid(lines: Sequence[Mean]) -> list[tuple[str, ...]]:
    """The header and the cells of every line; the column of LPIPS only where one was measured."""
    rows = [HEADER, *(line.cells for line in lines)]
    if any(line.lpips is not None for line in lines):
        return rows
    return [row[:_LPIPS] + row[_LPIPS + 1 :] for row in rows]


def markdown(lines: Sequence[Mean], *, caption: Iterable[str], hardware: str, command: str) -> str:
    """The summary as a Markdown table, with everything that is needed to make it again."""
    table = grid(lines)
    body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |" for cells in table]
    body.insert(1, "|---|---|" + "---:|" * (len(table[0]) - 2))
    said = [*caption, f"Hardware: {hardware}."]
    return "\n".join([*body, "", *(f"- {s}" for s in said), "", "```", command, "```", ""])


def caption(rows: Sequence[Row], seeds: int, cases: Sequence[Compared], task: str = "denoise") -> list[str]:
    """What the numbers mean, in sentences."""
    said = [
        "Against the clean picture, of the 8-bit result (16-bit for 16-bit pairs); seconds are wall time, array in to "
    ]
    said[0] += "array out."
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


def _methods(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(r.method for r in rows))


def _line(picture: str, method: str, seeds: Sequence[Sequence[Row]]) -> Mean:
    """The line of groups of rows, one group a seed."""
    rows = [r for group in seeds for r in group]
    means = [statistics.fmean(r.psnr for r in group) for group in seeds]
    spread = statistics.stdev(means) if len(means) > 1 and all(abs(m) != float("inf") for m in means) else None
    steps = [r.steps for r in rows if r.steps is not None]
    peaks = [r.peak_mib for r in rows if r.peak_mib is not None]
    seen = [r.lpips for r in rows if r.lpips is not None]
    return Mean(
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


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("s" if number > 1 else "")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
