"""What the values of deblur were chosen by, and what it is worth where the kernel is not known.

python benchmarks/deblur.py DATA rounds                          # after every round, for several strengths
python benchmarks/deblur.py DATA blind PICTURE SIDE KERNEL OUT [PRESET]
python benchmarks/deblur.py DATA levin [PRESET [CASE ...]]        # the standard set: im1_kernel3 ...
python benchmarks/deblur.py OUT sheet SHEET.jpg CASE ...         # what blind left in OUT: kodim19-motion ...

blind prints a row: PICTURE (kodak/kodim19.png), its middle of SIDE pixels, KERNEL (motion:15,30; disk:2.5+0.7, under a Gaussian;
or shake:SIDE,SEED, a path without a name) | PSNR blurred | restored | restored with the kernel known | cosine of the kernels |
seconds to the kernel + from there on | what the run said | its report's verdict. PSNR is at the best shift by whole pixels; the
pictures and both kernels go into OUT.

levin: blurred pictures of Levin et al. (CVPR 2009), grey, 255 x 255, nothing told. PSNR as in their own code: 15 pixels of the
border cut, at the best shift by quarters of a pixel, up to 5. A row: blurred | restored | with the true kernel | cosine of the
kernels | seconds.

DATA holds levin/, kodak/ and whatever PICTURE names. Protocol of `untaught bench deblur`; the truth is used for the figures alone.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import untaught
from untaught.bench.case import Case
from untaught.bench.comparisons.deblur import measured, under
from untaught.classical.denoise.nl_ridge import NonLocalRidge
from untaught.classical.plug_and_play import PlugAndPlay
from untaught.core.registry import comparisons
from untaught.problem.operators import kernels
from untaught.reports import report
from untaught.reports.labels import grid
from untaught.solver.loop import Run
from untaught.solver.stage import Estimate
from untaught.tasks.deblur.presets import ridge

CASES = (("kodim19", 256, "gauss:1.6", 2), ("kodim08", 200, "motion:15,30", 1), ("kodim20", 200, "disk:3", 2))
SPARSE = ridge()
SETTINGS = (  # ridge, its pilot the round before, strength, conjugate iterations, rounds, last level in units of the noise
    (NonLocalRidge(), False, 0.25, 15, 8, 1.0),
    (NonLocalRidge(), True, 0.25, 15, 8, 1.0),
    (SPARSE, True, 0.25, 15, 8, 1.0),
    (SPARSE, True, 0.25, 60, 12, 1.5),
    (SPARSE, True, 0.15, 60, 12, 1.5),
    (SPARSE, True, 0.10, 60, 12, 1.5),
)
SHIFT, BORDER = 8, 24


def part(path: Path, side: int) -> NDArray:
    """The middle of a picture."""
    picture = np.asarray(Image.open(path).convert("RGB"))
    top, left = ((n - side) // 2 for n in picture.shape[:2])
    return picture[top : top + side, left : left + side]


def middle(data: Path, name: str, side: int, kernel: str, sigma: float) -> Case:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.png"
        Image.fromarray(part(data / "kodak" / f"{name}.png", side)).save(path)
        (case,) = comparisons.get("deblur").cases([path], {"kernel": kernel, "sigma": sigma})
    return case


def rounds(data: Path) -> None:
    score = comparisons.get("deblur").score
    for name, side, kernel, noise in CASES:
        sigma = noise / 255
        case = middle(data, name, side, kernel, sigma)
        job = untaught.deblur.job(case.input(0), kernel=kernel, sigma=sigma)
        print(f"{name} {side}x{side} {kernel} {noise}/255: blurred {score(case.input(0), case.clean)[0]:.2f} dB")
        for one, pilot, strength, iterations, count, quiet in SETTINGS:
            levels = np.geomspace(20 / 255, quiet * sigma, count)
            plugged = PlugAndPlay(one, tuple(map(float, levels)), strength, iterations, pilot)
            begun, found = time.process_time(), []
            for iterate in Run(replace(job, stages=(Estimate(plugged),))):
                assert iterate.x is not None
                found.append(score(job.result(iterate.x), case.clean))
            kind = f"{'sparse' if one is SPARSE else 'full'}, {'pilot' if pilot else 'two passes'}"
            settings = f"{kind}, strength {strength}, {iterations} iterations"
            said = " ".join(f"{p:.2f}" for p, _ in found)
            print(f"  {settings}: {said}; SSIM {found[-1][1]:.3f}; {time.process_time() - begun:.1f} s", flush=True)


def aligned(x: NDArray, clean: NDArray) -> tuple[float, int, int]:
    """PSNR at the best shift by whole pixels, and that shift: a sought kernel may lie beside its middle."""
    height, width = clean.shape[:2]
    inner = clean[BORDER:-BORDER, BORDER:-BORDER].astype(float)
    found = []
    for i in range(-SHIFT, SHIFT + 1):
        for j in range(-SHIFT, SHIFT + 1):
            part = x[BORDER + i : height - BORDER + i, BORDER + j : width - BORDER + j]
            found.append((10 * np.log10(255**2 / np.square(part - inner).mean()), i, j))
    return max(found)


def shifted(x: NDArray, clean: NDArray, most: int = 5, border: int = 15) -> float:
    """PSNR of what lies `border` pixels inside, at the best shift by quarters of a pixel (bilinear), near the best whole one."""
    inner = clean[border:-border, border:-border].astype(float)
    wide = np.clip(x.astype(float), 0, 255)

    def error(down: float, right: float) -> float:
        (i, p), (j, q) = ((int(np.floor(v)), v - np.floor(v)) for v in (down, right))
        rows, columns = (slice(border + k, border + k + n + 1) for k, n in zip((i, j), inner.shape, strict=True))
        part = wide[rows, columns]
        part = (1 - p) * part[:-1] + p * part[1:]
        return float(np.square((1 - q) * part[:, :-1] + q * part[:, 1:] - inner).mean())

    whole = range(-most, most + 1)
    _, i, j = min((error(i, j), i, j) for i in whole for j in whole)
    quarters = [k / 4 for k in range(-3, 4)]
    return float(10 * np.log10(255**2 / min(error(i + a, j + b) for a in quarters for b in quarters)))


def levin(data: Path, preset: str, names: list[str]) -> None:
    """The shared pictures of the standard set, and their mean."""
    folder, rows = data / "levin", []
    for path in sorted(folder.glob("*_img.png")):
        name = path.stem.removesuffix("_img")
        if names and name not in names:
            continue
        given = np.asarray(Image.open(path))
        clean, true = (np.asarray(Image.open(folder / "gt" / f"{part}.png")) for part in name.split("_"))
        true = true[::-1, ::-1] / true.sum()  # their code correlates
        run = Run(job := untaught.deblur.job(given, blind=True, preset=preset))
        begun = time.process_time()
        for _ in run:
            pass
        seconds, found = time.process_time() - begun, run.course.problem.operator.kernel.detach().numpy()  # type: ignore[operator]
        restored, known = job.result(run.solution.x), untaught.deblur(given, kernel=true, preset=preset)
        rows.append((*(shifted(x, clean) for x in (given, restored, known)), alike(found, true), seconds))
        print("|", " | ".join([name, *(f"{v:.2f}" for v in rows[-1])]), "|", flush=True)
    print("|", " | ".join([f"mean of {len(rows)}", *(f"{v:.2f}" for v in np.mean(rows, 0))]), "|")


def alike(found: NDArray, true: NDArray) -> float:
    """The cosine of two kernels, at the shift where it is largest."""
    from scipy.signal import correlate

    return float(correlate(found, true).max() / np.sqrt(np.square(found).sum() * np.square(true).sum()))


def shake(side: int, seed: int) -> NDArray:
    """A kernel without a name: a hand's smooth random path within side x side pixels."""
    draw = np.random.default_rng(seed)
    speed = np.cumsum(draw.normal(size=(64 * side, 2)), 0)
    path = np.cumsum(speed - speed.mean(0), 0)
    path -= path.min(0)
    path *= (side - 3) / path.max()
    kernel, corner = np.zeros((side, side)), np.floor(path).astype(int)
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = np.abs(1 - i - path[:, 0] + corner[:, 0]) * np.abs(1 - j - path[:, 1] + corner[:, 1])
        np.add.at(kernel, (corner[:, 0] + i, corner[:, 1] + j), share)
    rows, columns = (np.flatnonzero(kernel.sum(1 - axis)) for axis in (0, 1))
    kernel = kernel[: rows[-1] + 1, : columns[-1] + 1]
    kernel = np.pad(kernel, [(0, 1 - n % 2) for n in kernel.shape])
    return kernel / kernel.sum()


def blind(path: Path, side: int, word: str, out: Path, preset: str) -> None:
    """The middle of a picture, blurred; what is known of it, of the blur and of the noise goes into the figures alone."""
    kind, _, numbers = word.partition(":")
    if kind == "shake":
        true = shake(*map(int, numbers.split(",")))
    else:
        name, _, soft = word.partition("+")
        kind += "-soft" if soft else ""
        true = kernels.softened(kernels.named(name), float(soft or 0)).numpy()
    picture = part(path, side)
    given, clean = measured(picture, true, 1 / 255)(0), under(picture, true)
    known = untaught.deblur(given, kernel=true, sigma=1 / 255)
    before, told = aligned(given, clean)[0], aligned(known, clean)[0]
    job = untaught.deblur.job(given, blind=True, preset=preset)
    begun, run = time.process_time(), Run(job)
    taken = 0.0
    for iterate in run:
        if iterate.stage == 0:
            taken = time.process_time() - begun
    found = run.course.problem.operator.kernel.detach().numpy()  # type: ignore[operator]
    restored = job.result(run.solution.x)
    figures = f"{before:.2f} | {aligned(restored, clean)[0]:.2f} | {told:.2f} | {alike(found, true):.3f}"
    seconds = f"{taken:.0f} + {time.process_time() - begun - taken:.0f}"
    said = f"{'; '.join(run.notes[-1:])} | {report(run.solution).verdict.kind}"
    print(f"| {path.stem} {side}, {word} | {figures} | {seconds} | {said} |", flush=True)
    pictures = {"blurred": given, "known": known, "blind": restored, "clean": clean}
    both = [np.pad(k, [((41 - n) // 2, 41 - n - (41 - n) // 2) for n in k.shape]) for k in (found, true)]
    shown = np.rint(255 * np.hstack([k / k.max() for k in both])).astype(np.uint8)
    pictures["kernels"] = shown.repeat(6, 0).repeat(6, 1)
    for what, picture in pictures.items():
        Image.fromarray(picture).save(out / f"{path.stem}-{kind}-{what}.png")


def sheet(out: Path, to: Path, cases: list[str]) -> None:
    columns = ("blurred", "deblur --blind", "kernel known", "clean", "kernel found, true")
    kinds = ("blurred", "blind", "known", "clean", "kernels")
    rows = [[np.asarray(Image.open(out / f"{case}-{kind}.png")) for kind in kinds] for case in cases]
    for row in rows:
        row[-1] = row[-1][::2, ::2]
    Image.fromarray(grid(rows, columns=columns, names=cases)).save(to, quality=88)


if __name__ == "__main__":
    folder, what, *more = sys.argv[1:]
    if what == "rounds":
        rounds(Path(folder))
    elif what == "levin":
        levin(Path(folder), (more or ["fast"])[0], more[1:])
    elif what == "sheet":
        sheet(Path(folder), Path(more[0]), more[1:])
    else:
        blind(Path(folder) / more[0], int(more[1]), more[2], Path(more[3]), *(more[4:] or ["fast"]))
