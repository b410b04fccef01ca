"""A: how the picture becomes the measurements, y ~ A x.

Any differentiable `torch.nn.Module` will do as an operator; `as_operator` adds what it lacks.
Tensors are "b c *space"; x is real, data may be complex.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

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

    def between(self, small: Sequence[int], large: Sequence[int]) -> Operator:
        """One of the same kind from pictures of `large` pixels along each axis to `small`; for operators that `scales`."""
        raise TypeError(f"{type(self).__name__} makes nothing smaller")

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

    def backproject(self, data: Tensor, at: Tensor | None = None) -> Tensor:
        """The adjoint A^T data, by automatic differentiation; of the Jacobian at `at` (default 0) where A is not linear."""
        shape = self.image_shape(tuple(data.shape))
        real = data.real.dtype if data.is_complex() else data.dtype
        with torch.enable_grad():
            x = torch.zeros(shape, dtype=real, device=data.device) if at is None else at.detach().clone()
            x.requires_grad_(True)
            return torch.autograd.grad(self(x), x, grad_outputs=data)[0]

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

    def backproject(self, data: Tensor, at: Tensor | None = None) -> Tensor:
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
        self.register_buffer("matrix", matrix)
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


class _Wrapped(Operator):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function
        self.linear = bool(getattr(function, "linear", False))

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)

    def image_shape(self, data_shape: Shape) -> Shape:
        known = getattr(self.function, "image_shape", None)
        return tuple(known(data_shape)) if known else data_shape


def as_operator(operator: nn.Module | Callable[[Tensor], Tensor]) -> Operator:
    """`operator` itself, or a user's module or function with the missing methods added.

    A module without `image_shape` is taken to measure pictures of the data's own shape.
    """
    if isinstance(operator, Operator):
        return operator
    if not callable(operator):
        raise BadInput(f"An operator maps a tensor to a tensor; {type(operator).__name__} cannot be called.")
    return _Wrapped(operator)
