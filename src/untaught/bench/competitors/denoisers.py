"""Classic denoisers: (noisy picture in [0, 1], sigma) -> picture.

Settings are fixed for all pictures; every one is told the same sigma.
"""

from __future__ import annotations

from numpy.typing import NDArray

from untaught.bench.competitors._base import channels
from untaught.io import arrays


def estimate(noisy: NDArray) -> float:
    """scikit-image's estimate of sigma, where nobody told it; never 0, which some cannot divide by."""
    from skimage.restoration import estimate_sigma

    return max(float(estimate_sigma(noisy, average_sigmas=True, channel_axis=channels(noisy))), 1e-4)


def wavelet(noisy: NDArray, sigma: float) -> NDArray:
    from skimage.restoration import denoise_wavelet

    colour = noisy.ndim == 3 and noisy.shape[-1] == 3
    return denoise_wavelet(
        noisy,
        sigma=sigma,
        method="BayesShrink",
        rescale_sigma=True,
        convert2ycbcr=colour,
        channel_axis=channels(noisy),
    )


def nlm(noisy: NDArray, sigma: float) -> NDArray:
    from skimage.restoration import denoise_nl_means

    return denoise_nl_means(
        noisy, patch_size=5, patch_distance=6, h=0.6 * sigma, sigma=sigma, fast_mode=True, channel_axis=channels(noisy)
    )


def bm3d(noisy: NDArray, sigma: float) -> NDArray:
    import bm3d

    if noisy.ndim == 3 and noisy.shape[-1] == 3:  # hard thresholding and Wiener, matched on the luminance
        return bm3d.bm3d_rgb(noisy, sigma)
    return bm3d.bm3d(noisy, sigma, stage_arg=bm3d.BM3DStages.ALL_STAGES)


def ridge(noisy: NDArray, sigma: float) -> NDArray:
    """All that is classic in `fast` and `balanced`: what they reach beyond it is the network's."""
    import torch

    from untaught.classical.denoise.nl_ridge import NonLocalRidge

    y = arrays.tensor(noisy, channels(noisy), (0.0, 1.0))
    ridge, deviation = NonLocalRidge(), torch.tensor(sigma, dtype=y.dtype)
    x: NDArray = ridge.refine(y, deviation, ridge(y, deviation))[0].movedim(0, -1).numpy()
    return x.reshape(noisy.shape)
