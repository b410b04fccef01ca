"""The convolutions of one step alone: which ones it takes, how many operations they are, and how long the library needs for them.

They are noted as PyTorch is asked for them, and asked for again with nothing around them: no normalisation, no activation, no
optimiser, the memory ready. What a step takes beyond that is the rest of the engine.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import ceil, prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

ROWS = 32
"""A part of a picture that stands for the whole has at least so many rows."""
LAYOUTS = {4: torch.channels_last, 5: torch.channels_last_3d}
"""How the library is quickest on a CPU, by the number of axes."""


@dataclass(frozen=True)
class Convolution:
    """One call. shape: of the input, (b, cin, *space). made: of the output. weight: (cout, cin / groups, *kernel), transposed the
    first two. rest: stride, padding, dilation, transposed, output padding, groups. gradients: whether those with respect to the
    input and the weight were asked for; None for the forward pass."""

    shape: tuple[int, ...]
    made: tuple[int, ...]
    weight: tuple[int, ...]
    rest: tuple[Any, ...]
    dtype: torch.dtype
    gradients: tuple[bool, bool] | None = None

    @property
    def flop(self) -> int:
        """Its plain sum: products and sums apart, for each gradient as many as forward."""
        transposed = self.rest[3]
        pixels = prod((self.shape if transposed else self.made)[2:])
        return 2 * self.shape[0] * pixels * prod(self.weight) * (1 if self.gradients is None else sum(self.gradients))

    def part(self, share: float) -> Convolution:
        """The same on so many of the rows; all of them where they are few."""
        rows = min(self.shape[2], max(ROWS, ceil(share * self.shape[2])))
        if rows == self.shape[2]:
            return self
        shape = (*self.shape[:2], rows, *self.shape[3:])
        made = _convolve(torch.empty(shape, device="meta"), torch.empty(self.weight, device="meta"), self.rest)
        return replace(self, shape=shape, made=tuple(made.shape))

    def seconds(self, device: str, least: float) -> float:
        """The mean of so many calls as fill `least` seconds, the first of them apart; one at least."""
        x, weight, grad = (_ready(s, self.dtype, device) for s in (self.shape, self.weight, self.made))

        def call() -> None:
            if self.gradients is None:
                _convolve(x, weight, self.rest)
            else:
                torch.ops.aten.convolution_backward(grad, x, weight, None, *self.rest, [*self.gradients, False])
            if x.is_cuda:
                torch.cuda.synchronize(x.device)

        call()
        begun, count = time.perf_counter(), 0
        while not count or time.perf_counter() - begun < least:
            call()
            count += 1
        return (time.perf_counter() - begun) / count


def _convolve(x: Tensor, weight: Tensor, rest: tuple[Any, ...]) -> Tensor:
    made: Tensor = torch.ops.aten.convolution(x, weight, None, *rest)
    return made


def _ready(shape: tuple[int, ...], dtype: torch.dtype, device: str) -> Tensor:
    drawn = torch.randn(shape, dtype=dtype, device=device, generator=torch.Generator(device).manual_seed(0))
    return drawn.contiguous(memory_format=LAYOUTS.get(len(shape), torch.contiguous_format))


class Noted(TorchDispatchMode):
    """Within it, `calls` counts the convolutions that the library is asked for, forward and backward, and `flop` the
    floating-point operations of these and of all products of matrices.

    Not `FlopCounterMode`: that hangs hooks on every module, and an adjoint by automatic differentiation cannot pass them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[Convolution] = Counter()
        self.flop = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.convolution.default:
            x, weight, _, *rest = args
            self._note(x, result, weight, rest, None)
        elif func is torch.ops.aten.convolution_backward.default:
            grad, x, weight, _, *rest, mask = args
            if any(mask[:2]):
                self._note(x, grad, weight, rest, (mask[0], mask[1]))
        elif count := flop_registry.get(func._overloadpacket):
            self.flop += int(count(*args, **(kwargs or {}), out_val=result))
        return result

    def _note(
        self, x: Tensor, made: Tensor, weight: Tensor, rest: list[Any], gradients: tuple[bool, bool] | None
    ) -> None:
        settings = tuple(tuple(r) if isinstance(r, list) else r for r in rest)
        call = Convolution(tuple(x.shape), tuple(made.shape), tuple(weight.shape), settings, x.dtype, gradients)
        self.calls[call] += 1
        self.flop += call.flop


def layers(model: nn.Module) -> list[nn.Module]:
    """The convolutions that a model is made of."""
    return [m for m in model.modules() if isinstance(m, nn.modules.conv._ConvNd)]


@contextmanager
def plain(model: nn.Module) -> Iterator[None]:
    """Within it, every convolution goes the library's way, also those that know a quicker one."""
    found: list[Any] = layers(model)
    for layer in found:
        own: Any = next(c for c in type(layer).__mro__ if c.__module__ == nn.Conv2d.__module__)
        layer.forward = own.forward.__get__(layer)
    try:
        yield
    finally:
        for layer in found:
            del layer.forward


def alone(calls: Counter[Convolution], *, device: str, step: float, budget: float = 0.5) -> float:
    """The seconds of all calls, measured within about `budget` seconds where they take no longer than the step does.

    step: the seconds of the step. Where that is long, rows of each picture stand for the whole, whose time grows with them.
    """
    seconds, flop, half = 0.0, sum(c.flop * n for c, n in calls.items()), budget / 2
    with torch.no_grad():
        for call, count in calls.items():
            part = call.part(half / step)
            seconds += count * part.seconds(device, half * call.flop * count / flop) * call.flop / part.flop
    return seconds
