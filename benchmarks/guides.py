"""The quick guides of large pictures, with the group of the last pass and with what the noise's law is taken from: dB and time.

    OMP_NUM_THREADS=1 python benchmarks/guides.py DATA --sigma 25 [--grey] FILE FILE FILE FILE

prints, for the middle 192 x 192 of four pictures put together (`fast`, 100 steps, as of a picture of more than 768 x 768), each
way's PSNR in each of them, their mean, and the processor's seconds a megapixel of the final picture, which grow with the picture;
the steps do not. In grey the filters that `fast` takes for pictures of that size, and others. Files are named from DATA on.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from untaught.classical.denoise.mean import Mean

import untaught
from untaught.bench.metrics import psnr
from untaught.classical.denoise.matching import Pass
from untaught.classical.denoise.nl_ridge import SPARSE, WIDER, Quick, Tiled
from untaught.io import images
from untaught.solver.loop import Run
from untaught.tasks.denoise import presets

SIDE = 192
WAYS = {
    "means, groups of 64": (None, 64),
    "means, groups of 48": (None, 48),
    "box, groups of 64": (Mean(), 64),
    "box, groups of 48": (Mean(), 48),
}
GREY = {
    "twice, last groups of 128 in 25 x 25": Tiled(WIDER, twice=True),
    "twice, of 96 in 21 x 21": Tiled(replace(SPARSE, again=(Pass(5, 96, 21),)), twice=True),
    "twice, of 64 in 15 x 15": Tiled(SPARSE, twice=True),
    "once": Tiled(SPARSE),
}


def middle(path: Path, grey: bool) -> np.ndarray:
    pixels = images.read(path).pixels
    pixels = pixels.mean(2) if grey and pixels.ndim == 3 else pixels
    down, along = ((n - SIDE) // 2 for n in pixels.shape[:2])
    return pixels[down : down + SIDE, along : along + SIDE].astype(float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("files", nargs=4)
    parser.add_argument("--sigma", type=float, default=25)
    parser.add_argument("--grey", action="store_true")
    args = parser.parse_args()
    presets.LARGE = 10**5
    a, b, c, d = (middle(args.data / name, args.grey) for name in args.files)
    clean = np.concatenate([np.concatenate([a, b], 1), np.concatenate([c, d], 1)], 0)
    noisy = (
        np.clip(clean + np.random.default_rng(1).normal(0, args.sigma, clean.shape), 0, 255).round().astype(np.uint8)
    )
    job = untaught.denoise.job(noisy, preset="fast", sigma=args.sigma / 255, steps=100)
    stage = job.stages[0]
    for name in GREY if args.grey else WAYS:
        if args.grey:
            begun = time.process_time()
            x = replace(stage.estimator, denoiser=GREY[name]).estimate(job.problem)
        else:
            base, group = WAYS[name]
            guide = Quick(ridge=replace(SPARSE, again=(Pass(5, group, 15),)))
            # A window that is smaller than the picture, so that it is made as a large one is.
            way = stage.changed(objective=replace(stage.method.objective, guide=guide, base=base, window=SIDE))
            run = Run(replace(job, stages=(way,)))
            for _ in run:
                pass
            begun = time.process_time()
            x = run.course.render()
        made = job.result(x).astype(float)
        seconds = (time.process_time() - begun) / (made.shape[0] * made.shape[1] / 1e6)
        parts = [np.s_[i : i + SIDE, j : j + SIDE] for i in (0, SIDE) for j in (0, SIDE)]
        each = [psnr(made[part] / 255, clean[part] / 255) for part in parts]
        print(
            f"| {args.sigma:g} | {name} | {' | '.join(f'{v:.2f}' for v in each)} | {np.mean(each):.3f} | {seconds:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
