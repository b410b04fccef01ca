"""In which units the picture is: found from the data, so that pictures are sought with a contrast of about 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untaught.core.errors import BadInput
from untaught.core.linear_algebra import conjugate_gradients
from untaught.core.randomness import Rng

if TYPE_CHECKING:
    from torch import Tensor

    from untaught.problem.operators import Operator, Shape

ROUNDS = 12
"""Of conjugate gradients, which stop early: a rough picture will do."""
PEDESTAL = 0.25
"""Of the values farthest from 0 the nearest are at least this, where the picture stands on a constant."""


def scaled(
    y: Tensor, a: Operator, weight: Tensor | None, twofold: bool, counts: bool = False
) -> tuple[Tensor, float, float]:
    """(data of (x - offset) / gain, offset, gain), single precision, where a rough picture lies between 0 and 1 for the most part.

    twofold: the picture is complex, and has no offset. counts: light is counted from 0 on, and has none either. An operator that
    is not linear has neither offset nor gain.
    """
    import torch

    single = torch.complex64 if y.is_complex() else torch.float32
    if not a.linear:
        return y.to(single), 0.0, 1.0
    size = float(y.abs().max())
    if not size > 0:
        return y.to(single), 0.0, 1.0
    y = y / size  # whatever the units of the data are
    with torch.no_grad():
        rough = _rough(y.to(single), a, weight)
        if not rough.any() and (y if weight is None else weight * y).any():
            raise BadInput(
                "No picture explains any of the data: the adjoint of the operator makes 0 of them. Give the operator that measured "
                "them."
            )
        if twofold:
            rough = rough.unflatten(1, (-1, 2)).square().sum(2).sqrt() if rough.shape[1] % 2 == 0 else rough
        low, high = (float(v) for v in torch.quantile(_some(rough), torch.tensor([0.005, 0.995])))
        near, far = sorted((abs(low), abs(high)))
        stands = not (twofold or counts) and low * high > 0 and near > PEDESTAL * far
        gain = (high - low if stands else far) or far or 1.0
        low = low if stands else 0.0
        if low:
            y = y - a(torch.full(a.image_shape(tuple(y.shape)), low)).to(y.dtype)
    return (y / gain).to(single), low * size, gain * size


def _rough(y: Tensor, a: Operator, weight: Tensor | None) -> Tensor:
    import torch

    w = torch.ones(()) if weight is None else weight
    b = a.adjoint(w * y)
    return conjugate_gradients(lambda p: a.adjoint(w * a(p)), b, torch.zeros_like(b), ROUNDS)


def _some(x: Tensor) -> Tensor:
    flat = x.flatten()
    return flat[:: max(1, len(flat) // 2**20)]


def root_mean_square(y: Tensor, weight: Tensor) -> float:
    return float((weight * y.abs().square()).sum() / weight.sum().clamp_min(1)) ** 0.5


def measures_complex(a: Operator, data_shape: Shape) -> bool:
    import torch

    with torch.no_grad():
        return a(torch.zeros(a.image_shape(data_shape))).is_complex()


def looks_linear(a: Operator, data_shape: Shape) -> bool:
    """Whether A (2 x - 3 z) is 2 A x - 3 A z of two random pictures."""
    import torch

    draw = Rng(0).fork("linear")
    x, z = (torch.rand(a.image_shape(data_shape), generator=draw) for _ in range(2))
    with torch.no_grad():
        apart = a(2 * x - 3 * z) - (2 * a(x) - 3 * a(z))
        return float(apart.abs().max()) <= 1e-4 * float(a(x).abs().max() + a(z).abs().max())
