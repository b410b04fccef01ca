"""Pictures without a network, which is what "no prior" and "TV" mean in the tables: every pixel sought on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from untaught.problem.operators import Operator


def tensor(picture: NDArray) -> Tensor:
    """(h, w) or (h, w, c) in [0, 1] as (1, c, h, w)."""
    import torch

    planes = np.moveaxis(np.atleast_3d(picture), -1, 0)
    return torch.from_numpy(np.ascontiguousarray(planes, np.float32))[None]


def array(x: Tensor, like: NDArray) -> NDArray:
    """The inverse of `tensor`, with the axes of `like`."""
    planes = x[0].cpu().double().numpy()
    return planes[0] if like.ndim == 2 else np.moveaxis(planes, 0, -1)


def least(y: Tensor, operator: Operator, start: Tensor, weight: float, rounds: int = 4) -> Tensor:
    """argmin |A x - y|^2 + weight TV(x) (means over the elements) by L-BFGS, `rounds` of 20 steps."""
    from untaught.prior import Pixels
    from untaught.problem import Problem
    from untaught.problem.likelihoods import Gaussian
    from untaught.problem.regularisers import TV, Sum
    from untaught.solver.averaging import Last
    from untaught.solver.optimisers import LBFGS
    from untaught.solver.run import solve
    from untaught.solver.stage import Method
    from untaught.solver.stopping import After

    # In units of 1/30 of full scale, single precision knows the energy well enough to end the search late.
    problem = Problem(y, operator, Gaussian(1 / 30), 450 * weight * TV() if weight else Sum(), start=start)
    return solve(problem, Method(Pixels(), optimiser=LBFGS(history=10), average=Last(), stop=After(rounds))).x
