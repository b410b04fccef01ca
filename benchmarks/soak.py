"""Many small jobs in one process, as a library's host runs them: whether its memory grows.

    python benchmarks/soak.py [JOBS]

Prints what the process holds after every fifth of the jobs, and ends with 1 where the peak after the warm-up (a tenth of the
jobs) has risen by more than 5 %.
"""

from __future__ import annotations

import gc
import sys
import time

import numpy as np

import untaught
from untaught.bench.bench import peak

SIDE = 32


def held() -> float:
    """Bytes that the process holds now."""
    with open("/proc/self/status") as lines:
        return next(1024.0 * int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def job(number: int) -> None:
    """One of several tasks and presets in turn, on a picture of its own."""
    rng = np.random.default_rng(number)
    rows = np.linspace(0, 6, SIDE)
    clean = 128 + 60 * np.sin(rows)[:, None, None] * np.cos(rows)[None, :, None] * np.ones(3)
    picture = np.clip(clean + rng.normal(0, 20, clean.shape), 0, 255).astype(np.uint8)
    settings = {"seed": number, "steps": 5}
    match number % 5:
        case 0:
            untaught.denoise(picture, preset="instant", sigma=20 / 255)
        case 1:
            untaught.denoise(picture, preset="fast", sigma=20 / 255, **settings)
        case 2:
            untaught.inpaint(picture, mask=rng.random((SIDE, SIDE)) < 0.2, preset="fast", **settings)
        case 3:
            untaught.upscale(picture, factor=2, preset="fast", **settings)
        case 4:
            untaught.deblur(picture, kernel="gauss:1", sigma=2 / 255, preset="instant")


def main() -> int:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    begun, warm = time.perf_counter(), max(5, jobs // 10)
    print(f"| jobs | held (MiB) | peak (MiB) | objects | seconds |\n{'|---' * 5}|")
    first = 0.0
    for number in range(1, jobs + 1):
        job(number)
        if number == warm:
            first = peak()
        if number == warm or number % max(1, jobs // 5) == 0:
            gc.collect()
            print(
                f"| {number} | {held() / 2**20:.0f} | {peak() / 2**20:.1f} | {len(gc.get_objects())} "
                f"| {time.perf_counter() - begun:.0f} |",
                flush=True,
            )
    risen = peak() / first - 1
    print(f"\nPeak after {warm} jobs and after {jobs}: {100 * risen:+.2f} %")
    return int(risen > 0.05)


if __name__ == "__main__":
    sys.exit(main())
