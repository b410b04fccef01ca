"""The demonstration: a sample photo that comes with scikit-image, made noisy, and shown before and after."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from untaught.bench.metrics import psnr, ssim

SIGMA = 25 / 255


def sample(seed: int) -> tuple[NDArray, NDArray, float]:
    """(clean, noisy, sigma): a 256x256 part of scikit-image's cat photo, uint8 RGB, with clipped white noise."""
    from skimage import data

    clean = data.chelsea()[20:276, 90:346]
    noise = np.random.default_rng(seed).normal(0, SIGMA, clean.shape)
    noisy = np.clip(clean / 255 + noise, 0, 1)
    return clean, np.rint(255 * noisy).astype(np.uint8), SIGMA


def side_by_side(noisy: NDArray, restored: NDArray, clean: NDArray) -> tuple[str, NDArray]:
    """The figures in a sentence, and noisy | restored | original in one picture, (h, 3 w + 16, 3)."""
    gap = np.full((clean.shape[0], 8, 3), 255, np.uint8)
    text = (
        f"PSNR {psnr(noisy, clean):.2f} dB before, {psnr(restored, clean):.2f} dB after; "
        f"SSIM {ssim(noisy, clean):.3f} before, {ssim(restored, clean):.3f} after."
    )
    return text, np.concatenate([noisy, gap, restored, gap, clean], axis=1)
