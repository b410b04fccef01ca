"""The paper's recipe on F16's centre 256x256, sigma 25, clipped: PSNR of the network and of the average, every 50 steps.

    python benchmarks/paper.py DATA [--steps 1800] [--seed 0] [--state run.pt] > docs/benchmarks/paper.csv

DATA is the folder of shared pictures. With --state the run is kept in that file, every 50 steps, and goes on from there when the
command is given again (append with >>). Noise: numpy default_rng(0), drawn on the crop in float, clipped to [0, 1], not rounded.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from untaught.bench.metrics import psnr
from untaught.core.allocator import keep_memory
from untaught.problem import Problem
from untaught.solver.run import Run
from untaught.solver.stage import Job
from untaught.tasks._presets import Facts
from untaught.tasks.denoise.presets import PRESETS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=1800)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--state", type=Path)
    options = parser.parse_args()
    keep_memory()
    truth = np.asarray(Image.open(options.data / "set9" / "image_F16_512rgb.png"))[128:384, 128:384] / 255
    noisy = np.clip(truth + np.random.default_rng(0).normal(0, 25 / 255, truth.shape), 0, 1)
    problem = Problem(torch.from_numpy(noisy).permute(2, 0, 1)[None].float())
    stages = PRESETS.plan("paper", Facts(problem, pictures=True, seed=options.seed, steps=options.steps)).stages
    run, taken = Run(Job(stages, problem)), 0.0
    if options.state and options.state.exists():
        kept = torch.load(options.state, weights_only=True)
        run.load_state_dict(kept["run"])
        taken = kept["taken"]
    print(f"# F16 centre 256x256, sigma 25, {torch.get_num_threads()} threads, torch {torch.__version__}")
    if not run.step:
        print("step,network,average,seconds", flush=True)
    begun = time.perf_counter()
    for iterate in run:
        if iterate.step % 50 == 0:
            single, averaged = (
                psnr(x[0].permute(1, 2, 0).numpy(), truth) for x in (iterate.picture(), iterate.average())
            )
            print(f"{iterate.step},{single:.2f},{averaged:.2f},{taken + time.perf_counter() - begun:.0f}", flush=True)
            if options.state:
                half = options.state.with_suffix(".part")
                torch.save({"run": run.state_dict(), "taken": taken + time.perf_counter() - begun}, half)
                half.replace(options.state)
    for note in run.solution.notes:
        print(f"# {note}")


if __name__ == "__main__":
    main()
