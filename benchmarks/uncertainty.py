"""How far pictures are off, and how far the library says that they are: intervals and deviations, judged with the truth.

    python benchmarks/uncertainty.py DATA OUT.csv [--set choose|confirm] [--size 128] [--methods sgld,ensemble,fast]
                                                  [--tasks denoise,inpaint] [--minutes N]

DATA is the folder of shared pictures. `choose` are the crops on which every setting was chosen, `confirm` others that were looked
at only afterwards. Clipped Gaussian noise of 25/255, or 50 % of the pixels; both from `default_rng(0)`.

    sgld      the paper's family, narrow: one run that goes on as Langevin dynamics
    ensemble  the same, three runs with other seeds
    fast      the preset, fed with the picture: the bootstrap (noise) or the jackknife (pixels)
    fast-2    the same, two runs with other seeds

A line is written as soon as it is measured, and what OUT.csv already holds is not measured again: with --minutes nothing is begun
after so long, and the same command goes on. raw: with the samples' own
deviation; coverage of 90 % intervals; score: the interval score (less is better) over that of the best constant width, which
knows the truth; rank: Spearman's correlation of the deviation with |error|. Holes only, where known pixels are kept.
"""

from __future__ import annotations

import argparse
import csv
import time
from itertools import product
from pathlib import Path

import numpy as np
import scores
import torch
from numpy.typing import NDArray
from PIL import Image

import untaught
from untaught.bench.metrics import psnr
from untaught.calibration.repeated import RepeatedRuns
from untaught.core.allocator import keep_memory
from untaught.prior.networks.hourglass import Hourglass
from untaught.solver.uncertainty import WIDTH

FIELDS = (
    *("set", "picture", "task", "method", "size", "psnr", "coverage_raw", "coverage", "score_raw", "score"),
    *("rank", "factor", "error", "held", "seconds", "threads"),
)
SIGMA = 25 / 255
STEPS = {"denoise": 600, "inpaint": 800}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--set", choices=tuple(scores.CROPS), default="confirm")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--methods", default="sgld,fast,ensemble")
    parser.add_argument("--tasks", default="denoise,inpaint")
    parser.add_argument("--pictures", help="only these, by name")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin nothing after so long; call again")
    options = parser.parse_args()
    keep_memory()
    done = set()
    if options.out.exists():
        with options.out.open(newline="") as file:
            done = {(r["set"], r["picture"], r["task"], r["method"], int(r["size"])) for r in csv.DictReader(file)}
    begun = time.perf_counter()
    names = options.pictures.split(",") if options.pictures else list(scores.CROPS[options.set])
    plan = product(options.methods.split(","), options.tasks.split(","), names)
    left = [(m, t, n) for m, t, n in plan if (options.set, n, t, m, options.size) not in done]
    print(*FIELDS, flush=True)
    for i, (method, task, name) in enumerate(left):
        if time.perf_counter() - begun > 60 * options.minutes:
            print(f"# {len(left) - i} are still to be measured: call again", flush=True)
            break
        measure(options, name, task, method)


def measure(options: argparse.Namespace, name: str, task: str, method: str) -> None:
    path, top, left = scores.CROPS[options.set][name]
    whole = np.asarray(Image.open(options.data / path).convert("RGB"))
    truth = whole[top : top + options.size, left : left + options.size]
    job, judged = damaged(truth, task, fed=method.startswith("fast"))
    repeat = {"ensemble": 3, "fast-2": 2}.get(method, 1)
    begun = time.perf_counter()
    runs = RepeatedRuns(job, repeat, uncertain=True)
    for _ in runs:
        pass
    found = runs.uncertainty()
    if found is None:
        raise SystemExit(f"{name}, {task}, {method}: the samples do not differ")
    seconds = time.perf_counter() - begun

    def kept(x: torch.Tensor) -> NDArray:
        return np.moveaxis(x[0].double().numpy(), 0, -1)[judged]

    x, result = (truth / 255)[judged], kept(found.mean)
    raw, best = kept(found.raw), scores.constant_score(result, x)
    row = {
        "set": options.set,
        "picture": name,
        "task": task,
        "method": method,
        "size": options.size,
        "psnr": f"{psnr(result, x):.2f}",
        "factor": f"{found.factor:.3f}",
        "error": f"{found.error:.3f}",
        "held": found.held,
        "rank": f"{scores.rank_correlation(raw.ravel(), np.abs(result - x).ravel()):.3f}",
        "seconds": f"{seconds:.0f}",
        "threads": torch.get_num_threads(),
    }
    for suffix, factor in (("_raw", 1.0), ("", found.factor)):
        # As the file has them: within black and white.
        ends = [np.clip(result + sign * WIDTH * factor * raw, 0, 1) for sign in (-1, 1)]
        row["coverage" + suffix] = f"{scores.coverage(*ends, x):.3f}"
        row["score" + suffix] = f"{scores.interval_score(*ends, x) / best:.3f}"
    scores.add(options.out, FIELDS, row)


def damaged(truth: NDArray, task: str, *, fed: bool) -> tuple[untaught.Job, NDArray]:
    """The job, and which pixels are judged."""
    rng = np.random.default_rng(0)
    everywhere = np.ones(truth.shape[:2], bool)
    if task == "denoise":
        noise = rng.normal(0, SIGMA, truth.shape)
        noisy = np.rint(255 * np.clip(truth / 255 + noise, 0, 1)).astype(np.uint8)
        job = untaught.denoise.job(noisy, sigma=SIGMA)
    else:
        everywhere = ~(rng.random(truth.shape[:2]) > 0.5)
        job = untaught.inpaint.job(truth, mask=everywhere)
    if fed:
        return job, everywhere
    net = untaught.Network(Hourglass((16, 32, 64, 64), skip=4), untaught.Noise(16), jitter=1 / 30)
    method = untaught.Method(net, stop=untaught.After(STEPS[task]))
    return untaught.Job((untaught.Solve(method),), job.problem), everywhere


if __name__ == "__main__":
    main()
