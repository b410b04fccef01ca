"""How good intervals are, for uncertainty.py: how many values they hold, and how wide they are for that."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


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
