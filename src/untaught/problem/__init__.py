"""What is asked: y, weights, A, E and R."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from untaught.core.callers import own_settings
from untaught.core.errors import BadInput, short_of_memory
from untaught.core.geometry import crop_to
from untaught.problem.likelihoods import Gaussian, Likelihood
from untaught.problem.operators import Identity, Operator, Shape, as_operator
from untaught.problem.regularisers import Regulariser, Sum


@dataclass(frozen=True, eq=False)
class Problem:
    """argmin_x E(A x, y) + R(x).

    data: the measurements, a tensor (b, c, *space) or whatever the operator gives; real or complex.
    operator: any differentiable module or function, or what `as_operator` makes one of. likelihood, regulariser: see their modules.
    weight: one number a measurement, broadcast over `data`; 0 = unknown (a hole, a dead pixel, held out).
    start: a first guess of the picture, if there is one; later stages of a job find the earlier stage's picture here.

    Raises `BadInput` for empty data, for values that are not finite where the weight is not 0, and for complex ones that are the
    picture itself.
    """

    data: Tensor
    operator: Operator = field(default_factory=Identity)
    likelihood: Likelihood = Gaussian()
    regulariser: Regulariser = Sum()
    weight: Tensor | None = None
    start: Tensor | None = None

    @own_settings()
    def __post_init__(self) -> None:
        data = torch.as_tensor(self.data)
        data = data.clone() if data.is_inference() else data  # a caller's inference mode would refuse its gradient
        if data.numel() == 0:
            raise BadInput(f"The data are empty: their shape is {tuple(data.shape)}.")
        if not (data.is_floating_point() or data.is_complex()):
            data = data.to(torch.float32)
        weight = self.weight
        if weight is not None:
            try:
                weight = torch.as_tensor(weight, dtype=torch.float32, device=data.device).expand(data.shape)
            except RuntimeError as error:
                if short_of_memory(error):
                    raise
                raise BadInput(
                    f"The weights are {tuple(weight.shape)}, the data {tuple(data.shape)}: "
                    "give one weight for each measurement."
                ) from None
            if not bool(weight.any()):
                raise BadInput("Every measurement has the weight 0: there is nothing to restore the picture from.")
            data = torch.where(weight > 0, data, torch.zeros((), dtype=data.dtype, device=data.device))
        # The sum is no number where one value is none, and takes no memory of its own.
        if not bool(torch.isfinite(data.sum())) and (bad := int((~torch.isfinite(data)).sum())):
            raise BadInput(f"{bad} of {data.numel()} measurements are NaN or infinite: give them the weight 0.")
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "operator", as_operator(self.operator, data_shape=tuple(data.shape[1:])))
        if data.is_complex() and self.operator.direct:
            raise BadInput(
                "The data are complex, and a picture is real: give the real part, or the magnitude, or real and imaginary part as "
                "two channels."
            )

    @property
    def image_shape(self) -> Shape:
        """(b, c, *space) of the picture sought."""
        return self.operator.image_shape(tuple(self.data.shape))

    @property
    def real(self) -> torch.dtype:
        """The dtype of the picture: that of the data, or of their real part."""
        return self.data.real.dtype if self.data.is_complex() else self.data.dtype

    @property
    def known(self) -> Tensor:
        """1 where a measurement is known, 0 where its weight is 0; of the shape and type of the real data."""
        if self.weight is None:
            return torch.ones_like(self.data, dtype=self.real)
        return (self.weight > 0).to(self.real)

    def middle(self, space: Sequence[int]) -> Problem:
        """The middle of the data, at most so large, as a problem of its own; all its measurements count."""
        return replace(self, data=crop_to(self.data, space), weight=None, start=None)

    def energy(self, x: Tensor) -> Tensor:
        """E(A x, y)."""
        return self.likelihood.energy(self.operator(x), self.data, self.weight)

    def to(self, device: torch.device | str) -> Problem:
        """The same there. What was checked when it was made is not checked again."""
        moved = copy.copy(self)
        for name in ("data", "weight", "start", "operator"):
            if (part := getattr(self, name)) is not None:
                object.__setattr__(moved, name, part.to(device))
        return moved
