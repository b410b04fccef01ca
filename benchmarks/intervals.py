"""Do 90 % intervals hold 90 % of the true values, for white noise, counts, deblurring, tomography and magnetic resonance?

    python benchmarks/intervals.py DATA OUT.csv [--set choose|confirm|held] [--side 64] [--kinds white,counts,deblur,ct,mri]
                                                [--presets instant,fast] [--minutes N]
    python benchmarks/intervals.py DATA OUT.csv --table

DATA is the folder of shared pictures. On the three of `choose` the way was chosen; the ten of `confirm` were looked at only
afterwards: five photographs, four micrographs and a phantom, each with a draw of its own. Nothing is clipped or rounded.

    white     normal noise of 0.1
    counts    20 photons at white
    deblur    gauss:1.6, noise of 0.01
    ct        30 views, noise of 1 % of the largest integral; judged within the disk that every view sees
    mri       30 % of the lines and the 12 in the middle, four coils, a complex picture, noise of 0.03

coverage: of the true values, and of those up to the median and above it apart (dim, bright); raw: with the deviation as the data
drawn anew show it. score: the interval score over that of the best constant width, which knows the truth; rank: Spearman's
correlation of the deviation with |error|. What OUT.csv holds is not measured again: with --minutes the same command goes on.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import defaultdict
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import scores
import torch
from numpy.typing import NDArray
from PIL import Image

import untaught
from untaught.calibration.redrawn import doubting
from untaught.io.uncertainty_maps import maps
from untaught.problem.operators import kernels
from untaught.solver.uncertainty import WIDTH

FIELDS = (
    *("set", "kind", "preset", "picture", "side", "rmse", "coverage_raw", "coverage", "dim", "bright", "score", "rank"),
    *("factor", "seconds"),
)
SETS = {
    "choose": scores.CROPS["choose"],
    "confirm": {
        **scores.CROPS["confirm"],
        "fish": ("fmd/gt/Confocal_FISH_1.png", 192, 192),
        "mice": ("fmd/gt/Confocal_MICE_1.png", 192, 192),
        "bovine": ("fmd/gt/WideField_BPAE_G_1.png", 192, 192),
        "nuclei": ("fmd/gt/TwoPhoton_BPAE_B_1.png", 192, 192),
        "phantom": ("", 0, 0),
    },
    "held": {
        "kodim08": ("kodak/kodim08.png", 300, 200),
        "kodim20": ("kodak/kodim20.png", 250, 100),
        "baby": ("set5/baby_GT.bmp", 180, 180),
        "boats": ("classic5/boats.bmp", 250, 250),
        "comic": ("set14/comic.bmp", 100, 100),
        "zebra": ("set14/zebra.bmp", 150, 250),
        "actin": ("fmd/gt/Confocal_BPAE_R_1.png", 192, 192),
        "dapi": ("fmd/gt/Confocal_BPAE_B_1.png", 192, 192),
        "two": ("fmd/gt/TwoPhoton_BPAE_R_1.png", 192, 192),
        "wide": ("fmd/gt/WideField_BPAE_R_1.png", 192, 192),
    },
}
KERNEL = "gauss:1.6"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--set", choices=tuple(SETS), default="confirm")
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--kinds", default="white,counts,deblur,ct,mri")
    parser.add_argument("--presets", default="instant,fast")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin nothing after so long; call again")
    parser.add_argument("--pictures", help="only these, by name")
    parser.add_argument("--table", action="store_true", help="print the means of OUT.csv")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    if options.out.exists():
        with options.out.open(newline="") as file:
            rows = list(csv.DictReader(file))
    if options.table:
        table(rows)
        return
    done = {(r["set"], r["kind"], r["preset"], r["picture"], int(r["side"])) for r in rows}
    begun = time.perf_counter()
    names = options.pictures.split(",") if options.pictures else list(SETS[options.set])
    plan = product(options.presets.split(","), options.kinds.split(","), names)
    left = [(p, k, n) for p, k, n in plan if (options.set, k, p, n, options.side) not in done]
    for i, (preset, kind, name) in enumerate(left):
        if time.perf_counter() - begun > 60 * options.minutes:
            print(f"# {len(left) - i} are still to be measured: call again", flush=True)
            break
        row = {"set": options.set, "kind": kind, "preset": preset, "picture": name, "side": options.side}
        row |= measured(options, kind, preset, name)
        scores.add(options.out, FIELDS, row)


def picture(options: argparse.Namespace, name: str, side: int) -> NDArray:
    """(side, side), its largest value about 1."""
    if name == "phantom":
        from skimage import data, transform

        return transform.resize(data.shepp_logan_phantom(), (side, side), anti_aliasing=True)
    path, top, left = SETS[options.set][name]
    whole = np.asarray(Image.open(options.data / path).convert("L"), float)
    part = whole[top : top + side, left : left + side]
    return part / (part.max() if path.startswith("fmd") else 255)


def asked(options: argparse.Namespace, kind: str, preset: str, name: str) -> tuple[untaught.Job, NDArray, NDArray]:
    """The job, the truth in the units of its result, and where it is judged."""
    seed, side = list(SETS[options.set]).index(name), options.side
    rng, made = np.random.default_rng(seed), {"preset": preset, "seed": seed}
    x, whole = picture(options, name, side), np.ones((side, side), bool)

    def seen(operator: Any, *channels: NDArray) -> NDArray:
        return operator(torch.tensor(np.stack(channels), dtype=torch.float32)[None])[0].numpy()

    if kind == "white":
        return untaught.denoise.job(x + 0.1 * rng.normal(size=x.shape), sigma=0.1, **made), x, whole
    if kind == "counts":
        return untaught.denoise.job(rng.poisson(20 * x).astype(float), noise="poisson", gain=1, **made), 20 * x, whole
    if kind == "deblur":
        operator: Any = untaught.Blur(kernels.named(KERNEL))
        margin = (operator.sides[0] - 1) // 2
        y = seen(operator, picture(options, name, side + 2 * margin))[0]
        truth = picture(options, name, side + 2 * margin)[margin:-margin, margin:-margin]
        return untaught.deblur.job(y + 0.01 * rng.normal(size=y.shape), kernel=KERNEL, sigma=0.01, **made), truth, whole
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    if kind == "ct":
        radius = np.hypot(rows, columns)
        x = x * np.clip((side / 2 - radius) / 4, 0, 1)
        operator = untaught.Radon(np.arange(0, 180, 6.0), side)
        y = seen(operator, x)[0]
        sigma = 0.01 * float(y.max())
        y = y + sigma * rng.normal(size=y.shape)
        return untaught.reconstruct.job(y, operator=operator, sigma=sigma, **made), x, radius < side / 2 - 4
    lines = rng.random(side) < 0.3
    lines[side // 2 - 6 : side // 2 + 6] = True
    mask = np.broadcast_to(lines[:, None], (side, side)).copy()
    rows, columns = rows / side, columns / side
    z = x * np.exp(1j * (2 * columns + rows))
    coils = [np.exp(-2 * ((rows - a) ** 2 + (columns - b) ** 2)) for a, b in product((-0.5, 0.5), repeat=2)]
    operator = untaught.Fourier(torch.tensor(mask), torch.tensor(np.stack(coils)))
    y = seen(operator, z.real, z.imag)
    noise = (rng.normal(size=y.shape) + 1j * rng.normal(size=y.shape)) / 2**0.5
    y = ((y + 0.03 * noise) * mask).astype(np.complex64)
    return untaught.reconstruct.job(y, operator=operator, sigma=0.03, **made), x, whole


def measured(options: argparse.Namespace, kind: str, preset: str, name: str) -> dict[str, Any]:
    job, truth, judged = asked(options, kind, preset, name)
    begun = time.perf_counter()
    series = doubting(job)
    for _ in series:
        pass
    found = series.uncertainty()
    assert found is not None
    deviation, lower, upper = (page[judged] for page in maps(job, found).values())
    x, middle = truth[judged], (lower + upper) / 2
    dim, inside = x <= np.median(x), (lower <= x) & (x <= upper)
    error, plain = middle - x, WIDTH * deviation / found.factor
    score = scores.interval_score(lower, upper, x) / scores.constant_score(middle, x)
    return {
        "rmse": f"{np.sqrt(np.square(error).mean()) / np.ptp(truth):.4f}",
        "coverage_raw": f"{(np.abs(error) <= plain).mean():.3f}",
        "coverage": f"{inside.mean():.3f}",
        "dim": f"{inside[dim].mean():.3f}",
        "bright": f"{inside[~dim].mean():.3f}",
        "score": f"{score:.3f}",
        "rank": f"{scores.rank_correlation(deviation, np.abs(error)):.3f}",
        "factor": f"{found.factor:.3f}",
        "seconds": f"{time.perf_counter() - begun:.0f}",
    }


def table(rows: list[dict[str, str]]) -> None:
    """The mean of each kind and preset, and the draws that are held least and most."""
    groups = defaultdict(list)
    for row in rows:
        groups[row["set"], row["kind"], row["preset"]].append(row)
    print("| set | kind | preset | draws | raw | coverage | from, to | dim | bright | score | rank | factor |")
    print("|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for (which, kind, preset), found in groups.items():
        values = {f: [float(r[f]) for r in found] for f in FIELDS[5:]}
        share = {f: f"{100 * mean(values[f]):.0f} %" for f in ("coverage_raw", "coverage", "dim", "bright")}
        low, high = (f"{100 * v:.0f}" for v in (min(values["coverage"]), max(values["coverage"])))
        print(
            f"| {which} | {kind} | {preset} | {len(found)} | {share['coverage_raw']} | **{share['coverage']}** | {low}, {high} "
            f"| {share['dim']} | {share['bright']} | {mean(values['score']):.2f} | {mean(values['rank']):.2f} "
            f"| {mean(values['factor']):.2f} |"
        )


if __name__ == "__main__":
    main()
