"""A photo as a blur leaves it, and the part of it that its data show."""

from __future__ import annotations

import numpy as np
import torch

from untaught.problem.operators import kernels
from untaught.problem.operators.blur import Blur


def blurred(photo, word="gauss:1.2", sigma=2 / 255):
    """The valid part, uint8, with noise."""
    x = torch.from_numpy(photo / 255.0).permute(2, 0, 1)[None]
    y = Blur(kernels.named(word))(x)[0].permute(1, 2, 0).numpy()
    noise = np.random.default_rng(0).normal(0, sigma, y.shape)
    return np.rint(255 * np.clip(y + noise, 0, 1)).astype(np.uint8)


def under(photo, data):
    """The part of the photo that lies under the valid data."""
    top, left = ((a - b) // 2 for a, b in zip(photo.shape[:2], data.shape[:2], strict=True))
    return photo[top : top + data.shape[0], left : left + data.shape[1]]
