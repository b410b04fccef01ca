"""Noise beside another picture of the same scene: what that does not explain.

Texture and coarse grain look alike in one picture (`spectrum` then says texture). A second picture, as one with flash, has the same
texture and other noise: where it is fitted, what is left is noise, and that is even. Of another scene the texture is left, too, and
lies unevenly.
"""

from __future__ import annotations

import torch
from torch import Tensor

from untaught.noise.spectrum import CLASSES, PATCH, NoiseModel, of_covariance, periodogram

MORE = (
    1.35,
    1.08,
)  # deviation over that which the picture alone shows, from which on it is told; of a guide that is of use
USE = (
    1.05  # what the same guide leaves where it lies the wrong way round over what it leaves, from which on it is of use
)
GRAIN = 3 / 255  # and the least that is told: clean pictures have that, too
EVEN = 1.3  # the scatter in any class of brightness over that of such noise, up to which what is left is noise
MIDDLE = 0.3, 0.7  # shares of the patches between which a power is read, and whose ratio is its scatter
CLIPPED = 0.2  # share of black and white in a patch, up to which it is measured, if so many are


def noise_beside(picture: Tensor, left: Tensor, turned: Tensor, level: float) -> NoiseModel | None:
    """The noise of a picture (1, c, h, w) of [0, 1], by what a fit of another one `left` of it; None where that is no noise, or
    hardly more than `level`, the deviation that the picture alone shows, or the picture is too small to tell.

    turned: what the same other picture left, the wrong way round.
    """
    if min(picture.shape[2:]) < 2 * PATCH:
        return None
    x, p = _patches(picture), _patches(left)
    clip = ((x <= 0) | (x >= 1)).float().mean((1, 2, 3))
    sound = clip <= max(CLIPPED, float(clip.median()))
    mean, p = x.mean((1, 2, 3))[sound], p[sound]
    classes = mean.argsort().chunk(max(1, min(CLASSES, len(p) // 60)))
    energy = p.square().mean((1, 2, 3))
    middle = [_middle(energy[g], g) for g in classes]
    v = torch.stack([energy[g].mean() for g in middle])
    more = MORE[bool(turned.square().mean() > USE**2 * left.square().mean())]
    if not v.mean().sqrt() > max(more * level, GRAIN):
        return None
    f = periodogram(p[torch.cat(middle)])
    cov = torch.einsum("nixy,njxy->xyij", f, f.conj()) / len(f)
    each = cov.diagonal(dim1=2, dim2=3).real.mean((0, 1))
    sigma = (each * v.mean() / each.mean()).sqrt()
    knots = torch.stack([mean[g].mean() for g in middle])
    noise = of_covariance(sigma, cov, knots, (v / v.mean()).sqrt())
    draw = torch.Generator().manual_seed(0)
    drawn = _patches(noise.draw(picture, draw)).square().mean((1, 2, 3))[sound]
    apart = torch.stack([_scatter(energy[g]) / _scatter(drawn[g]) for g in classes])
    return noise if apart.max() < EVEN else None


def _patches(x: Tensor) -> Tensor:
    p = x.unfold(2, PATCH, PATCH // 2).unfold(3, PATCH, PATCH // 2)
    return p.permute(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1], PATCH, PATCH)


def _middle(values: Tensor, which: Tensor) -> Tensor:
    """Those whose values are neither among the least nor among the most."""
    low, high = (int(share * len(values)) for share in MIDDLE)
    return which[values.argsort()[low : max(high, low + 1)]]


def _scatter(values: Tensor) -> Tensor:
    low, high = values.quantile(torch.tensor(MIDDLE))
    return high / low.clamp_min(1e-20)
