"""Several measurements of one picture: shots from several places, bands beside a sharp grey picture."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

from untaught.core.errors import BadInput
from untaught.problem.operators import Operator, Shape, as_operator


class Stack(Operator):
    """(b, c, *space) -> (b, measurements): what each operator measures of the same picture, one after the other, flat.

    operators: of pictures of `shape`, (c, *space), with real data. weights: a factor for each; give 1 / sigma where they are not
    equally noisy. `join` lays data so.
    """

    def __init__(
        self, operators: Sequence[nn.Module], shape: Sequence[int], weights: Sequence[float] | None = None
    ) -> None:
        super().__init__()
        if not operators:
            raise BadInput("A stack of no operators measures nothing: give at least one.")
        self.parts = nn.ModuleList(as_operator(one) for one in operators)
        self.linear = all(one.linear for one in self.operators)
        self.shape = tuple(map(int, shape))
        self.weights = (1.0,) * len(self.parts) if weights is None else tuple(map(float, weights))
        if len(self.weights) != len(self.parts):
            raise BadInput(f"There are {len(self.weights)} weights for {len(self.parts)} operators: give one to each.")
        with torch.no_grad():
            found = [tuple(one(torch.zeros(1, *self.shape)).shape[1:]) for one in self.operators]
        self.data_shapes: tuple[Shape, ...] = tuple(found)
        self.data_shape = (sum(map(prod, found)),)

    @property
    def operators(self) -> list[Operator]:
        return [as_operator(one) for one in self.parts]

    def forward(self, x: Tensor) -> Tensor:
        return self.join([one(x) for one in self.operators])

    def join(self, data: Sequence[Tensor]) -> Tensor:
        """The data of each, (b, *its own), as those of the stack."""
        return torch.cat([w * one.flatten(1) for w, one in zip(self.weights, data, strict=True)], 1)

    def adjoint(self, data: Tensor, at: Tensor | None = None) -> Tensor:
        shape, total = self.image_shape(tuple(data.shape)), None
        pieces = data.split([prod(s) for s in self.data_shapes], 1)
        for one, w, own, piece in zip(self.operators, self.weights, self.data_shapes, pieces, strict=True):
            back = one.adjoint(w * piece.reshape(len(data), *own), at)
            total = back if total is None else total + back
        assert total is not None
        return total.view(shape)

    def image_shape(self, data_shape: Shape) -> Shape:
        if tuple(data_shape[1:]) != self.data_shape:
            raise BadInput(
                f"The data are {tuple(data_shape[1:])}, but the stack measures {self.data_shape}: use `join`."
            )
        return (data_shape[0], *self.shape)

    @classmethod
    def pansharpen(cls, bands: int, space: Sequence[int], factor: int, grey: Sequence[float] | None = None) -> Stack:
        """Bands of a picture (bands, *space) on a grid that is `factor` times coarser, and their weighted sum on the fine one."""
        from untaught.problem.operators.resample import Downsample

        share = torch.tensor([1 / bands] * bands if grey is None else list(grey)).view(1, bands, *[1] * len(space))
        fine = as_operator(_Sum(share))
        return cls([Downsample([n // factor for n in space], tuple(space)), fine], (bands, *space))

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        from untaught.problem.operators.blur import Blur

        blur = Blur(torch.full((2, 2), 0.25))
        return (
            (cls([blur, as_operator(torch.ones(3, 20), (4, 5))], (1, 4, 5), (1.0, 0.5)), (1, 1, 4, 5)),
            (cls.pansharpen(2, (4, 6), 2), (1, 2, 4, 6)),
        )


class _Sum(Operator):
    """A weighted sum of the channels."""

    share: Tensor

    def __init__(self, share: Tensor) -> None:
        super().__init__()
        self.register_buffer("share", share, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.share.to(x.dtype)).sum(1, keepdim=True)

    def image_shape(self, data_shape: Shape) -> Shape:
        return (data_shape[0], self.share.shape[1], *data_shape[2:])
