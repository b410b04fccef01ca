"""Blur by a point spread function that is known, or that is sought together with the picture.

The data show only what the kernel saw whole ("valid"): the picture sought is larger than they are by the kernel's size less
one, and nothing has to be assumed about what lies beyond the border.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.problem.operators import Operator, Shape
from untaught.problem.operators import kernels as known


def blurred(x: Tensor, kernel: Tensor) -> Tensor:
    """The valid convolution of every channel of "b c *space" with one kernel (*sides)."""
    sides, space = tuple(kernel.shape), tuple(x.shape[2:])
    if len(sides) != len(space) or any(k > n for k, n in zip(sides, space, strict=True)):
        raise BadInput(f"A kernel of {_size(sides)} does not fit into a picture of {_size(space)}.")
    size, axes = [smooth_size(n) for n in space], tuple(range(-len(space), 0))
    spectrum = torch.fft.rfftn(x.contiguous(), size, axes) * torch.fft.rfftn(kernel, size)
    y = torch.fft.irfftn(spectrum, size, axes)
    # What wraps around lands on the first k - 1 pixels, which are not valid anyway.
    for axis, (k, n) in enumerate(zip(sides, space, strict=True), start=2):
        y = y.narrow(axis, k - 1, n - k + 1)
    return y


class _Valid(Operator):
    """y = k * x, valid, with a kernel of `sides` that is known, sought, or made by a network."""

    local = True
    sides: tuple[int, ...]

    if TYPE_CHECKING:  # a buffer here, a property there

        @property
        def kernel(self) -> Tensor: ...

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, *space) -> (b, c, *[n - k + 1])."""
        return blurred(x, self.kernel.to(x.dtype))

    def image_shape(self, data_shape: Shape) -> Shape:
        return seen_whole(data_shape, self.sides)


class Blur(_Valid):
    """y = k * x, a convolution (the kernel is the picture of a point), valid.

    kernel: one weight a pixel for each axis of space, not negative, with the sum 1. Pixel i of the data lies over pixel
    i + (k - 1) // 2 of the picture.
    """

    kernel: Tensor

    def __init__(self, kernel: Tensor) -> None:
        super().__init__()
        self.register_buffer("kernel", known.check(torch.as_tensor(kernel).double()).float(), persistent=False)
        self.sides = tuple(self.kernel.shape)

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        draw = torch.Generator().manual_seed(0)
        cases = [((3,), (7,)), ((2, 3), (4, 6)), ((7, 6), (9, 8)), ((1, 2, 2), (2, 3, 3))]
        return tuple(
            (cls(torch.rand(sides, generator=draw).flatten().softmax(0).view(sides)), (1, 2, *space))
            for sides, space in cases
        )


class VaryingBlur(Operator):
    """y = sum_i k_i * (w_i x), valid: a blur that changes over the picture, between some kernels (Nagy and O'Leary 1998).

    kernels: (n, *sides), as of `Blur`. weights: (n, *space of the picture), which sum to 1 in every pixel: where each one holds.
    """

    kernels: Tensor
    weights: Tensor

    def __init__(self, kernels: Tensor, weights: Tensor) -> None:
        super().__init__()
        kernels, weights = torch.as_tensor(kernels), torch.as_tensor(weights).double()
        if len(kernels) != len(weights) or kernels.ndim != weights.ndim:
            raise BadInput(
                f"The kernels are {tuple(kernels.shape)}, their weights {tuple(weights.shape)}: give one weight to each kernel "
                "in every pixel of the picture."
            )
        if not torch.allclose(weights.sum(0), torch.ones((), dtype=torch.float64), atol=1e-4):
            raise BadInput("The kernels' weights do not sum to 1 in every pixel: divide them by their sum.")
        checked = torch.stack([known.check(one.double()) for one in kernels])
        self.register_buffer("kernels", checked.float(), persistent=False)
        self.register_buffer("weights", weights.float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        parts = zip(self.kernels.to(x.dtype), self.weights.to(x.dtype), strict=True)
        return torch.stack([blurred(weight * x, kernel) for kernel, weight in parts]).sum(0)

    def image_shape(self, data_shape: Shape) -> Shape:
        shape = seen_whole(data_shape, tuple(self.kernels.shape[1:]))
        if shape[2:] != tuple(self.weights.shape[1:]):
            raise BadInput(
                f"Such data are of a picture of {_size(shape[2:])}, but the weights are of {_size(self.weights.shape[1:])}."
            )
        return shape

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        draw = torch.Generator().manual_seed(0)
        kernels = torch.rand(2, 2, 3, generator=draw).flatten(1).softmax(1).view(2, 2, 3)
        weights = torch.rand(2, 4, 5, generator=draw).softmax(0)
        return ((cls(kernels, weights), (1, 2, 4, 5)),)


class BlindBlur(_Valid):
    """A blur that owns its kernel: the softmax of a small fully connected network of fixed noise (SelfDeblur, Ren et al.,
    CVPR 2020). Its weights are sought together with the picture's, at `rate` times the picture's learning rate.
    """

    code: Tensor
    rate = 0.01

    def __init__(self, sides: Sequence[int], seed: int = 0, *, hidden: int = 1000, noise: int = 200) -> None:
        super().__init__()
        self.sides, rng = tuple(sides), Rng(seed)
        self.register_buffer("code", 0.1 * torch.rand(1, noise, generator=rng.fork("kernel code")), persistent=False)
        with rng.initialise("kernel"):
            self.net = nn.Sequential(nn.Linear(noise, hidden), nn.ReLU(), nn.Linear(hidden, prod(self.sides)))

    @property
    def kernel(self) -> Tensor:
        return self.net(self.code).softmax(1).view(self.sides)

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        return ((cls((3, 2), hidden=5, noise=4), (1, 2, 5, 4)),)


class SoughtBlur(_Valid):
    """A blur whose kernel is found by an estimator of its own, `SeekKernel`: a point until then.

    evidence: that of the kernel, less is better. error: the deviation that a picture of full contrast gets from what is wrong
    with the kernel, a guess.
    """

    evidence: Tensor
    error: Tensor
    kernelled = True

    def __init__(self, sides: Sequence[int]) -> None:
        super().__init__()
        self.sides = tuple(sides)
        point = torch.zeros(self.sides)
        point[tuple((n - 1) // 2 for n in self.sides)] = 1
        # A parameter, though no gradient reaches it: a run seeks it on a copy of its own, and a checkpoint holds it.
        self.weights = nn.Parameter(point)
        self.register_buffer("evidence", torch.tensor(float("inf")))
        self.register_buffer("error", torch.tensor(0.0))

    @property
    def kernel(self) -> Tensor:
        return self.weights.detach()

    @property
    def off(self) -> float:
        return float(self.error)

    def take(self, kernel: Tensor, evidence: float, error: float = 0.0) -> None:
        with torch.no_grad():
            self.weights.copy_(kernel)
            self.evidence.fill_(evidence)
            self.error.fill_(error)

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        return ((cls((3, 2)), (1, 2, 5, 4)),)


def seen_whole(data_shape: Shape, sides: Shape) -> Shape:
    """The shape of the picture that the kernel saw."""
    if len(data_shape) - 2 != len(sides):
        raise BadInput(f"The kernel has {len(sides)} axes, the picture {len(data_shape) - 2}: give one side for each.")
    return (*data_shape[:2], *(n + k - 1 for n, k in zip(data_shape[2:], sides, strict=True)))


def smooth_size(n: int) -> int:
    """The next size without prime factors above 5: there Fourier transforms are quick."""
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1


def _size(space: Sequence[int]) -> str:
    return " x ".join(map(str, space))
