"""Cost in tiles against size, drawn: what `benchmarks/large.py` measured, and what is reckoned from it up to 400 megapixels.

    python benchmarks/cost_tiles.py docs/benchmarks/cost-tiles.csv docs/images/cost-tiles.png

CSV: side (pixels), seconds (of the processor), gigabytes (all processes together, at most). Reckoned: the straight line through
what was measured, by least squares of relative errors; memory as in the largest picture that was measured.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from untaught.reports.labels import stack
from untaught.reports.plot import Axis, Curve, plot

UP_TO = (5000, 7000, 10000, 14000, 20000)


def main() -> None:
    source, target = map(Path, sys.argv[1:3])
    with source.open(newline="") as lines:
        rows = [(int(r["side"]), float(r["seconds"]), float(r["gigabytes"])) for r in csv.DictReader(lines)]
    sides, seconds, held = map(np.array, zip(*rows, strict=True))
    pixels = sides**2 / 1e6
    design = np.stack([np.ones(len(pixels)), pixels], 1) / seconds[:, None]
    once, each = np.linalg.lstsq(design, np.ones(len(pixels)), rcond=None)[0]
    print(f"{once:.0f} s once, and {each:.2f} s a megapixel; off by at most "
          f"{100 * np.abs((once + each * pixels) / seconds - 1).max():.0f} % where it was measured")  # fmt: skip
    far = np.array([*pixels, *(side**2 / 1e6 for side in UP_TO)])
    panels = []
    for label, measured, line in (
        ("seconds of the processor", seconds, once + each * far),
        ("memory, GB", held, np.full(len(far), held[-1])),
    ):
        curves = [
            Curve("measured", list(pixels), list(measured), "both", [f"{s} x {s}" for s in sides]),
            Curve("reckoned", list(far), list(line), "dashes", colour=6),
        ]
        upward = Axis(label, log=True, high=1.5 * float(max(*measured, *line)))
        panels.append(
            plot(curves, Axis("megapixels", log=True), upward, title=f"denoise --preset instant in tiles: {label}")
        )
    Image.fromarray(stack(*panels)).save(target, optimize=True)
    print(f"20000 x 20000: {(once + each * 400) / 60:.0f} minutes of one core, reckoned")


if __name__ == "__main__":
    main()
