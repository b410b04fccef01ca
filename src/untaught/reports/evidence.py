"""What a result is judged by: its residual, beside a draw of the noise that the data themselves show. The truth is not here.

Large pictures are judged by parts, so that this costs about a second whatever their size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.noise import NoiseModel, estimate_noise
from untaught.noise.anscombe import Stabiliser, stabilised, stabiliser
from untaught.noise.differences import second_differences
from untaught.problem import Problem
from untaught.problem.likelihoods import Likelihood
from untaught.problem.operators import Operator

SMALL = 384 * 384  # pixels of a picture that is judged as a whole
PART, PARTS = 128, 3  # of a larger one: PARTS x PARTS squares of that side, evenly spread
COUNTED, DIM = 2.0, 0.02  # counts, and brightness with speckle, below which noise that was made even is not
UNCUT = 0.2  # share of the picture that has to be trusted, or all of it is
LEVELS = 12  # of brightness, which noise may depend on
PASSES = 0.15  # of a picture's roughness, up to which an operator leaves so little that what is rough is the noise's
SURE = 0.9  # share of the picture where it is even, below which the law tells more than measuring


@dataclass(frozen=True, eq=False)
class Evidence:
    """Parts of the picture, "parts c h w" each, in the units of the problem.

    data: y. prediction: A x. weight: 0 where y is not known, or where the noise model is not to be trusted (cut off at black or
    white). picture: x. drawn: noise of the kind that was found in the data, None where the data cannot show their noise.
    noise: what was found. told: the deviation of the noise that the run assumed, None where it assumed none. white: whether it took
    the noise to be independent between pixels. direct: whether the data are the picture itself. evened: whether all of this is of
    a transform of the data in which their noise, which grows with the light, is the same everywhere. whole: share of the known data
    whose noise was not cut off; of fewer than UNCUT, all are looked at, and the prediction has their means by brightness.
    shift: mean residual of each channel where y is known, cut off or not.
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
    evened: bool = False
    whole: float = 1.0
    shift: tuple[float, ...] = ()

    @property
    def residual(self) -> Tensor:
        return self.data - self.prediction


def by_level(t: Tensor, brightness: Tensor, figure: Callable[[Tensor], Tensor]) -> Tensor:
    """Of every channel and each of LEVELS of brightness, equally many pixels each, a figure of t; of t's shape."""
    found = torch.empty_like(t)
    for channel, level, into in zip(t.movedim(1, 0), brightness.movedim(1, 0), found.movedim(1, 0), strict=True):
        for some in level.flatten().argsort().chunk(LEVELS):
            # torch.unravel_index would load sympy, which takes half a second.
            into.put_(some, figure(channel.take(some)).expand(len(some)))
    return found


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
        told, whole, transform, everywhere = None, 1.0, stabiliser(problem.likelihood), weight
        if transform is not None:
            made = _evened(problem.likelihood, transform, data, weight, prediction, picture if local else prediction)
            data, weight, told, prediction, seen = made
            everywhere = weight
            picture = seen if local else picture  # of others it is not in the units of the data
        elif problem.likelihood.floor(data) is not None:
            prediction = problem.likelihood.expected(prediction)
            trusted = weight * (problem.likelihood.trusted(prediction).expand_as(data) > 0.5)
            whole = float(trusted.mean() / weight.mean().clamp_min(1e-9))
            if whole > UNCUT:
                weight = trusted
                deviation = problem.likelihood.deviation(prediction).expand_as(data)
                told = float((deviation.square() * weight).sum().div(weight.sum().clamp_min(1)).sqrt())
            else:
                told = problem.likelihood.level or None
                prediction = prediction + by_level(data - prediction, prediction, Tensor.mean)
        noise = drawn = None
        # Small pictures are fine texture, holes look like noise, and some noise is not in what a blurred picture shows.
        if local and bool(known.all()) and (direct or problem.likelihood.seen):
            if transform is not None and told and float(weight.mean()) < SURE:
                noise = _white(torch.full((data.shape[1],), told))
            else:
                if direct:
                    noise = problem.likelihood.model or estimate_noise(data)
                else:
                    noise = _of_blurred(problem.operator, data, prediction, picture)
            drawn = noise.draw(data, torch.Generator(data.device).manual_seed(0))
        white = not problem.likelihood.measured
        sums = ((data - prediction) * everywhere).sum((0, 2, 3)) / everywhere.sum((0, 2, 3)).clamp_min(1)
        return Evidence(
            data,
            prediction,
            weight,
            picture,
            noise,
            drawn,
            told,
            white,
            direct,
            transform is not None,
            whole,
            tuple(sums.tolist()),
        )


def _evened(
    likelihood: Likelihood, transform: Stabiliser, data: Tensor, weight: Tensor, *means: Tensor
) -> tuple[Tensor, Tensor, float | None, Tensor, Tensor]:
    """(data, weight, deviation of their noise, means) in which noise that grows with the light is the same everywhere.

    means: of such data, the first one by the weight's pixels. None and the weight as it was where all are too dark for that.
    """
    evened, law, (low, span) = stabilised(data, transform, clipped=False)
    least, told = _least(likelihood), None
    bright = weight * (means[0] >= least)
    if bright.mean() > UNCUT * weight.mean():
        weight, told, means = bright, law.level, tuple(mean.clamp_min(least) for mean in means)
    # What leads back by the exact unbiased inverse, to second order: the transform of a mean is not the mean of the transform.
    plain = [transform.forward(mean) for mean in means]
    first, second = ((2 * t - transform.forward(transform.inverse(t)) - low) / span for t in plain)
    return evened, weight, told, first, second


def _least(likelihood: Likelihood) -> float:
    """The brightness from which on noise is the same everywhere once it is made even."""
    if likelihood.counts is None:
        return DIM
    gain, sigma, dark = likelihood.counts
    return dark + COUNTED / gain - sigma**2 * gain


def _of_blurred(operator: Operator, y: Tensor, prediction: Tensor, x: Tensor) -> NoiseModel:
    """White noise, by channel, of a blurred picture (its blur would look like shared noise).

    What is rough in the data may be detail, where the blur leaves some. What no picture can explain is noise: the roughness of the
    residual, where the operator leaves next to nothing of that of any picture. Between the two the residual itself is believed.
    """
    found = _rough(y)
    unit = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).to(x)
    if _rough(operator(unit)).max() > PASSES * _rough(unit).min():
        return _white(found)
    rest = y - prediction
    return _white(torch.minimum(found, torch.maximum(_rough(rest), rest.square().mean((0, 2, 3)).sqrt().cpu())))


def _rough(y: Tensor) -> Tensor:
    return torch.tensor([second_differences(channel) for channel in y.split(1, dim=1)])


def _white(sigma: Tensor) -> NoiseModel:
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
