"""Normal noise that was cut off at black or white: how much of its variance is left (Tobin 1958)."""

from __future__ import annotations

import torch


def _tail(share: float) -> tuple[float, float, float]:
    """Of the standard normal density: how far below the middle its lower `share` ends, the density there, and what is above."""
    normal = torch.distributions.Normal(0.0, 1.0)
    t = -normal.icdf(torch.tensor(share, dtype=torch.float64))
    return float(t), float(normal.log_prob(t).exp()), 1 - share


def censored(share: float) -> float:
    """The variance of unit normal noise whose lower `share`, under 1, is all at its upper end: cut off at black."""
    if share <= 0:
        return 1.0
    t, density, above = _tail(share)
    mean = density + t * above
    return (1 + t * t) * above + t * density - mean * mean


def truncated(share: float) -> float:
    """The same without that share."""
    if share <= 0:
        return 1.0
    t, density, above = _tail(share)
    ratio = density / above
    return 1 - t * ratio - ratio * ratio
