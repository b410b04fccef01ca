"""Seconds a megapixel and memory of `untaught denoise --memory`, by sizes; memory is of all its processes together.

    python benchmarks/large.py --sides 1500,3000 --memory 2GB --workers 2

Linux alone, which says what a process holds. Files that are mapped count as long as their pages are in memory.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from skimage import data


def picture(path: Path, side: int, channels: int) -> None:
    """A photograph, repeated, with noise of 25/255, as 16 bits."""
    rng, clean = np.random.default_rng(0), data.camera() if channels == 1 else data.astronaut()
    shape = (side, side) if channels == 1 else (side, side, channels)
    whole = np.lib.format.open_memmap(path, "w+", np.uint16, shape)
    for row in range(0, side, 512):
        band = np.tile(clean, (1, -(-side // 512), *[1] * (channels > 1)))[: side - row, :side]
        whole[row : row + 512] = 257 * np.clip(band + rng.normal(0, 25, band.shape), 0, 255)


def held(parent: int) -> int:
    """Bytes of a process and all below it; pages that they share are counted once."""
    total, waiting = 0, [parent]
    while waiting:
        pid = waiting.pop()
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += 1024 * next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (OSError, StopIteration):
            continue
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", default="1500,3000")
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--workers", default="2")
    parser.add_argument("--preset", default="fast")
    args = parser.parse_args()
    for side in map(int, args.sides.split(",")):
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "in.npy"
            picture(path, side, args.channels)
            words = ["denoise", path, "-o", path.with_name("out.npy"), "--preset", args.preset, "-q"]
            words += ["--memory", args.memory, "--workers", args.workers]
            begun, most = time.monotonic(), 0
            with subprocess.Popen([sys.executable, "-m", "untaught.cli", *map(str, words)]) as running:
                while running.poll() is None:
                    most = max(most, held(running.pid))
                    time.sleep(0.2)
            seconds, megapixels = time.monotonic() - begun, side**2 / 1e6
            print(
                f"{side} x {side} x {args.channels}: {seconds:.0f} s, {seconds / megapixels:.1f} s a megapixel, "
                f"{most / 1e9:.2f} GB at most", flush=True,
            )  # fmt: skip


if __name__ == "__main__":
    main()
