"""Seconds a step of the paper's denoising network, with the library's weight gradients and with ours, alternating.

python benchmarks/step.py [--sizes 256 512] [--steps 4] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from untaught.networks import _convolution
from untaught.presets import DENOISING, Facts
from untaught.problem import Problem
from untaught.run import Job, Run


def seconds(size: int, steps: int) -> float:
    problem = Problem(torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0)))
    run = Run(Job(DENOISING["paper"].stages(Facts(problem, pictures=True)), problem))
    next(run)
    begun = time.perf_counter()
    for _ in range(steps):
        next(run)
    return (time.perf_counter() - begun) / steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256])
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"# {torch.get_num_threads()} threads, torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}")
    print("size,library,ours,ratio")
    least = _convolution.LEAST
    for size in options.sizes:
        times: dict[int, list[float]] = {1 << 60: [], least: []}
        for _ in range(options.rounds):
            for threshold in times:
                _convolution.LEAST = threshold
                times[threshold].append(seconds(size, options.steps))
        library, ours = (statistics.median(t) for t in times.values())
        print(f"{size},{library:.2f},{ours:.2f},{library / ours:.2f}", flush=True)


if __name__ == "__main__":
    main()
