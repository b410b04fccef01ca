"""Does the report tell a bad result from a good one, without the truth? Figures of docs/benchmarks.

    python benchmarks/report.py DATA --cache FOLDER [--minutes 2.5] [--csv FILE] [--real instant]

Twelve pictures, 128x128; each is degraded and restored with right and with wrong settings, and many runs are also looked at on
their way, as if they had been stopped there. Every run is kept in FOLDER and made once: with --minutes it stops after so
long and goes on when called again. The truth is used for one thing: a run is bad where it is more than 1.5 dB under the best one of
the same method on the same input, good where it is less than 0.75 dB under it, and between the two it is counted in neither.
The thresholds of `untaught.report` were chosen on the pictures of the first half; the second half judges them.

With --real and a preset: pictures as people bring them, with nothing given (`report_real`).
"""

from __future__ import annotations

import argparse
import csv
import functools
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import report_real
import torch
from PIL import Image

import untaught
from untaught.prior import Network
from untaught.prior.codes import Noise
from untaught.prior.networks.hourglass import Hourglass
from untaught.problem import Problem
from untaught.problem.operators import kernels
from untaught.problem.operators.blur import blurred
from untaught.problem.operators.resample import Downsample
from untaught.reports import judge, report
from untaught.solver.averaging import ExponentialPictures
from untaught.solver.iterate import Moment
from untaught.solver.loop import Run
from untaught.solver.optimisers import Adam
from untaught.solver.solution import Solution
from untaught.solver.stage import Job, Method, Solve
from untaught.solver.stopping import After

SIDE = 128
BAD, GOOD = 1.5, 0.75  # dB under the best of the same method on the same input
TUNING = ("set9/image_F16_512rgb", "kodak/kodim05", "set14/monarch", "set5/baby_GT", "kodak/kodim23", "set14/comic")
JUDGING = ("set9/image_Peppers512rgb", "kodak/kodim08", "set14/zebra", "set5/bird_GT", "kodak/kodim19", "set9/kodim03")


@dataclass(frozen=True)
class Series:
    """Runs of one job. group: those that are compared with each other. looks: steps at which it is looked at; the end is one."""

    picture: str
    group: str
    name: str
    job: Any
    looks: tuple[int, ...] = ()


@dataclass(frozen=True)
class Row:
    half: str
    picture: str
    group: str
    run: str
    step: int
    psnr: float
    under: float
    truth: str
    verdict: str
    because: str


def photo(data: Path, name: str) -> np.ndarray:
    """The middle of the picture, uint8, SIDE x SIDE x 3."""
    (file,) = data.glob(name + ".*")
    whole = np.asarray(Image.open(file).convert("RGB"))
    top, left = ((n - SIDE) // 2 for n in whole.shape[:2])
    return whole[top : top + SIDE, left : left + SIDE].copy()


def noisy(clean: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    return np.rint(255 * np.clip(clean / 255 + rng.normal(0, sigma / 255, clean.shape), 0, 1)).astype(np.uint8)


def fitted(problem: Problem, steps: int) -> Job:
    """The paper's method with a network so narrow, and so quick to overfit, that a core takes a quarter of a minute."""
    prior = Network(Hourglass((16,) * 4, skip=16), Noise(16))
    method = Method(prior, optimiser=Adam(0.02), average=ExponentialPictures(0.9), stop=After(steps))
    return Job((Solve(method),), problem)


def tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1)[None].contiguous()


def series(data: Path, name: str) -> Iterator[Series]:
    """Everything that is tried on one picture."""
    clean = photo(data, name)
    rng = np.random.default_rng(sum(name.encode()))
    sigma = (15, 25, 40)[sum(name.encode()) % 3]
    rough = noisy(clean, sigma, rng)

    def lazily(group: str, run: str, make: Any, looks: tuple[int, ...] = ()) -> Series:
        return Series(name, group, run, make, looks)

    fit = functools.partial(fitted, Problem(tensor(rough)), 300)
    yield lazily("denoise fit", f"sigma {sigma}", fit, (10, 30, 60, 100, 160, 230))
    for factor in (1.0, 0.4, 2.5):
        given = functools.partial(untaught.denoise.job, rough, sigma=factor * sigma / 255, steps=120)
        yield lazily("denoise fast", f"{factor:g} sigma", given)

    gauss = kernels.named("gauss:1.6")
    soft = np.clip(blurred(tensor(clean), gauss.float())[0].permute(1, 2, 0).numpy() * 255, 0, 255)
    soft = noisy(soft, 2, rng)
    for kernel, level in (("gauss:1.6", 2), ("gauss:2.6", 2), ("gauss:0.8", 2), ("gauss:1.6", 20), ("motion:9,30", 2)):
        given = functools.partial(untaught.deblur.job, soft, kernel=kernel, sigma=level / 255)
        yield lazily("deblur fast", f"{kernel}, {level}", given)

    small = Downsample((SIDE // 2,) * 2, (SIDE,) * 2, "lanczos3")(tensor(clean))
    tiny = np.rint(255 * np.clip(small[0].permute(1, 2, 0).numpy(), 0, 1)).astype(np.uint8)
    for kernel in ("lanczos3", "box", "gauss"):
        given = functools.partial(untaught.upscale.job, tiny, factor=2.0, kernel=kernel, steps=400)
        yield lazily("upscale fast", kernel, given, (10, 40) if kernel == "lanczos3" else ())
    coarse = Problem(tensor(tiny), Downsample((SIDE // 2,) * 2, (SIDE,) * 2, "lanczos3"))
    yield lazily("upscale fit", "lanczos3", functools.partial(fitted, coarse, 400), (10, 40, 120, 250))

    known = torch.from_numpy(rng.random((SIDE, SIDE)) > 0.5).float()
    holed = Problem(tensor(clean), weight=known)
    yield lazily("inpaint fit", "half of the pixels", functools.partial(fitted, holed, 300), (10, 40, 120, 200))
    struck = clean.copy()
    lines = np.arange(SIDE) % 16 < 3
    struck[lines] = 255
    missed = torch.from_numpy(~(np.arange(SIDE) % 16 < 1)).float()[:, None].expand(SIDE, SIDE)
    whole = torch.from_numpy(~lines).float()[:, None].expand(SIDE, SIDE)
    for mask, word in ((whole, "lines"), (missed, "a third of the lines")):
        given = functools.partial(fitted, Problem(tensor(struck), weight=mask.clone()), 200)
        yield lazily("inpaint lines", word, given, (10, 60) if mask is whole else ())


def solve(one: Series, cache: Path) -> None:
    """Make the runs of one series, and keep them."""
    at = place(one, cache)
    job = one.job()
    run, seen = Run(job), []
    for iterate in run:
        if iterate.step in one.looks and iterate.stage == len(job.stages) - 1:
            seen.append(run.solution)
    seen.append(run.solution)
    at.parent.mkdir(parents=True, exist_ok=True)
    history = [[astuple(m) for m in s.history] for s in seen]
    flat = {f"history{i}": np.array(h, dtype=float).reshape(-1, 5) for i, h in enumerate(history)}
    trial = at.with_name("trial.npz")
    np.savez_compressed(
        trial, x=torch.cat([s.x for s in seen]).numpy(), step=[s.step for s in seen],
        reason=[s.reason for s in seen], seconds=[s.seconds for s in seen], **flat,
    )  # fmt: skip
    trial.rename(at)


def place(one: Series, cache: Path) -> Path:
    words = "-".join((one.picture, one.group, one.name))
    return cache / ("".join(c if c.isalnum() else "_" for c in words) + ".npz")


def rows(data: Path, cache: Path, names: tuple[str, ...], half: str) -> list[Row]:
    """Every run that is kept, with what the truth says of it and what the report does."""
    found: list[tuple[Series, Solution, float]] = []
    for name in names:
        clean = photo(data, name)
        for one in series(data, name):
            if place(one, cache).exists():
                job = one.job()
                found += [(one, s, score(job, s, clean)) for s in kept(one, job, cache)]
    best: dict[tuple[str, str], float] = {}
    for one, _, value in found:
        best[one.picture, one.group] = max(value, best.get((one.picture, one.group), 0.0))
    made = []
    for one, solution, value in found:
        under = best[one.picture, one.group] - value
        truth = "bad" if under > BAD else "good" if under < GOOD else "neither"
        said = report(solution).verdict
        because = " + ".join(r.name for r in said.reasons)
        made.append(Row(half, one.picture, one.group, one.name, solution.step, value, under, truth, said.kind, because))
    return made


def real_rows(data: Path, cache: Path, preset: str, ends: float) -> list[Row]:
    """The same of pictures as people bring them, for as many as there is time for."""
    made: list[Row] = []
    for one in report_real.inputs(data):
        if time.monotonic() > ends:
            print("# there are more: call again", flush=True)
            break
        noisy, truth = one.case.made()
        found = []
        for way in one.ways:
            job, x = report_real.kept(one, way, preset, cache)
            found.append((way, untaught.psnr(job.result(x), truth), judge(job.problem, x, finish=job.finish).verdict))
        given = untaught.psnr(noisy, truth)
        best = max(given, *(value for _, value, _ in found))
        for way, value, said in found:
            well = way == report_real.ASIT and value > max(given + report_real.GAIN, best - GOOD)
            ruined = value < min(best - report_real.WORSE, given + report_real.LITTLE)
            sort = "good" if well else "bad" if ruined else "neither"
            because = " + ".join(r.name for r in said.reasons)
            name = f"{one.case.group} {one.case.picture}, {one.case.noise}"
            made.append(Row(one.half, name, way, preset, 0, value, best - value, sort, said.kind, because))
    return made


def kept(one: Series, job: Job, cache: Path) -> list[Solution]:
    """The solutions of one series as its run made them."""
    held = np.load(place(one, cache))
    found = []
    for i, x in enumerate(held["x"]):
        history = tuple(
            Moment(int(a), int(b), c, None if np.isnan(d) else d, e) for a, b, c, d, e in held[f"history{i}"]
        )
        found.append(
            Solution(
                torch.from_numpy(x)[None], int(held["step"][i]), str(held["reason"][i]), history, (),
                float(held["seconds"][i]), job.problem,
            )
        )  # fmt: skip
    return found


def score(job: Job, solution: Solution, clean: np.ndarray) -> float:
    """PSNR of what the run gives, against the part of the truth that it covers."""
    made = job.result(solution.x)
    if isinstance(made, torch.Tensor):  # a job without a finish
        made = np.rint(255 * made[0].permute(1, 2, 0).clamp(0, 1).numpy()).astype(np.uint8)
    edge = [(n - m) // 2 for n, m in zip(clean.shape[:2], made.shape[:2], strict=True)]
    return untaught.psnr(made, clean[edge[0] : edge[0] + made.shape[0], edge[1] : edge[1] + made.shape[1]])


def confusion(table: list[Row], half: str) -> str:
    """How many bad runs were flagged, how many good ones, and by groups."""
    lines = [f"{half} half: {len({r.picture for r in table})} pictures, {len(table)} runs"]
    for group in ("all", *sorted({r.group for r in table})):
        said = []
        for truth in ("bad", "good", "neither"):
            some = [r for r in table if r.truth == truth and group in ("all", r.group)]
            flagged = sum(r.verdict != "good" for r in some)
            said.append(
                f"{truth} {flagged:3d} of {len(some):3d} flagged"
                + (f" ({flagged / len(some):4.0%})" if some else " " * 7)
            )
        lines.append(f"  {group:14s} " + "   ".join(said))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="stop after so long, and go on the next time"
    )
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--real", metavar="PRESET", help="pictures as people bring them, by that preset")
    options = parser.parse_args()
    begun = time.monotonic()
    if options.real:
        table = real_rows(options.data, options.cache, options.real, begun + 60 * options.minutes)
        for half in report_real.HALVES:
            print(confusion([r for r in table if r.half == half], half), flush=True)
        write(table, options.csv)
        return
    both = [name for pair in zip(TUNING, JUDGING, strict=True) for name in pair]
    left = [one for name in both for one in series(options.data, name) if not place(one, options.cache).exists()]
    for i, one in enumerate(left):
        if time.monotonic() - begun > 60 * options.minutes:
            print(f"# {len(left) - i} series are still to be run: call again", flush=True)
            break
        solve(one, options.cache)
    table = []
    for names, half in ((TUNING, "tuning"), (JUDGING, "judging")):
        table += (part := rows(options.data, options.cache, names, half))
        print(confusion(part, half), flush=True)
    write(table, options.csv)


def write(table: list[Row], csv_file: Path | None) -> None:
    if csv_file is None:
        return
    with csv_file.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([f.name for f in fields(Row)])
        writer.writerows([f"{v:.2f}" if isinstance(v, float) else v for v in astuple(r)] for r in table)


if __name__ == "__main__":
    main()
