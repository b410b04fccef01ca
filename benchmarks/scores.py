"""How good intervals are, for uncertainty.py and intervals.py: how many values they hold, and how wide they are for that; the crops
that both judge, and the table that they add to."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CROPS = {
    "choose": {
        "f16": ("set9/image_F16_512rgb.png", 200, 150),
        "peppers": ("set9/image_Peppers512rgb.png", 180, 200),
        "kodim03": ("set9/kodim03.png", 150, 300),
    },
    "confirm": {
        "house": ("set9/image_House256rgb.png", 60, 60),
        "kodim05": ("kodak/kodim05.png", 200, 300),
        "kodim19": ("kodak/kodim19.png", 400, 150),
        "kodim23": ("kodak/kodim23.png", 150, 150),
        "monarch": ("set14/monarch.bmp", 150, 250),
    },
}


def coverage(lower: NDArray, upper: NDArray, truth: NDArray) -> float:
    """The share of values that lie in their interval, 0 to 1."""
    return float(np.mean((lower <= truth) & (truth <= upper)))


def interval_score(lower: NDArray, upper: NDArray, truth: NDArray, *, level: float = 0.9) -> float:
    """The mean width, and 2 / (1 - level) times what lies outside; less is better (Gneiting and Raftery 2007, equation 43)."""
    outside = np.maximum(lower - truth, 0) + np.maximum(truth - upper, 0)
    return float(np.mean(upper - lower + 2 / (1 - level) * outside))


def constant_score(result: NDArray, truth: NDArray, *, level: float = 0.9) -> float:
    """The interval score of the best interval that has one width everywhere: half of it is the `level` quantile of |error|."""
    half = float(np.quantile(np.abs(result.astype(np.float64) - truth), level, method="inverted_cdf"))
    return interval_score(result - half, result + half, truth, level=level)


def rank_correlation(a: NDArray, b: NDArray) -> float:
    """Spearman's: the correlation of the ranks, ties sharing theirs; NaN where one of them is constant."""
    from scipy.stats import rankdata

    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def add(path: Path, fields: Sequence[str], row: Mapping[str, Any]) -> None:
    """One row more in a CSV file, which gets its names if it is new; and on the screen."""
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, fields)
        if fresh:
            writer.writeheader()
        writer.writerow(row)
    print(*(row[f] for f in fields), flush=True)
