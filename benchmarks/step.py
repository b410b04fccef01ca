"""Seconds a step of the paper's denoising network, alternating: the library's convolutions, their weights' gradients by matrix
products, and Winograd's minimal filtering.

python benchmarks/step.py [--sizes 256 512] [--steps 3] [--rounds 3] [--ways library products winograd]

The seconds are the median over the rounds, by the clock and of the process (all threads together, so that other programs
on the machine weigh less). The memory is the process's peak so far: give one size and one way to know theirs.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time

import torch

from untaught.core.allocator import keep_memory
from untaught.prior.kernels import convolution as _convolution
from untaught.prior.kernels import winograd as _winograd
from untaught.problem import Problem
from untaught.solver.loop import Run
from untaught.solver.stage import Job
from untaught.tasks._presets import Facts
from untaught.tasks.denoise.presets import PRESETS

NEVER = 1 << 60
WAYS = {  # the least pixels for products, the least channels for Winograd
    "library": (NEVER, NEVER),
    "products": (_convolution.LEAST, NEVER),
    "winograd": (_convolution.LEAST, _winograd.CHANNELS),
}


def seconds(size: int, steps: int, way: str) -> tuple[float, float]:
    _convolution.LEAST, _winograd.CHANNELS = WAYS[way]
    problem = Problem(torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0)))
    run = Run(Job(PRESETS.plan("paper", Facts(problem, pictures=True)).stages, problem))
    next(run)
    begun, busy = time.perf_counter(), time.process_time()
    for _ in range(steps):
        next(run)
    return (time.perf_counter() - begun) / steps, (time.process_time() - busy) / steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256])
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    options = parser.parse_args()
    keep_memory()
    print(f"# {torch.get_num_threads()} threads, torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}")
    print("size,way,seconds,process seconds,peak MB")
    for size in options.sizes:
        times: dict[str, list[tuple[float, float]]] = {way: [] for way in options.ways}
        for _ in range(options.rounds):
            for way in options.ways:
                times[way].append(seconds(size, options.steps, way))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        for way, taken in times.items():
            clock, process = (statistics.median(t) for t in zip(*taken, strict=True))
            print(f"{size},{way},{clock:.2f},{process:.2f},{peak}", flush=True)


if __name__ == "__main__":
    main()
