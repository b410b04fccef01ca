"""From how much samples of a picture vary to intervals that hold what they claim: the mathematics, without any run.

Samples differ where a picture is hard to tell, but by less, or more, than the error, which nobody sees. What is seen is how well
the picture predicts measurements that no run had: y - x = noise + error, and the noise is known. One factor on the deviation of
the samples, found there, makes the intervals as wide as they have to be.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from untaught.core.geometry import box
from untaught.solver.uncertainty import LEVEL, WIDTH

RADIUS, FLOOR = 1, 0.3  # pixels; of the median. Both chosen on crops of F16 and kodim03: docs/benchmarks


def deviation(variance: Tensor) -> Tensor:
    """The deviation map of a variance, (1, c, *space), that a few samples gave: smoothed, and nowhere certain.

    A variance of few samples is itself noisy: it is the mean over a square. A share of the median is added, since samples that
    happen to agree are no proof.
    """
    smooth = box(variance, RADIUS)
    middle = smooth[smooth > 0].median() if bool((smooth > 0).any()) else smooth.new_zeros(())
    return (smooth + FLOOR * middle).sqrt()


def factor(residual: Tensor, deviation: Tensor, noise: Tensor) -> tuple[float, float]:
    """(s, its relative standard error): what the deviation is to be multiplied by. All three are flat, of held-out values.

    residual: y - x. noise: its standard deviation, 0 where the data are the truth itself. Without noise, s puts 90 % of the
    residuals into their intervals (split conformal prediction: Vovk et al. 2005; Lei et al. 2018). With noise that share says
    little about the error below it, and s is the likeliest for residual ~ N(0, noise^2 + s^2 deviation^2); log s ~ N(0, 1)
    beforehand, so that few values cannot say 0.
    """
    count = residual.numel()
    if not bool((noise > 0).any()):
        k = min(count, math.ceil((count + 1) * LEVEL))
        ratio = residual.abs() / deviation.clamp_min(1e-12)
        s = float(ratio.kthvalue(k).values) / WIDTH
        # The k-th of n values is known to sqrt(level (1 - level) / n) of its rank.
        spread = math.sqrt(LEVEL * (1 - LEVEL) / count)
        low, high = (
            float(ratio.kthvalue(min(count, max(1, round(count * v)))).values) for v in (LEVEL - spread, LEVEL + spread)
        )
        return s, (high - low) / (2 * WIDTH * s) if s else 0.0
    r, d, n = (v.double() for v in (residual, deviation, noise))
    logs = torch.linspace(-4, 4, 801, dtype=torch.float64)

    def posterior(log: Tensor) -> Tensor:
        v = n.square() + (log.exp() * d).square()
        return -((r.square() / v + v.log()).sum() + log.square()) / 2

    best = logs[int(torch.stack([posterior(log) for log in logs]).argmax())]
    part = (best.exp() * d).square()
    information = 2 * (part / (n.square() + part)).square().sum() + 1
    return float(best.exp()), float(information.rsqrt())
