"""What a result is judged by: its residual, beside a draw of the noise that the data themselves show. The truth is not here.

Large pictures are judged by parts, so that this costs about a second whatever their size.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.noise import NoiseModel, estimate_noise
from untaught.noise.spectrum import second_differences
from untaught.problem import Problem

SMALL = 384 * 384  # pixels of a picture that is judged as a whole
PART, PARTS = 128, 3  # of a larger one: PARTS x PARTS squares of that side, evenly spread


@dataclass(frozen=True, eq=False)
class Evidence:
    """Parts of the picture, "parts c h w" each, in the units of the problem.

    data: y. prediction: A x. weight: 0 where y is not known, or where the noise model is not to be trusted (cut off at black or
    white). picture: x. drawn: noise of the kind that was found in the data, None where the data cannot show their noise.
    noise: what was found. told: the deviation of the noise that the run assumed, None where it assumed none. white: whether it took
    the noise to be independent between pixels. direct: whether the data are the picture itself.
    """

    data: Tensor
    prediction: Tensor
    weight: Tensor
    picture: Tensor
    noise: NoiseModel | None
    drawn: Tensor | None
    told: float | None
    white: bool
    direct: bool

    @property
    def residual(self) -> Tensor:
        return self.data - self.prediction


def judged(problem: Problem, x: Tensor) -> bool:
    """Whether data and picture are pictures, (1, c, h, w) of at least 16 pixels a side, so that there is something to see."""
    y = problem.data
    pictures = y.ndim == 4 and x.ndim == 4 and not y.is_complex() and y.shape[:2] == x.shape[:2] and len(y) == 1
    return pictures and min(y.shape[-2:]) >= 16 and not problem.likelihood.rewards


def gather(problem: Problem, x: Tensor) -> Evidence:
    """Everything that the figures are made of; for problems of which `judged` is true."""
    with torch.no_grad():
        y, x = problem.data.detach(), x.detach()
        known = torch.ones_like(y) if problem.weight is None else (problem.weight > 0).to(y)
        local, direct = problem.operator.local, problem.operator.direct
        corners = _corners(y.shape[-2:])
        size = [min(n, PART) if len(corners) > 1 else n for n in y.shape[-2:]]
        data, weight = (_cut(t, corners, size) for t in (y, known))
        grown = [n + a - b for n, a, b in zip(size, x.shape[-2:], y.shape[-2:], strict=True)]
        if local:
            picture = _cut(x, corners, grown)
            prediction = problem.operator(picture)
        else:
            prediction = _cut(problem.operator(x), corners, size)
            ratio = [a / b for a, b in zip(x.shape[-2:], y.shape[-2:], strict=True)]
            wide = [min(n, round(r * s)) for n, r, s in zip(x.shape[-2:], ratio, size, strict=True)]
            picture = _cut(x, [(int(i * ratio[0]), int(j * ratio[1])) for i, j in corners], wide)
        told = None
        if problem.likelihood.floor(data) is not None:
            trusted = weight * (problem.likelihood.trusted(prediction).expand_as(data) > 0.5)
            weight = trusted if trusted.mean() > 0.05 * weight.mean() else weight
            deviation = problem.likelihood.deviation(prediction).expand_as(data)
            told = float((deviation.square() * weight).sum().div(weight.sum().clamp_min(1)).sqrt())
        noise = drawn = None
        if local and bool(known.all()):  # small pictures are fine texture, and holes look like noise
            noise = estimate_noise(data) if direct else _rough(data)
            drawn = noise.draw(data, torch.Generator(data.device).manual_seed(0))
        white = not problem.likelihood.measured
        return Evidence(data, prediction, weight, picture, noise, drawn, told, white, direct)


def _rough(y: Tensor) -> NoiseModel:
    """White noise, by channel, of a blurred picture (its blur would look like shared noise)."""
    sigma = torch.tensor([second_differences(channel) for channel in y.split(1, dim=1)])
    return NoiseModel(sigma, False, torch.eye(len(sigma))[:, :, None, None], torch.zeros(1), torch.ones(1))


def _corners(space: tuple[int, ...]) -> list[tuple[int, int]]:
    if space[0] * space[1] <= SMALL:
        return [(0, 0)]
    rows, columns = ([round(k * max(0, n - PART) / (PARTS - 1)) for k in range(PARTS)] for n in space)
    return [(r, c) for r in sorted(set(rows)) for c in sorted(set(columns))]


def _cut(t: Tensor, corners: list[tuple[int, int]], size: list[int]) -> Tensor:
    """The parts at those corners, moved inwards where they would leave the picture."""
    cut = []
    for r, c in corners:
        r, c = (min(at, n - s) for at, n, s in zip((r, c), t.shape[-2:], size, strict=True))
        cut.append(t[..., r : r + size[0], c : c + size[1]])
    return torch.cat(cut)
