"""Operators as people have them: matrices, SciPy, PyLops, deepinv, ODL, SigPy, ASTRA, or a function and its adjoint.

Other packages are known by the names of their methods, and never imported. A and its adjoint are asked for numbers alone: what the
gradient of A x is follows from their being linear, and adjoint to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from untaught.core.errors import BadInput, short_of_memory, why
from untaught.problem.operators import FromLinear, Operator, Shape, as_operator

PAIRS = (
    ("matvec", "rmatvec", "vector"),  # SciPy's LinearOperator, PyLops, ASTRA's OpTomo
    ("A", "A_adjoint", "tensor"),  # deepinv
    ("forward", "adjoint", "array"),
    ("__call__", "adjoint", "array"),  # ODL
    ("__call__", "H", "array"),  # SigPy
    ("__call__", "adj", "array"),  # SCICO
)
"""The names of A and its adjoint, and what these take."""
PICTURES = ("dims", "vshape", "ishape", "input_shape", "img_size")
DATA = ("dimsd", "sshape")
"""Where an operator may say the shapes of pictures and of data; vectors have none of their own."""


@dataclass(frozen=True)
class Times:
    """v -> M v, of one vector or of several columns."""

    matrix: Any

    def __call__(self, v: Any) -> Any:
        return self.matrix @ v


class External(Operator):
    """y = A x by somebody else's A and its adjoint A*; the data are (b, *data_shape).

    image_shape: of the pictures as A takes them: *space, or with `channels` (c, *space).
    kind: what A and A* take: "vector" (NumPy, flat), "columns" (several of these, as a matrix does), "array" (NumPy, of its
    shape), or "tensor" (b, c, *space; image_shape is then (c, *space)).
    data_shape: of the data, where A gives vectors. dtype: in which A computes; None for that of the picture.
    complex_image: the pictures are complex; here their real and their imaginary parts are channels.
    tolerance: when it is made, <A x, y> and <x, A* y> of a random x and y may differ by this fraction.

    Raises `BadInput` for shapes that do not fit, and for an adjoint that is none. What A holds is not copied, and is in no
    checkpoint.
    """

    def __init__(
        self,
        forward: Callable[[Any], Any],
        adjoint: Callable[[Any], Any],
        image_shape: Sequence[int],
        *,
        kind: str = "array",
        channels: bool = False,
        data_shape: Sequence[int] | None = None,
        dtype: Any = None,
        complex_image: bool = False,
        tolerance: float = 1e-3,
    ) -> None:
        super().__init__()
        self.held = (forward, adjoint)  # in a tuple, so that a module is no part of this one
        self.kind, self.complex_image = kind, complex_image
        self.dtype = None if dtype is None else np.result_type(dtype, np.float32)
        self.own = tuple(map(int, image_shape))
        split = channels or kind == "tensor"
        self.inner = self.own if split else (1, *self.own)
        self.shape = (self.inner[0] * (2 if complex_image else 1), *self.inner[1:])
        self.data_shape = None if data_shape is None else tuple(map(int, data_shape))
        _dot_test(self, tolerance)

    def forward(self, x: Tensor) -> Tensor:
        if self.complex_image:
            x = torch.complex(*x.unflatten(1, (-1, 2)).unbind(2))
        return _Linear.apply(x, self.there, self.back)

    def adjoint(self, data: Tensor, at: Tensor | None = None) -> Tensor:
        self.image_shape(tuple(data.shape))
        x = _Linear.apply(data, self.back, self.there)
        if self.complex_image:
            return torch.stack((x.real, x.imag if x.is_complex() else torch.zeros_like(x)), 2).flatten(1, 2)
        return x.real if x.is_complex() else x

    def image_shape(self, data_shape: Shape) -> Shape:
        if tuple(data_shape[1:]) != self.data_shape:
            raise BadInput(
                f"The data are {tuple(data_shape[1:])}, but the operator measures {self.data_shape}: "
                "reshape the data, or give another operator."
            )
        return (data_shape[0], *self.shape)

    def there(self, x: Tensor) -> Tensor:
        """A x, of a picture that is complex where A takes complex ones."""
        y = self._ask(self.held[0], x, self.own)
        return y if self.data_shape is None else y.reshape(len(x), *self.data_shape)

    def back(self, data: Tensor) -> Tensor:
        """A* data."""
        return self._ask(self.held[1], data, tuple(data.shape[1:])).reshape(len(data), *self.inner)

    def _ask(self, function: Callable[[Any], Any], x: Tensor, shape: Shape) -> Tensor:
        if self.kind == "tensor":
            return function(x)
        if x.is_complex() and self.dtype is not None and self.dtype.kind != "c":
            return torch.complex(self._ask(function, x.real, shape), self._ask(function, x.imag, shape))
        rows = x.detach().cpu().flatten(1).numpy()
        rows = rows if self.dtype is None else rows.astype(self.dtype, copy=False)
        if self.kind == "columns":
            found = np.asarray(function(rows.T if len(rows) > 1 else rows[0])).T.reshape(len(rows), -1)
        else:
            one = (-1,) if self.kind == "vector" else shape
            found = np.stack([np.asarray(function(row.reshape(one))) for row in rows])
        y = torch.from_numpy(np.ascontiguousarray(found)).to(x.device)
        return y.to(x.dtype.to_complex() if y.is_complex() else x.real.dtype)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> External:
        super()._apply(fn, recurse)
        for one in self.held:
            module = getattr(one, "__self__", one)
            if isinstance(module, nn.Module):
                module._apply(fn, recurse)
        return self

    def __deepcopy__(self, memo: Any) -> External:
        return self  # it never changes

    def extra_repr(self) -> str:
        return f"{self.own} -> {self.data_shape}"

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        from scipy.sparse import csr_array
        from scipy.sparse.linalg import aslinearoperator

        draw = np.random.default_rng(0)
        real, twisted = draw.normal(size=(7, 12)), draw.normal(size=(5, 6)) + 1j * draw.normal(size=(5, 6))
        return (
            (as_operator(csr_array(real * (real > 0)), (3, 4)), (1, 1, 3, 4)),
            (as_operator(real, (3, 2, 2), channels=True), (1, 3, 2, 2)),
            (as_operator(aslinearoperator(twisted), (6,)), (1, 1, 6)),
            (as_operator(twisted[:, :4], (2, 2), complex_image=True), (1, 2, 2, 2)),
            (as_operator((np.cumsum, lambda y: np.cumsum(y[::-1])[::-1]), (5,)), (1, 1, 5)),
        )


class _Linear(torch.autograd.Function):
    """there(x); its gradient is back(...), and that one's is there(...) again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, there: Callable[[Tensor], Tensor], back: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.ways, ctx.real = (there, back), not x.is_complex()
        return there(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        there, back = ctx.ways
        x = _Linear.apply(grads[0], back, there)
        return x.real if ctx.real and x.is_complex() else x, None, None


def _dot_test(a: External, tolerance: float) -> None:
    """Learns the shape of the data; `BadInput` where the two are no pair."""
    draw = torch.Generator().manual_seed(0)
    kind = torch.float32 if a.kind == "tensor" else torch.float64

    def random(shape: Shape, complex_: bool) -> Tensor:
        return torch.randn(shape, generator=draw, dtype=kind.to_complex() if complex_ else kind)

    x = random((1, *a.inner), a.complex_image)
    y = _tried(a.there, x, f"The operator does not take pictures of shape {a.own}", "give another image_shape")
    a.data_shape = tuple(y.shape[1:])
    # Near to A x, or both products were small differences; but not only in the range of A.
    r = y / y.abs().max().clamp_min(1e-30) + random(tuple(y.shape), y.is_complex())
    b = _tried(
        a.back, r, f"The adjoint does not take data of shape {a.data_shape}, which the operator gives", "give another"
    )
    left, right = (complex((u.conj() * v).sum()) for u, v in ((r, y), (b, x)))
    if not a.complex_image:
        left, right = left.real, right.real
    if not abs(left - right) <= tolerance * max(abs(left), abs(right)):
        raise BadInput(
            f"The adjoint is not that of the operator: <A x, y> is {left:.6g}, but <x, A* y> is {right:.6g}. "
            "Give the right adjoint, or a tolerance that lets a rough one pass."
        )


def _tried(function: Callable[[Tensor], Tensor], x: Tensor, fact: str, remedy: str) -> Tensor:
    try:
        return function(x)
    except Exception as error:  # somebody else's code
        if short_of_memory(error):
            raise
        raise BadInput(f"{fact} ({why(error)}): {remedy}.") from error


class _Wrapped(Operator):
    """Any differentiable function; its adjoint is found by automatic differentiation."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function
        self.linear = bool(getattr(function, "linear", False))

    def forward(self, x: Tensor) -> Tensor:
        found = self.function(x)
        if not isinstance(found, Tensor):
            raise BadInput(
                f"The operator makes {type(found).__name__} of a tensor, and has to make a tensor of it: write it with torch, or "
                "give (forward, adjoint) of arrays."
            )
        return found

    def image_shape(self, data_shape: Shape) -> Shape:
        known = getattr(self.function, "image_shape", None)
        return tuple(known(data_shape)) if known else data_shape


def wrapped(
    operator: Any,
    image_shape: Sequence[int] | None,
    data_shape: Sequence[int] | None,
    *,
    channels: bool,
    **more: Any,
) -> Operator:
    """What `as_operator` makes of anything that is no `Operator` yet; more: for `External`."""
    more["channels"] = channels
    if isinstance(operator, (np.ndarray, Tensor)) or hasattr(operator, "tocsr"):
        shape = _flat(operator, image_shape)
        if isinstance(operator, Tensor):
            return FromLinear(operator, shape if channels else (1, *shape))
        matrix = operator.tocsr() if hasattr(operator, "tocsr") else np.asarray(operator)
        turned = matrix.conj().T if matrix.dtype.kind == "c" else matrix.T
        return External(
            Times(matrix), Times(turned), shape, kind="columns", dtype=matrix.dtype, data_shape=data_shape, **more
        )
    if isinstance(operator, tuple) and len(operator) == 2 and all(map(callable, operator)):
        return External(*operator, _found(operator[1], image_shape, data_shape), **more)
    trained = isinstance(operator, nn.Module) and any(p.requires_grad for p in operator.parameters())
    for there, back, kind in PAIRS if not trained else ():
        if not callable(getattr(operator, there, None)) or not callable(getattr(operator, back, None)):
            continue
        pair = getattr(operator, there), getattr(operator, back)
        known = _known(operator, PICTURES)
        if kind == "vector":
            data_shape = _known(operator, DATA) if data_shape is None else data_shape
            shape = _flat(operator, known if image_shape is None else image_shape)
            dtype = getattr(operator, "dtype", None)
            return External(*pair, shape, kind=kind, dtype=dtype, data_shape=data_shape, **more)
        kind = "tensor" if isinstance(operator, nn.Module) else kind
        shape = _found(pair[1], image_shape or known, data_shape, tensor=kind == "tensor")
        return External(*pair, shape, kind=kind, **more)
    if not callable(operator):
        raise BadInput(
            f"An operator is a function of a tensor, a matrix, or has A and its adjoint; {type(operator).__name__} is none: "
            "give (forward, adjoint)."
        )
    return _Wrapped(operator)


def _known(operator: Any, names: Sequence[str]) -> Shape | None:
    """A shape that the operator tells; ODL has it in its domain."""
    found = next((v for name in names if (v := getattr(operator, name, None)) is not None), None)
    found = getattr(getattr(operator, "domain", None), "shape", None) if found is None and names is PICTURES else found
    return tuple(map(int, found)) if isinstance(found, (tuple, list)) else None


def _flat(operator: Any, image_shape: Sequence[int] | None) -> Shape:
    """The shape of pictures whose elements are the columns; `BadInput` where it is not known, or does not fit."""
    shape = tuple(operator.shape)
    if len(shape) != 2:
        raise BadInput(
            f"A matrix has two axes, and this array is {shape}: give (measurements, elements of the picture)."
        )
    if image_shape is None:
        side = round(shape[1] ** 0.5)
        guess = (side, side) if side * side == shape[1] else (shape[1],)
        raise BadInput(
            f"The operator is {shape}, and nothing says how its pictures lie: give image_shape (--shape), such as {guess}."
        )
    if prod(image_shape) != shape[1]:
        raise BadInput(
            f"The operator is {shape}, but pictures of shape {tuple(image_shape)} have {prod(image_shape)} elements: "
            "give one column to each."
        )
    return tuple(image_shape)


def _found(
    adjoint: Callable[[Any], Any], shape: Sequence[int] | None, data_shape: Sequence[int] | None, tensor: bool = False
) -> Shape:
    """The shape given, or that of what the adjoint makes of such data."""
    if shape is not None:
        return tuple(shape)
    if data_shape is None:
        raise BadInput("Nothing says of what shape the operator's pictures are: give image_shape (--shape).")
    zeros = torch.zeros(1, *data_shape) if tensor else np.zeros(tuple(data_shape))
    try:
        found = tuple(np.shape(adjoint(zeros)))
    except Exception as error:
        raise BadInput(
            f"The adjoint does not take data of shape {tuple(data_shape)} ({why(error)}): give image_shape (--shape)."
        ) from error
    return found[1:] if tensor else found
