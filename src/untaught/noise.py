"""What the noise of a picture is, estimated from the picture alone."""

from __future__ import annotations

from torch import Tensor

from untaught.likelihoods import Gaussian, Likelihood


def likelihood(data: Tensor, sigma: float | None, notes: list[str], *, unit: float) -> Likelihood:
    if sigma is None:
        sigma = float((data.diff(dim=-1).abs().median() / 0.6745 / 2**0.5).clamp_min(1e-4))
        notes.append(f"sigma was estimated as {sigma * unit:.4f} of full scale")
    return Gaussian(sigma)
