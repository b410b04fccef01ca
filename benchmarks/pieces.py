"""Small pieces of real and odd pictures through every filter, and every preset with one step: finite, and within their range.

    python benchmarks/pieces.py 2000                        # prints what happened, by way
    UNTAUGHT_DATA=folder python benchmarks/pieces.py 2000   # pieces of the pictures in that folder, too

Each piece takes one way, so that a count that is no multiple of the number of ways sees each with other pieces.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from odd_pictures import excess, pieces, through, ways

from untaught.core.errors import UntaughtError
from untaught.io import images

LIMITS = {"filter": 1.0, "deblur": 2.001}
"""Ranges beyond the data: a kernel with a third of its weight in the middle leaves three times their range possible."""


def real() -> list[NDArray]:
    """Photos, (h, w, 3) in [0, 1]: of scikit-image, and at most 40 of the folder UNTAUGHT_DATA."""
    from skimage import data

    found = [data.chelsea() / 255, data.astronaut() / 255]
    folder = os.environ.get("UNTAUGHT_DATA")
    for path in sorted(Path(folder).rglob("*.png"))[::7][:40] if folder else ():
        pixels = images.read(path).pixels
        if pixels.ndim == 3 and pixels.dtype == np.uint8:
            found.append(pixels / 255)
    return found


def main(count: int, first: int = 0) -> None:
    every, table, said, begun = list(ways()), Counter[tuple[str, str]](), Counter[str](), time.perf_counter()
    for number, (name, y) in enumerate(pieces(count, real(), first), first):
        way = every[number % len(every)]
        try:
            beyond = excess(through(way, y), y)
            limit = LIMITS.get(way[0], 1.0 if way[1] == "instant" else 1e6)  # a network of one step is not there yet
            what = "within" if beyond <= limit else "beyond"
            if beyond > limit:
                print(f"{name}, {way}: {beyond:.3g} ranges beyond the data")
        except UntaughtError as error:
            what = "said"
            said[" ".join(str(error).split()[:4])] += 1
        except Exception as error:
            what = "failed"
            print(f"{name}, {way}: {type(error).__name__}: {error}", traceback.extract_tb(error.__traceback__)[-1][:3])
        table[way[0], what] += 1
    print(f"{count} pieces in {time.perf_counter() - begun:.0f} s")
    for way in sorted({w for w, _ in table}):
        print(f"{way:10}", {what: n for (w, what), n in sorted(table.items()) if w == way})
    print(dict(said))


if __name__ == "__main__":
    main(*(int(v) for v in sys.argv[1:] or ["2000"]))
