"""Pictures a minute: one command each, and `untaught batch` with every number of processes that is named.

    python benchmarks/many.py --side 128 --alone 6 --count 24 --workers 1,2
    python benchmarks/many.py --side 48 --alone 0 --count 200 --damaged 2 --workers 1 --preset instant

Both do the same work (`fast`, noise of 25/255, cut from a photograph), in turn, on the machine as it is: read the ratio, which
holds for machines alike in cores and load, rather than the minutes. The second also says how many were restored, and what all
processes hold (Linux alone) in the second and in the last quarter of the time, in which a leak would show.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from large import held
from skimage import data

from untaught.io import images


def pictures(folder: Path, count: int, side: int) -> list[Path]:
    rng, clean = np.random.default_rng(0), data.camera()
    made = []
    for i in range(count):
        row, column = rng.integers(0, 512 - side, 2)
        noisy = clean[row : row + side, column : column + side] + rng.normal(0, 25, (side, side))
        made.append(folder / f"{i:03}.png")
        images.write(made[-1], np.clip(noisy, 0, 255).astype(np.uint8))
    return made


def took(*words: object) -> float:
    begun = time.monotonic()
    subprocess.run([sys.executable, "-m", "untaught.cli", *map(str, words)], check=True, stderr=subprocess.DEVNULL)
    return time.monotonic() - begun


def watched(folder: Path, *words: object) -> str:
    """What became of a batch into that folder, and what it held."""
    begun, seen = time.monotonic(), list[int]()
    with subprocess.Popen(
        [sys.executable, "-m", "untaught.cli", *map(str, words)], stderr=subprocess.DEVNULL
    ) as running:
        while running.poll() is None:
            seen.append(held(running.pid))
            time.sleep(0.5)
    seconds = time.monotonic() - begun
    states = Counter(json.loads(line)["state"] for line in (folder / "manifest.jsonl").read_text().splitlines())
    quarter = max(1, len(seen) // 4)
    first, last = (np.median(part) / 1e6 for part in (seen[quarter : 2 * quarter], seen[-quarter:-2] or seen[-1:]))
    results = len(list(folder.glob("*.png")))
    told = ", ".join(f"{count} {state}" for state, count in states.items())
    return (
        f"exit code {running.returncode}, {seconds:.0f} s: {told}; {results} files; {first:.0f} MB held in the second quarter, "
        f"{last:.0f} in the last"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--alone", type=int, default=6)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--damaged", type=int, default=0, help="so many of the pictures, cut off in the middle")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scans = folder / "scans"
        scans.mkdir()
        files = pictures(scans, args.count, args.side)
        for file in files[1 :: max(1, len(files) // max(1, args.damaged))][: args.damaged]:
            file.write_bytes(file.read_bytes()[:200])
        way = ("--preset", args.preset, "-q")
        if args.damaged:
            for workers in args.workers.split(","):
                out = folder / f"w{workers}"
                print(
                    f"--workers {workers}: {watched(out, 'batch', 'denoise', scans, *way, '-o', out, '--workers', workers)}",
                    flush=True,
                )
            return
        alone = sum(took("denoise", f, *way, "-o", folder / f"{i}.png") for i, f in enumerate(files[: args.alone]))
        rate = 60 * args.alone / alone
        print(f"one command each: {rate:.2f} pictures a minute", flush=True)
        for workers in args.workers.split(","):
            seconds = took("batch", "denoise", scans, *way, "-o", folder / f"w{workers}", "--workers", workers)
            each = 60 * args.count / seconds
            print(
                f"batch --workers {workers}: {each:.2f} pictures a minute, {each / rate:.2f} times as many", flush=True
            )


if __name__ == "__main__":
    main()
