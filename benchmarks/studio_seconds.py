"""How near the seconds are that the studio foretells: each job is foretold, and then run.

python benchmarks/studio_seconds.py DATA [COUNT]

prints | job | pixels | foretold | taken | ratio | for the first COUNT of ten jobs, each foretold by what is known of none.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from untaught.io import images
from untaught.solver.loop import solve
from untaught.studio.speeds import Speeds, piece, waiting

PHOTO = "photos/cat_720p.jpg"
JOBS = (
    ("denoise", 300, {"preset": "instant"}),
    ("denoise", 200, {"preset": "fast", "sigma": 20 / 255}),
    ("denoise", 128, {"preset": "balanced", "sigma": 20 / 255}),
    ("inpaint", 160, {"preset": "instant"}),
    ("upscale", 128, {"factor": 2.0}),
    ("deblur", 200, {"preset": "instant", "blind": True}),
    ("deblur", 200, {"kernel": "disk:2"}),
    ("dejpeg", 256, {"preset": "instant"}),
    ("dejpeg", 160, {}),
    ("enhance", 200, {}),
)


def main() -> None:
    data, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else len(JOBS)
    whole = images.read(data / PHOTO)
    for task, side, settings in JOBS[:count]:
        with tempfile.TemporaryDirectory() as folder:
            picture = piece(whole, side * side, Path(folder) / "picture.jpg")
            foretold = Speeds(Path(folder) / "speeds").foretell(task, picture, settings, lambda: True) or np.nan
            begun = time.perf_counter()
            job = waiting(task, picture, settings)
            job.result(solve(job).x)
            taken = time.perf_counter() - begun
        said = ", ".join(f"{k}={v:.3g}" if isinstance(v, float) else f"{k}={v}" for k, v in settings.items())
        shape = " x ".join(map(str, picture.pixels.shape[:2]))
        print(f"| {task} {said} | {shape} | {foretold:.1f} s | {taken:.1f} s | {foretold / taken:.2f} |", flush=True)


if __name__ == "__main__":
    main()
