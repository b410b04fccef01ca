"""Pictures as the engine has them, and the plainest run of it: one network, fitted by mean squares for so many steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from untaught.prior import Architecture
    from untaught.solver.stage import Job


def tensor(picture: NDArray) -> Tensor:
    """(h, w) or (h, w, c) as (1, c, h, w)."""
    import torch

    planes = np.moveaxis(np.atleast_3d(picture), -1, 0)
    return torch.from_numpy(np.ascontiguousarray(planes, np.float32))[None]


def array(x: Tensor, like: NDArray) -> NDArray:
    """The inverse of `tensor`, with the axes of `like`."""
    planes: NDArray = x[0].cpu().numpy()
    return planes[0] if like.ndim == 2 else np.moveaxis(planes, 0, -1)


def fit(data: Tensor, net: Architecture, *, lr: float, steps: int, seed: int, device: str, jitter: float = 0.0) -> Job:
    """The paper's run on a picture in [0, 1], (1, c, h, w): noise of 32 channels goes in, and nothing stops Adam early."""
    from untaught.prior import Network
    from untaught.prior.codes import Noise
    from untaught.problem import Problem
    from untaught.solver.optimisers import Adam
    from untaught.solver.stage import Job, Method, Solve
    from untaught.solver.stopping import After

    prior = Network(net, Noise(32), jitter=jitter)
    method = Method(prior, optimiser=Adam(lr), stop=After(steps), seed=seed, device=device)
    return Job((Solve(method),), Problem(data))
