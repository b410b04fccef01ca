"""A: what a trained network makes of the picture, at one of its layers. Feature inversion, activation maximisation."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from untaught.core.errors import BadInput, unknown
from untaught.core.randomness import Rng
from untaught.problem.operators import Operator, Shape


class Features(Operator):
    """y = Phi(x): the output of `layer` of any module, which stays as it is (a frozen copy in evaluation mode).

    layer: a name of `module.named_modules()`, or "" for the module's own answer. shape: (c, *space) of its input.
    A picture goes in as the module wants it: compose with `View` for that, Features(...) @ View(...).
    """

    linear = False

    def __init__(self, module: nn.Module, layer: str = "", shape: Shape = (3, 224, 224)) -> None:
        super().__init__()
        names = [name for name, _ in module.named_modules()]
        if layer not in names:
            raise unknown("layer", layer, filter(None, names))
        self.layer, self.shape = layer, tuple(shape)
        # In a tuple the copy is no submodule: its weights are neither sought nor saved with every checkpoint.
        self.held = (copy.deepcopy(module).eval().requires_grad_(False),)

    def forward(self, x: Tensor) -> Tensor:
        module = self.held[0]
        if not self.layer:
            return _tensor(module(x), "the module")
        found: list[Any] = []

        def stop(part: nn.Module, _: object, result: Any) -> None:
            found.append(result)
            raise _Reached

        handle = module.get_submodule(self.layer).register_forward_hook(stop)
        try:
            module(x)
        except _Reached:
            return _tensor(found[0], f"the layer '{self.layer}'")
        finally:
            handle.remove()
        raise BadInput(f"The layer '{self.layer}' is never used by {type(module).__name__}: name another one.")

    def image_shape(self, data_shape: Shape) -> Shape:
        return (data_shape[0], *self.shape)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Features:
        self.held[0]._apply(fn)
        super()._apply(fn, recurse)
        return self

    def extra_repr(self) -> str:
        return f"{type(self.held[0]).__name__}, '{self.layer}'"

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        with Rng(0).initialise("example"):
            net = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(60, 4), nn.Softplus())
        return (
            (Features(net, "1", (2, 4, 5)), (1, 2, 4, 5)),
            (Features(net, "", (2, 4, 5)), (1, 2, 4, 5)),
            (Features(net, "3", (2, 4, 5)) @ View((2, 6, 5), (4, 5), (0.5, 0.2), (2.0, 1.0)), (1, 2, 6, 5)),
        )


class _Reached(Exception):
    """The layer that was asked for has answered: what comes after it need not be computed."""


def _tensor(result: Any, what: str) -> Tensor:
    if not isinstance(result, Tensor):
        raise BadInput(f"The answer of {what} is of type {type(result).__name__}, not a tensor: name another layer.")
    return result


class View(Operator):
    """What a network sees of a picture: its middle, less a mean, over a deviation for each channel.

    shape: (c, h, w) of the picture. size: (h, w) of the middle. disc: only within the largest circle, grey around it.
    """

    linear = False
    disc: Tensor | None

    def __init__(
        self,
        shape: Shape,
        size: Shape,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        disc: bool = False,
    ) -> None:
        super().__init__()
        if any(n < m for n, m in zip(shape[1:], size, strict=True)):
            raise BadInput(
                f"The network sees {size[0]} x {size[1]}, but the picture is {shape[1]} x {shape[2]}: give more."
            )
        self.shape, self.size, self.mean, self.std = tuple(shape), tuple(size), tuple(mean), tuple(std)
        self.register_buffer("disc", circle(size) if disc else None, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = middle(x, self.size)
        if self.disc is not None:
            x = torch.lerp(torch.full_like(x, 0.5), x, self.disc.to(x))
        mean, std = (torch.tensor(v, dtype=x.dtype, device=x.device).view(-1, 1, 1) for v in (self.mean, self.std))
        return (x - mean) / std

    def image_shape(self, data_shape: Shape) -> Shape:
        return (data_shape[0], *self.shape)

    def extra_repr(self) -> str:
        return f"{self.size[0]} x {self.size[1]}" + ("" if self.disc is None else ", disc")

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        return (
            (View((3, 6, 7), (4, 4), (0.5,) * 3, (0.2, 0.3, 0.4)), (1, 3, 6, 7)),
            (View((1, 5, 5), (5, 5), (0.5,), (0.5,), disc=True), (1, 1, 5, 5)),
        )


class Enlarge(Operator):
    """A picture (b, c, h, w) at a larger size, by cubic interpolation: what is sought at few pixels has no finest grain."""

    def __init__(self, shape: Shape, size: Shape) -> None:
        super().__init__()
        self.shape, self.size = tuple(shape), tuple(size)

    def forward(self, x: Tensor) -> Tensor:
        return enlarged(x, self.size)

    def image_shape(self, data_shape: Shape) -> Shape:
        return (data_shape[0], *self.shape)

    def extra_repr(self) -> str:
        return f"{self.shape[1]} x {self.shape[2]} to {self.size[0]} x {self.size[1]}"

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        return ((Enlarge((1, 4, 5), (8, 9)), (1, 1, 4, 5)),)


def enlarged(x: Tensor, size: Shape) -> Tensor:
    return F.interpolate(x, size, mode="bicubic", align_corners=False)


def middle(x: Tensor, size: Shape) -> Tensor:
    """The middle (h, w) of pictures (b, c, *space); of an odd rest the larger part stays below and to the right."""
    top, left = ((n - m) // 2 for n, m in zip(x.shape[2:], size, strict=True))
    return x[:, :, top : top + size[0], left : left + size[1]]


def circle(size: Shape) -> Tensor:
    """(h, w): 1 inside the largest centred circle, 0 outside, with an edge of two pixels between them."""
    y, x = (torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in size)
    return ((min(size) / 2 - (y[:, None] ** 2 + x[None] ** 2).sqrt()) / 2).clamp(0, 1)
