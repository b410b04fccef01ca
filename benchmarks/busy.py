"""The same small job on an idle and on a busy machine: as the program sets its threads, with one, and with torch's own.

    python benchmarks/busy.py [--side 128] [--steps 300] [--rounds 3] [--beside 0,4,9] [--most 240]

Beside so many processes that only count; a round runs the three ways one after the other, and the ratios are medians over the
rounds of times taken side by side. What takes over --most seconds is ended, and counts as that. On an idle machine of two cores
at least a fifth of the ratios' difference is chance: take several rounds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from skimage import data

from untaught.io import images

WAYS = {
    "ours": {},
    "one thread": {"OMP_NUM_THREADS": "1"},
    "torch's own": {"GOMP_SPINCOUNT": "300000"},  # what GNU's OpenMP takes where there is a core for each thread
}
SET = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "UNTAUGHT_THREADS")


def timed(picture: Path, way: str, steps: int, most: float) -> float:
    """The wall seconds of one command in a process of its own, at most `most`."""
    kept = {name: value for name, value in os.environ.items() if name not in SET}
    own = dict(WAYS[way])
    if way == "torch's own":
        own["OMP_NUM_THREADS"] = str(len(os.sched_getaffinity(0)))
    words = [sys.executable, "-m", "untaught.cli", "denoise", str(picture), "--sigma", "25/255", "--preset", "fast"]
    words += ["--steps", str(steps), "-q", "--force", "-o", str(picture.with_name("out.png"))]
    begun = time.perf_counter()
    try:
        subprocess.run(words, env={**kept, **own}, check=True, timeout=most)
    except subprocess.TimeoutExpired:
        return most
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("side", 128), ("steps", 300), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--beside", default="0,4,9")
    parser.add_argument("--most", type=float, default=240.0)
    asked = parser.parse_args()
    print("| busy processes | " + " | ".join(f"{way} (s)" for way in WAYS) + " | ours / one | ours / torch's own |")
    print("|---" * (len(WAYS) + 3) + "|")
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "in.png"
        clean = data.camera()[100 : 100 + asked.side, 200 : 200 + asked.side]
        noisy = np.clip(clean + np.random.default_rng(0).normal(0, 25, clean.shape), 0, 255)
        images.write(picture, noisy.astype(np.uint8))
        for count in map(int, asked.beside.split(",")):
            others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
            try:
                time.sleep(1 if count else 0)
                rounds = [
                    {way: timed(picture, way, asked.steps, asked.most) for way in WAYS} for _ in range(asked.rounds)
                ]
            finally:
                for other in others:
                    other.kill()
                    other.wait()
            seconds = [f"{median(r[way] for r in rounds):.1f}" for way in WAYS]
            ratios = [f"{median(r['ours'] / r[way] for r in rounds):.2f}" for way in list(WAYS)[1:]]
            print(f"| {count} | " + " | ".join([*seconds, *ratios]) + " |", flush=True)


if __name__ == "__main__":
    main()
