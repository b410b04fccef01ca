"""How near a result is to a reference. Only benchmarks and tests may call these: no rule and no preset looks at the truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def psnr(result: NDArray, truth: NDArray, *, full_scale: float | None = None) -> float:
    """Peak signal-to-noise ratio in dB over all elements; the result is clipped to [0, full scale] first.

    `full_scale` is 255 or 65535 by the type of `truth`, 1 for floats. Equal pictures give infinity.
    """
    full = full_scale or (np.iinfo(truth.dtype).max if truth.dtype.kind in "ui" else 1.0)
    error = np.clip(result.astype(np.float64) / full, 0, 1) - truth.astype(np.float64) / full
    mean = float(np.mean(error**2))
    return float("inf") if mean == 0 else -10 * float(np.log10(mean))


def ssim(result: NDArray, truth: NDArray, *, full_scale: float | None = None) -> float:
    """Structural similarity (Wang et al. 2004; Gaussian window 1.5), mean over the channels; arrays (h, w) or (h, w, c)."""
    from skimage.metrics import structural_similarity

    full = full_scale or (np.iinfo(truth.dtype).max if truth.dtype.kind in "ui" else 1.0)
    a, b = (np.clip(v.astype(np.float64) / full, 0, 1) for v in (result, truth))
    return float(
        structural_similarity(
            a,
            b,
            data_range=1.0,
            gaussian_weights=True,
            use_sample_covariance=False,
            channel_axis=-1 if truth.ndim == 3 else None,
        )
    )
