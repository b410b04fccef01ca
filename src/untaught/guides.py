"""Classic estimates that a fed network starts from. They see only what they are given, never y beside it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from untaught.likelihoods import Likelihood


@dataclass(frozen=True)
class NonLocalMeans:
    """scikit-image's fast non-local means (Buades, Coll and Morel 2005), strength h in units of sigma."""

    strength: float = 0.6
    patch: int = 5
    distance: int = 6

    def __call__(self, noisy: Tensor, likelihood: Likelihood) -> Tensor:
        import numpy as np
        import torch
        from skimage.restoration import denoise_nl_means

        sigma = float(np.mean(likelihood.sigma))
        image = noisy[0].movedim(0, -1).cpu().numpy().astype(np.float64)
        if min(image.shape[:-1]) < 3:
            return noisy
        done = denoise_nl_means(
            image, self.patch, self.distance, self.strength * sigma, sigma=sigma, fast_mode=True, channel_axis=-1
        )
        return torch.from_numpy(np.ascontiguousarray(np.moveaxis(done, -1, 0))).to(noisy)[None]
