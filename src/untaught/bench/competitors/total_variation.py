"""Total variation: the picture with the least of it, near the data. The weight is a setting, or one of several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from untaught.bench._pixels import array, tensor
from untaught.bench.competitors._base import channels
from untaught.bench.competitors.fillings import nearest

if TYPE_CHECKING:
    from torch import Tensor

    from untaught.problem.operators import Operator

# Weights of which the best is taken by the truth, a favour that we do not have.
DEJPEG = (0.01, 0.02, 0.03, 0.045, 0.06, 0.08, 0.11, 0.15)
DEBLUR = (3e-4, 6e-4, 1.2e-3, 2.4e-3, 4.8e-3)
UPSCALE = (1e-4, 3e-4, 1e-3)


def _chambolle(picture: NDArray, weight: float) -> NDArray:
    from skimage.restoration import denoise_tv_chambolle

    return denoise_tv_chambolle(picture, weight=weight, channel_axis=channels(picture))


def denoised(noisy: NDArray, sigma: float) -> NDArray:
    return _chambolle(noisy, 0.1 * sigma * 255 / 25)


def without_blocks(picture: NDArray, tables: list[list[int]]) -> Iterator[NDArray]:
    return (_chambolle(picture, weight) for weight in DEJPEG)


def filled(picture: NDArray, known: NDArray) -> NDArray:
    """Through the known pixels: Chambolle and Pock's iteration (2011), from the nearest fill."""
    x = np.atleast_3d(nearest(picture, known)).transpose(2, 0, 1)
    fixed, mask, bar = x.copy(), known[None], x.copy()
    p = np.zeros((2, *x.shape))
    for _ in range(400):
        p[0, :, :-1] += 0.35 * np.diff(bar, axis=1)
        p[1, :, :, :-1] += 0.35 * np.diff(bar, axis=2)
        p /= np.maximum(1, np.sqrt((p**2).sum(0)))
        divergence = np.diff(p[0], axis=1, prepend=0) + np.diff(p[1], axis=2, prepend=0)
        before, x = x, np.where(mask, fixed, x + 0.35 * divergence)
        bar = 2 * x - before
    return x.transpose(1, 2, 0).reshape(picture.shape)


def deblurred(y: NDArray, kernel: NDArray) -> Iterator[NDArray]:
    """With valid borders, by L-BFGS."""
    import torch

    from untaught.core.geometry import crop_to, pad_to
    from untaught.problem.operators.blur import Blur

    data, operator = tensor(y), Blur(torch.from_numpy(kernel))
    start = pad_to(data, operator.image_shape(tuple(data.shape))[2:])
    return (array(crop_to(least(data, operator, start, w), data.shape[2:]), y) for w in DEBLUR)


def enlarged(small: NDArray, large: tuple[int, int], kernel: str = "lanczos3", weight: float = 0.0) -> NDArray:
    """From the bicubic picture, by L-BFGS. Without weight there is no prior at all."""
    from untaught.problem.operators.resample import Downsample, resized

    y = tensor(small)
    operator = Downsample(small.shape[:2], large, kernel)
    return array(least(y, operator, resized(y, operator.large), weight), small)


def each_enlarged(small: NDArray, large: tuple[int, int], kernel: str = "lanczos3") -> Iterator[NDArray]:
    return (enlarged(small, large, kernel, weight) for weight in UPSCALE)


def least(y: Tensor, operator: Operator, start: Tensor, weight: float) -> Tensor:
    """argmin |A x - y|^2 + weight TV(x) (means over the elements) by L-BFGS, four rounds of 20 steps."""
    from untaught.prior import Pixels
    from untaught.problem import Problem
    from untaught.problem.likelihoods import Gaussian
    from untaught.problem.regularisers import TV, Sum
    from untaught.solver.averaging import Last
    from untaught.solver.loop import solve
    from untaught.solver.optimisers import LBFGS
    from untaught.solver.stage import Method
    from untaught.solver.stopping import After

    # In units of 1/30 of full scale, single precision knows the energy well enough to end the search late.
    problem = Problem(y, operator, Gaussian(1 / 30), 450 * weight * TV() if weight else Sum(), start=start)
    return solve(problem, Method(Pixels(), optimiser=LBFGS(history=10), average=Last(), stop=After(4))).x
