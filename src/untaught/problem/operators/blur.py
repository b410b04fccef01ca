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
