"""Total variation of signals, exactly, and of several strengths in each place those that its own risk speaks for.

    argmin_x  sum (x - y)^2 / 2 + strength * sum |x_(i + 1) - x_i|

is found from the first sample to the last and back (dynamic programming: Johnson, Journal of Computational and Graphical
Statistics 2013). It is a signal of plateaus, each of which follows the noise as one value (Tibshirani and Taylor, Annals of
Statistics 2012), so that its risk is known without the truth. Its jumps are too small; the means of the data over the same plateaus
have them whole, but where these lie was sought in the data, too, which is counted as log n values more for each (Schwarz 1978).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from untaught.classical.denoise.splines import mixed


@dataclass(frozen=True)
class Plateaus:
    """strengths: in deviations of the noise. near: deviation of the neighbourhoods that choose among them, samples. whole: whether
    jumps are whole, as in steps, or as total variation leaves them, as in slopes.
    """

    strengths: tuple[float, ...] = (0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0)
    near: int = 32
    whole: bool = False

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """(b, c, n) -> (b, c, n); `deviation` of the noise broadcasts against it, and its mean over a channel is taken."""
        spread = deviation.to(noisy).expand_as(noisy).mean(-1)
        rows = zip(noisy.flatten(0, 1).double().cpu().numpy(), spread.flatten().tolist(), strict=True)
        return torch.stack([torch.from_numpy(self._of(*row)) for row in rows]).view_as(noisy).to(noisy)

    def _of(self, y: NDArray, deviation: float) -> NDArray:
        if deviation <= 0:
            return y
        made, follows = [], []
        for strength in self.strengths:
            x = shortest(y, strength * deviation)
            number = np.cumsum(np.diff(x, prepend=x[0]) != 0)
            size = np.bincount(number)
            made.append((np.bincount(number, y) / size)[number] if self.whole else x)
            follows.append((1 + np.log(len(y)) * self.whole) / size[number])
        values, freedom = (torch.from_numpy(np.stack(v))[None, None] for v in (made, follows))
        variance = deviation**2
        risk = (torch.from_numpy(y) - values).square() + variance * (2 * freedom - 1)
        found: NDArray = mixed(values, risk, torch.tensor(variance), (self.near,))[0, 0].numpy()
        return found


def shortest(y: NDArray, strength: float) -> NDArray:
    """The signal of that energy, (n,), for samples y, (n,); strength in their unit."""
    # The least energy of the samples so far, as a function of the last one, has a derivative of straight pieces, which rises. What
    # comes next can pull by `strength` at most, so that beyond low and high, where it is -+ strength, it is cut off.
    values = y.tolist()
    knots: deque[tuple[float, float, float]] = deque()  # where it bends, and how much slope and height change there
    slope, height = [1.0, 1.0], [-values[0]] * 2  # of the first piece and of the last
    lows, highs = [], []
    for value in values[1:]:
        _left(knots, slope, height, -strength)
        while knots and slope[1] * knots[-1][0] + height[1] > strength:
            _, more, up = knots.pop()
            slope[1] -= more
            height[1] -= up
        low, high = (-strength - height[0]) / slope[0], (strength - height[1]) / slope[1]
        lows.append(low)
        highs.append(high)
        knots.appendleft((low, slope[0], height[0] + strength))
        knots.append((high, -slope[1], strength - height[1]))
        slope, height = [1.0, 1.0], [-value - strength, -value + strength]
    _left(knots, slope, height, 0.0)
    found = [-height[0] / slope[0]]
    for low, high in zip(reversed(lows), reversed(highs), strict=True):
        found.append(min(max(found[-1], low), high))
    return np.array(found[::-1])


def _left(knots: deque[tuple[float, float, float]], slope: list[float], height: list[float], level: float) -> None:
    """Drops the pieces that end below that level."""
    while knots and slope[0] * knots[0][0] + height[0] < level:
        _, more, up = knots.popleft()
        slope[0] += more
        height[0] += up
