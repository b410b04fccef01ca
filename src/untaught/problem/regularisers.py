"""R: what is asked of the picture besides the data. Compose with + and a number: 1e-3 * TV() + 0.01 * Smooth().

Values are means over the elements of x, so that weights carry over sizes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import torch
from torch import Tensor

from untaught.core.errors import BadInput

Spacing: TypeAlias = tuple[float, ...]


class Regulariser(ABC):
    """R(x) -> 0-d tensor. `local` says that a crop is judged as the whole picture is: fed objectives demand it."""

    local: ClassVar[bool] = True

    @abstractmethod
    def __call__(self, x: Tensor) -> Tensor: ...

    def __add__(self, other: Regulariser) -> Sum:
        return Sum((*_terms(self), *_terms(other)))

    def __rmul__(self, weight: float) -> Sum:
        return Sum(tuple((weight * w, r) for w, r in _terms(self)))

    @classmethod
    @abstractmethod
    def examples(cls) -> tuple[Regulariser, ...]: ...


@dataclass(frozen=True)
class Sum(Regulariser):
    """A weighted sum of regularisers; `Sum()` is no regulariser at all."""

    terms: tuple[tuple[float, Regulariser], ...] = ()

    def __call__(self, x: Tensor) -> Tensor:
        return sum((w * r(x) for w, r in self.terms), start=x.new_zeros(()))

    def __bool__(self) -> bool:
        return bool(self.terms)

    @property
    def local(self) -> bool:  # type: ignore[override]
        return all(r.local for _, r in self.terms)

    @classmethod
    def examples(cls) -> tuple[Regulariser, ...]:
        return Sum(), 0.5 * TV() + 2 * Smooth()


def _terms(r: Regulariser) -> tuple[tuple[float, Regulariser], ...]:
    return r.terms if isinstance(r, Sum) else ((1.0, r),)


def differences(x: Tensor, spacing: Spacing = ()) -> list[Tensor]:
    """Forward differences along every spatial axis, 0 at the far border, over how far samples lie apart; each of the shape of x."""
    found = [torch.diff(x, dim=d, append=x.narrow(d, x.shape[d] - 1, 1)) for d in range(2, x.ndim)]
    return [d / s for d, s in zip(found, apart(spacing, len(found)), strict=True)] if spacing else found


def apart(spacing: Spacing, axes: int) -> Spacing:
    """How far samples lie apart along each axis, over the least of them; `BadInput` for another number of axes."""
    if len(spacing) != axes or not all(s > 0 for s in spacing):
        raise BadInput(f"spacing = {spacing} is not of {axes} axes: give a length above 0 for each, such as (3, 1, 1).")
    return tuple(s / min(spacing) for s in spacing)


@dataclass(frozen=True)
class TV(Regulariser):
    """Total variation (Rudin, Osher, Fatemi 1992): mean |grad x|, isotropic or the sum of the axes' parts.

    Smoothed as sqrt(d^2 + eps^2) - eps, so that the gradient is finite on a constant picture. spacing: how far samples lie apart
    along each axis of space, in any unit; the same where it is left out.
    """

    isotropic: bool = True
    eps: float = 1e-3
    spacing: Spacing = ()

    def __call__(self, x: Tensor) -> Tensor:
        squares = [d.square() for d in differences(x, self.spacing)]
        parts = [torch.stack(squares).sum(0)] if self.isotropic else squares
        return torch.stack([((p + self.eps**2).sqrt() - self.eps).mean() for p in parts]).sum()

    @classmethod
    def examples(cls) -> tuple[Regulariser, ...]:
        return TV(), TV(isotropic=False)


@dataclass(frozen=True)
class Smooth(Regulariser):
    """Squared differences of neighbours, sum (x_i - x_{i+1})^2 / n: the paper's example of an explicit prior. spacing:
    as of `TV`."""

    spacing: Spacing = ()

    def __call__(self, x: Tensor) -> Tensor:
        return torch.stack([d.square().mean() for d in differences(x, self.spacing)]).sum()

    @classmethod
    def examples(cls) -> tuple[Regulariser, ...]:
        return (Smooth(),)


@dataclass(frozen=True)
class Norm(Regulariser):
    """mean |x|^p: p = 2 is ridge (Tikhonov), p = 1 wants few elements (its subgradient at 0 is 0)."""

    p: float = 2.0

    def __call__(self, x: Tensor) -> Tensor:
        return x.abs().pow(self.p).mean()

    @classmethod
    def examples(cls) -> tuple[Regulariser, ...]:
        return Norm(), Norm(1.0)
