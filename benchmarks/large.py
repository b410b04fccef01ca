"""Seconds a megapixel and memory of `untaught denoise --memory`, by sizes; memory is of all its processes together.

    python benchmarks/large.py --sides 1500,3000 --memory 2GB --workers 2
    OMP_NUM_THREADS=1 python benchmarks/large.py --sides 1000,2000 --workers 1 --jpeg

The processor's seconds are of all processes; what is learnt on the sample, and paid once, is part of them. --jpeg: 8 bits in
colour, as a JPEG of quality 95, into a TIFF. Linux alone, which says what a process holds. Files that are mapped count as long as
their pages are in memory.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
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
    parser.add_argument("--jpeg", action="store_true")
    parser.add_argument("--sigma", help="of the noise, as `untaught denoise` takes it; measured where it is not given")
    args = parser.parse_args()
    for side in map(int, args.sides.split(",")):
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "in.npy"
            channels = 3 if args.jpeg else args.channels
            picture(path, side, channels)
            target = path.with_name("out.tif" if args.jpeg else "out.npy")
            if args.jpeg:
                whole = np.load(path, mmap_mode="r")
                path = path.with_suffix(".jpg")
                Image.fromarray((whole // 257).astype(np.uint8)).save(path, quality=95, subsampling=0)
            words = ["denoise", path, "-o", target, "--preset", args.preset, "-q"]
            words += ["--sigma", args.sigma] if args.sigma else []
            words += ["--memory", args.memory, "--workers", args.workers]
            begun, most, before = time.monotonic(), 0, resource.getrusage(resource.RUSAGE_CHILDREN)
            with subprocess.Popen([sys.executable, "-m", "untaught.cli", *map(str, words)]) as running:
                while running.poll() is None:
                    most = max(most, held(running.pid))
                    time.sleep(0.2)
            seconds, megapixels = time.monotonic() - begun, side**2 / 1e6
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(
                f"{side} x {side} x {channels}: {seconds:.0f} s, the processor {busy:.0f} s, {busy / megapixels:.1f} s a "
                f"megapixel, {most / 1e9:.2f} GB at most", flush=True,
            )  # fmt: skip


if __name__ == "__main__":
    main()
