"""Richardson 1972, Lucy 1974: (blurred picture, kernel) -> picture, or every iterate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

MOST = 100  # iterates; the best is taken by the truth, a favour that we do not have


def default(y: NDArray, kernel: NDArray) -> NDArray:
    from skimage.restoration import richardson_lucy

    planes = np.moveaxis(np.atleast_3d(y), -1, 0)
    found = np.stack([richardson_lucy(p, kernel) for p in planes], -1)
    return found[..., 0] if y.ndim == 2 else found


def iterates(y: NDArray, kernel: NDArray) -> Iterator[NDArray]:
    """As scikit-image's function does it, up to `MOST` of them."""
    from scipy.signal import convolve

    x, turned = np.full(y.shape, 0.5), np.flip(kernel)
    for _ in range(MOST):
        for c in np.ndindex(y.shape[2:]):
            at = (..., *c)
            ratio = y[at] / (convolve(x[at], kernel, mode="same") + 1e-12)
            x[at] = x[at] * convolve(ratio, turned, mode="same")
        yield np.clip(x, 0, 1)
