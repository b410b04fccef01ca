"""The classic denoisers that a result is compared with: (noisy picture in [0, 1], sigma) -> picture.

Settings are fixed for all pictures; every one is told the same sigma.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

from numpy.typing import NDArray

from untaught.io import arrays


@dataclass(frozen=True)
class Classic:
    """name, what it is and from whom, the function, and the package it needs beside scikit-image (None: no other).

    oracle: it is handed the clean picture (as `clean`), and chooses its best setting by it: in its favour, and said.
    """

    name: str
    source: str
    run: Callable[..., NDArray]
    package: str | None = None
    oracle: bool = False

    @property
    def missing(self) -> str | None:
        """Why it cannot be used here, in a sentence; None where it can."""
        if self.package is None or importlib.util.find_spec(self.package):
            return None
        return (
            f"{self.name} is left out: the package '{self.package}' is not installed (pip install {self.package}; "
            "its licence allows non-commercial use only)."
        )


def estimate(noisy: NDArray) -> float:
    """scikit-image's estimate of sigma, where nobody told it; never 0, which some cannot divide by."""
    from skimage.restoration import estimate_sigma

    return max(float(estimate_sigma(noisy, average_sigmas=True, channel_axis=_channels(noisy))), 1e-4)


def _channels(picture: NDArray) -> int | None:
    return -1 if picture.ndim == 3 else None


def _tv(noisy: NDArray, sigma: float) -> NDArray:
    from skimage.restoration import denoise_tv_chambolle

    return denoise_tv_chambolle(noisy, weight=0.1 * sigma * 255 / 25, channel_axis=_channels(noisy))


def _wavelet(noisy: NDArray, sigma: float) -> NDArray:
    from skimage.restoration import denoise_wavelet

    colour = noisy.ndim == 3 and noisy.shape[-1] == 3
    return denoise_wavelet(
        noisy,
        sigma=sigma,
        method="BayesShrink",
        rescale_sigma=True,
        convert2ycbcr=colour,
        channel_axis=_channels(noisy),
    )


def _nlm(noisy: NDArray, sigma: float) -> NDArray:
    from skimage.restoration import denoise_nl_means

    return denoise_nl_means(
        noisy, patch_size=5, patch_distance=6, h=0.6 * sigma, sigma=sigma, fast_mode=True, channel_axis=_channels(noisy)
    )


def _bm3d(noisy: NDArray, sigma: float) -> NDArray:
    import bm3d

    if noisy.ndim == 3 and noisy.shape[-1] == 3:  # hard thresholding and Wiener, matched on the luminance
        return bm3d.bm3d_rgb(noisy, sigma)
    return bm3d.bm3d(noisy, sigma, stage_arg=bm3d.BM3DStages.ALL_STAGES)


def _ridge(noisy: NDArray, sigma: float) -> NDArray:
    """All that is classic in `fast` and `balanced`: what they reach beyond it is the network's."""
    import torch

    from untaught.classical.denoise.nl_ridge import NonLocalRidge

    y = arrays.tensor(noisy, _channels(noisy), (0.0, 1.0))
    ridge, deviation = NonLocalRidge(), torch.tensor(sigma, dtype=y.dtype)
    x: NDArray = ridge.refine(y, deviation, ridge(y, deviation))[0].movedim(0, -1).numpy()
    return x.reshape(noisy.shape)


CLASSICS = {
    c.name: c
    for c in (
        Classic("tv", "total variation, Chambolle 2004 (scikit-image), weight 0.1 at sigma 25/255", _tv),
        Classic("wavelet", "BayesShrink, Chang, Yu and Vetterli 2000 (scikit-image)", _wavelet),
        Classic("nlm", "non-local means, Buades, Coll and Morel 2005 (scikit-image), h 0.6 sigma", _nlm),
        Classic("ridge", "non-local ridge, Herbreteau and Kervrann 2022, three passes (ours, no network)", _ridge),
        Classic("bm3d", "BM3D, Dabov et al. 2007 (package bm3d)", _bm3d, "bm3d"),
    )
}
