"""A: how the picture becomes the measurements, y ~ A x.

Any differentiable `torch.nn.Module` will do as an operator, and so will what other packages have for one: `as_operator`.
Tensors are "b c *space"; x is real, data may be complex.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from untaught.core.errors import BadInput

Shape = tuple[int, ...]


class Operator(nn.Module):
    """The base: `forward`, the shape of the picture behind given data, and the adjoint."""

    linear = True
    rate = 1.0
    """The learning rate of the operator's own parameters, as a multiple of the picture's."""
    local = False
    """Whether a part of the picture gives a part of the data, as if there were no more of it."""
    direct = False
    """Whether the data are the picture itself."""
    quantised = False
    """Whether measurements are kept as whole counts of a step (`rounded`)."""
    kernelled = False
    """Whether its kernel is put in from outside, by an estimator that seeks it."""
    scales = False
    """Whether it makes pictures smaller, or could (`between`)."""

    @property
    def off(self) -> float:
        """The deviation that a picture of full contrast gets from what is wrong with the operator itself, where it was sought."""
        return 0.0

    @property
    def sought(self) -> bool:
        """Whether it has parameters that are sought together with the picture."""
        return any(p.requires_grad for p in self.parameters())

    @property
    def found(self) -> dict[str, Tensor]:
        """Its state, where some of it is sought; nothing, where all is constant: a run keeps no copy of that."""
        return self.state_dict() if self.sought else {}

    def between(self, small: Sequence[int], large: Sequence[int]) -> Operator:
        """One of the same kind from pictures of `large` pixels along each axis to `small`; for operators that `scales`."""
        raise TypeError(f"{type(self).__name__} makes nothing smaller")

    def tile(self, space: Sequence[int]) -> Operator | None:
        """The operator of a part of the data, of that size, as if there were no more of them; None where there is no such."""
        return self if self.local else None

    def rounded(self, y: Tensor) -> Tensor:
        """Measurements as they are kept, for operators that are `quantised`."""
        return y

    def even(self, x: Tensor) -> Tensor:
        """A picture as channels whose errors have one size."""
        return x

    def uneven(self, channels: Tensor) -> Tensor:
        """The inverse."""
        return channels

    def window(self, x: Tensor, side: int, draw: torch.Generator) -> tuple[Operator, Tensor]:
        """A part of x, drawn at random, of about `side` pixels along each axis where it can be measured alone, and its operator."""
        if not self.local:
            return self, x
        shape = self.image_shape(tuple(x.shape))
        for axis, n in enumerate(x.shape[2:], start=2):
            least = 2 * (shape[axis] - n)  # a kernel takes half of that: the window must hold more
            length = min(n, max(side, least))
            x = x.narrow(axis, int(torch.randint(n - length + 1, (1,), generator=draw, device=draw.device)), length)
        return self, x

    def image_shape(self, data_shape: Shape) -> Shape:
        """The shape (b, c, *space) of the picture that such data are measured from."""
        return data_shape

    def adjoint(self, data: Tensor, at: Tensor | None = None) -> Tensor:
        """The adjoint A^T data, by automatic differentiation; of the Jacobian at `at` (default 0) where A is not linear."""
        shape = self.image_shape(tuple(data.shape))
        real = data.real.dtype if data.is_complex() else data.dtype
        with torch.enable_grad():
            x = torch.zeros(shape, dtype=real, device=data.device) if at is None else at.detach().clone()
            x.requires_grad_(True)
            return torch.autograd.grad(self(x), x, grad_outputs=data)[0]

    def held_out(self, shape: Shape, fraction: float, draw: torch.Generator) -> Tensor:
        """Measurements to be foretold from the others, drawn at random: True in an array of the data's shape."""
        return torch.rand(shape, generator=draw, device=draw.device) < fraction

    def __matmul__(self, inner: nn.Module) -> Operator:
        """Composition, right to left as in mathematics: (A @ B)(x) = A(B(x))."""
        return Compose(self, as_operator(inner))

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        """(operator, picture shape) pairs that the law tests sweep."""
        return ()


class Identity(Operator):
    """y = x: denoising, inpainting (with weights), enhancement."""

    local, direct, scales = True, True, True

    def forward(self, x: Tensor) -> Tensor:
        return x

    def between(self, small: Sequence[int], large: Sequence[int]) -> Operator:
        from untaught.problem.operators.resample import Downsample

        return Downsample(small, large)

    def adjoint(self, data: Tensor, at: Tensor | None = None) -> Tensor:
        return data

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        return ((Identity(), (1, 3, 4, 5)), (Identity(), (1, 1, 6)))


class Compose(Operator):
    """A B x."""

    def __init__(self, outer: Operator, inner: Operator) -> None:
        super().__init__()
        self.outer, self.inner = outer, inner
        self.linear = outer.linear and inner.linear

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(self.inner(x))

    def adjoint(self, data: Tensor, at: Tensor | None = None) -> Tensor:
        if not self.linear or data.is_complex():  # between the two the picture may be complex, or real
            return super().adjoint(data, at)
        return self.inner.adjoint(self.outer.adjoint(data))

    def held_out(self, shape: Shape, fraction: float, draw: torch.Generator) -> Tensor:
        return self.outer.held_out(shape, fraction, draw)

    def image_shape(self, data_shape: Shape) -> Shape:
        return self.inner.image_shape(self.outer.image_shape(data_shape))

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        return tuple(
            (FromLinear(torch.full((7, n), 0.5), (2,)) @ op, shape) for op, shape in FromLinear.examples() for n in [2]
        )


class FromLinear(Operator):
    """y = M vec(x): a dense or sparse matrix of (measurements, elements of the picture).

    `shape` is the picture's (c, *space), its product the matrix's columns; data are (b, measurements).
    """

    matrix: Tensor

    def __init__(self, matrix: Tensor, shape: Shape) -> None:
        super().__init__()
        if matrix.ndim != 2 or matrix.shape[1] != prod(shape):
            raise BadInput(
                f"The matrix is {tuple(matrix.shape)}, but a picture of shape {tuple(shape)} has "
                f"{prod(shape)} elements: give one column to each."
            )
        self.register_buffer("matrix", matrix, persistent=False)
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        return (self.matrix @ x.flatten(1).T).T

    def image_shape(self, data_shape: Shape) -> Shape:
        return (data_shape[0], *self.shape)

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        draw = torch.Generator().manual_seed(0)
        real = torch.randn(2, 12, generator=draw)
        return (FromLinear(real, (3, 2, 2)), (1, 3, 2, 2)), (FromLinear(real[:, :5] + 0, (1, 5)), (1, 1, 5))


def as_operator(
    operator: Any,
    image_shape: Sequence[int] | None = None,
    *,
    channels: bool = False,
    complex_image: bool = False,
    data_shape: Sequence[int] | None = None,
    tolerance: float = 1e-3,
) -> Operator:
    """An operator of whatever measures pictures.

    operator: an `Operator`, which stays itself; a differentiable module or function of tensors (b, c, *space); a matrix (NumPy's or
    SciPy's, dense or sparse); whatever has A and its adjoint as methods: `matvec` and `rmatvec`, `A` and `A_adjoint`, `forward` and
    `adjoint`, or is called and has `adjoint`, `H` or `adj`; or a tuple of the two functions, of NumPy arrays.
    image_shape, channels, complex_image, tolerance: see `External`. The shape may be left out where the operator knows it.
    data_shape: of the data, without the batch: needed where the picture's shape is to be found from it.

    A differentiable function without `image_shape` is taken to measure pictures of the data's own shape.
    """
    if isinstance(operator, Operator):
        return operator
    from untaught.problem.operators import external

    return external.wrapped(
        operator, image_shape, data_shape, channels=channels, complex_image=complex_image, tolerance=tolerance
    )
