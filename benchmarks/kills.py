"""Runs that are killed at random moments and resumed: do they end in the bits of the run that nobody stopped?

    python benchmarks/kills.py --kills 20

One line of a table for each signal. A run is taken up by `untaught resume` where it is kept, else by its own command again.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from untaught.io import images

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "untaught.cli", *map(str, words)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--side", type=int, default=48)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        x = np.linspace(0, 1, options.side)
        noisy = (
            128 + 80 * np.outer(np.sin(9 * x), np.cos(7 * x)) + np.random.default_rng(0).normal(0, 20, (x.size,) * 2)
        )
        images.write(place / "in.png", np.clip(noisy, 0, 255).astype(np.uint8))
        work = ["denoise", place / "in.png", "--sigma", "20/255", "--steps", options.steps, "-q"]
        begun = time.monotonic()
        subprocess.run(command(*work, "-o", place / "whole.png"), check=True)
        whole, span = (place / "whole.png").read_bytes(), time.monotonic() - begun
        done: Counter[tuple[str, str]] = Counter()
        for number in range(options.kills):
            out, folder, which = place / f"{number}.png", place / f"{number}.run", SIGNALS[number % 3]
            words = [*work, "-o", out, "--save-run", folder, "--save-every", 0]
            process = subprocess.Popen(command(*words), stderr=subprocess.PIPE, text=True)
            time.sleep(rng.uniform(0.3, 1.0) * span)
            process.send_signal(which)
            _, said = process.communicate()
            kept = (folder / "recipe.toml").exists()
            if kept or not out.exists():
                subprocess.run(command("resume", folder, "-q") if kept else command(*words), check=False)
            same = out.exists() and out.read_bytes() == whole and not folder.exists() and "Traceback" not in said
            done[which.name, "kills"] += 1
            done[which.name, "resumed"] += kept
            done[which.name, "same"] += same
    print("| signal | kills | kept and resumed | the same bits, nothing left |\n|---|---:|---:|---:|")
    for one in SIGNALS:
        print(f"| {one.name} | {done[one.name, 'kills']} | {done[one.name, 'resumed']} | {done[one.name, 'same']} |")


if __name__ == "__main__":
    main()
