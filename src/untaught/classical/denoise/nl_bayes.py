"""Non-local Bayes with noise that neighbours and channels share: similar patches have a normal law, and so has their noise.

Lebrun, Buades and Morel, "A nonlocal Bayesian image denoising algorithm" (SIAM J. Imaging Sci. 2013), with the covariance S of the
noise of a whole patch, as in "The Noise Clinic" (Lebrun, Colom and Morel, IPOL 2015), in the place of a variance:

    x = m + C (C + S)^-1 (y - m),       m and C of the group's patches in a pilot of the clean picture.

The first pilot is the ridge of the noisy patches (`nl_ridge.blind`) where their noise has been made white.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from untaught.classical.denoise.matching import Pass, match
from untaught.classical.denoise.nl_ridge import FEW, blind, combined, patch_means, patches, taken
from untaught.core.geometry import box, over
from untaught.core.linear_algebra import axes, factor
from untaught.noise.spectrum import autocovariance

LEAST = 1e-4  # eigenvalue of the noise's covariance, over their mean: what a spectrum lacks is not sure to be picture
SIDE = 512  # of the tiles of a large picture


@dataclass(frozen=True)
class NonLocalBayes:
    """first: the pass without a pilot. then: those with what was found before as their pilot."""

    first: Pass = Pass(5, 24)
    then: tuple[Pass, ...] = (Pass(5, 128), Pass(5, 128))

    @property
    def reach(self) -> int:
        """Pixels to each side that a pixel of the estimate depends on."""
        return self.first.reach + sum(p.reach for p in self.then)

    def __call__(self, noisy: Tensor, deviation: Tensor, kernel: Tensor | None = None) -> Tensor | None:
        """The estimate of a picture (1, c, h, w); None where it is too small. `deviation` of its noise broadcasts against it;
        kernel "c c k k" filters white noise to noise of that covariance (None: independent)."""
        return self._passes((self.first, *self.then), noisy, deviation, kernel)

    def refine(self, noisy: Tensor, deviation: Tensor, kernel: Tensor | None, pilot: Tensor) -> Tensor:
        """The last pass alone, with a pilot of the clean picture."""
        found = self._passes(self.then[-1:], noisy, deviation, kernel, pilot)
        return pilot if found is None else found

    def _passes(
        self, passes: tuple[Pass, ...], noisy: Tensor, deviation: Tensor, kernel: Tensor | None, *pilot: Tensor
    ) -> Tensor | None:
        if noisy.ndim != 4:
            return None
        fitted = [p.of(noisy.shape[1], 0).within(tuple(noisy.shape[2:])) for p in passes]
        if min(p.group for p in fitted) < FEW:
            return None
        kernel = torch.eye(noisy.shape[1])[:, :, None, None] if kernel is None else kernel
        power = deviation.expand_as(noisy).square()
        level = power.mean((0, 2, 3)).clamp_min(1e-20)
        growth = (power / level.view(1, -1, 1, 1)).mean(1, keepdim=True)
        laws = {p.patch: _Law.of(kernel.to(noisy), level.sqrt(), p.patch) for p in fitted}

        def tile(seen: tuple[Any, ...], _: int) -> Tensor:
            y, grows, *made = noisy[seen][0], growth[seen][0], *(x[seen][0] for x in pilot)
            for one in fitted:
                law, near = laws[one.patch], made[-1] if made else box(y[None], 1)[0]
                groups = match(near, one).alike
                made.append(
                    _wiener(y, groups, one.patch, law, grows, made[-1])
                    if made
                    else _whitened(y, groups, one.patch, law, grows)
                )
            return made[-1][None]

        return over(noisy.shape[2:], SIDE, self.reach, tile)


@dataclass(frozen=True)
class _Law:
    """Of the noise of a patch, values ordered as in `patches`: covariance (n, n), and its roots to white noise and back."""

    covariance: Tensor
    white: Tensor
    back: Tensor

    @classmethod
    def of(cls, kernel: Tensor, sigma: Tensor, side: int) -> _Law:
        value, vector = axes(covariance(kernel, side).double() * torch.outer(s := sigma.double().repeat(side**2), s))
        value = value.clamp_min(max(LEAST * float(value.mean()), 1e-12))
        return cls(*((vector * value**power @ vector.mT).to(sigma) for power in (1, -0.5, 0.5)))


def covariance(kernel: Tensor, side: int) -> Tensor:
    """That of a patch of side * side * c values (`patches`) of white noise that went through the kernel "c c k k"."""
    (c, _, _, k), lags = kernel.shape, autocovariance(kernel)
    step = torch.arange(side, device=kernel.device)
    apart = step - step[:, None]
    down, along = (v.expand([side] * 4) for v in (apart[:, None, :, None], apart[None, :, None, :]))
    near = (down.abs() < k) & (along.abs() < k)
    at = (down.clamp(1 - k, k - 1) + k - 1) * (2 * k - 1) + along.clamp(1 - k, k - 1) + k - 1
    found = lags.flatten(2)[:, :, at] * near  # c c, then row and column here and there
    return found.permute(2, 3, 0, 4, 5, 1).reshape(side * side * c, side * side * c)


def _whitened(y: Tensor, groups: Tensor, side: int, law: _Law, growth: Tensor) -> Tensor:
    """Every group by the ridge of its noisy patches, whose noise has been made white."""
    white, times = patches(y, side) @ law.white, patch_means(growth, side)

    def ridge(some: Tensor) -> tuple[Tensor, Tensor]:
        estimate, sure = blind(taken(white, some), white.shape[1] * times[some].mean(1))
        return estimate @ law.back, sure

    return combined(ridge, groups, y, side)


def _wiener(y: Tensor, groups: Tensor, side: int, law: _Law, growth: Tensor, pilot: Tensor) -> Tensor:
    """Every group by its Wiener filter, weighted by the freedom that each has spent."""
    rows, clean, times = patches(y, side), patches(pilot, side), patch_means(growth, side)

    def filtered(some: Tensor) -> tuple[Tensor, Tensor]:
        alike = taken(clean, some)
        mean = alike.mean(1, keepdim=True)
        alike = alike - mean
        spread = alike.mT @ alike / (some.shape[1] - 1)
        noisy = spread + times[some].mean(1)[:, None, None] * law.covariance
        load = 1e-6 * noisy.diagonal(dim1=1, dim2=2).mean(1, keepdim=True) + 1e-12
        noisy.diagonal(dim1=1, dim2=2).add_(load)
        gain = torch.cholesky_solve(spread, factor(noisy))
        sure = 1 / (1 + gain.diagonal(dim1=1, dim2=2).sum(1)).clamp_min(1e-2)
        estimate = mean + (taken(rows, some) - mean) @ gain
        return estimate.mul_(sure[:, None, None]), sure[:, None].expand(some.shape)

    return combined(filtered, groups, y, side)
