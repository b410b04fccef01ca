"""z: the fixed input of the network. Every code has the spatial size at which the network works (padded)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.geometry import pad_to
from untaught.core.randomness import Rng

if TYPE_CHECKING:
    from untaught.problem import Problem


class Code(ABC):
    """A recipe for z. `learn` makes z a parameter that is sought together with theta."""

    learn: bool = False

    @property
    def fed(self) -> int:
        """How many channels an objective has to hand in at every step; 0 for a code of its own."""
        return 0

    @abstractmethod
    def width(self, problem: Problem) -> int:
        """The channels of z."""

    @abstractmethod
    def build(self, space: Sequence[int], problem: Problem, rng: Rng) -> Tensor:
        """z of shape (1, channels, *space)."""

    @classmethod
    @abstractmethod
    def examples(cls) -> tuple[Code, ...]: ...


@dataclass(frozen=True)
class Noise(Code):
    """Uniform noise on [0, scale): the paper's default, 32 channels and scale 0.1."""

    channels: int = 32
    scale: float = 0.1
    learn: bool = False

    def width(self, problem: Problem) -> int:
        return self.channels

    def build(self, space: Sequence[int], problem: Problem, rng: Rng) -> Tensor:
        z = torch.rand((1, self.channels, *space), generator=rng.fork("code"), device=rng.device)
        return self.scale * z

    @classmethod
    def examples(cls) -> tuple[Code, ...]:
        return Noise(4), Noise(3, learn=True)


@dataclass(frozen=True)
class Grid(Code):
    """The coordinates themselves, 0 to 1 along each axis, one channel an axis: the paper's code for large holes."""

    learn: bool = False

    def width(self, problem: Problem) -> int:
        return len(problem.image_shape) - 2

    def build(self, space: Sequence[int], problem: Problem, rng: Rng) -> Tensor:
        axes = [torch.linspace(0, 1, n, device=rng.device) for n in space]
        return torch.stack(
            torch.meshgrid(*reversed(axes), indexing="xy") if len(axes) == 2 else torch.meshgrid(*axes, indexing="ij")
        )[None]

    @classmethod
    def examples(cls) -> tuple[Code, ...]:
        return (Grid(),)


@dataclass(frozen=True)
class FourierFeatures(Code):
    """sin and cos of the coordinates at frequencies 2^0 ... 2^(n-1) cycles a picture (Tancik et al. 2020)."""

    frequencies: int = 8
    learn: bool = False

    def width(self, problem: Problem) -> int:
        return 2 * self.frequencies * Grid().width(problem)

    def build(self, space: Sequence[int], problem: Problem, rng: Rng) -> Tensor:
        grid = Grid().build(space, problem, rng)
        angles = [2 * torch.pi * 2**k * grid for k in range(self.frequencies)]
        return torch.cat([wave(a) for a in angles for wave in (torch.sin, torch.cos)], dim=1)

    @classmethod
    def examples(cls) -> tuple[Code, ...]:
        return (FourierFeatures(2),)


@dataclass(frozen=True, eq=False)
class Picture(Code):
    """A picture as the code: a guide such as the flash photo; None takes what the data show (their back-projection).

    image: (b, c, *space) of the size of the picture sought, in the units of the problem.
    """

    image: Tensor | None = None
    learn: bool = False

    def width(self, problem: Problem) -> int:
        return int(problem.image_shape[1] if self.image is None else self.image.shape[1])

    def build(self, space: Sequence[int], problem: Problem, rng: Rng) -> Tensor:
        image = problem.operator.adjoint(problem.data) if self.image is None else self.image
        if self.image is not None and tuple(image.shape[2:]) != problem.image_shape[2:]:
            raise BadInput(
                f"The guide is {tuple(image.shape[2:])}, the picture {problem.image_shape[2:]}: "
                "resize the guide to the picture."
            )
        return pad_to(image.detach().to(rng.device), space)

    @classmethod
    def examples(cls) -> tuple[Code, ...]:
        return (Picture(),)


@dataclass(frozen=True)
class Start(Code):
    """What an earlier stage of the job found, or the back-projection where there is none."""

    learn: bool = False

    def width(self, problem: Problem) -> int:
        return Picture(problem.start).width(problem)

    def build(self, space: Sequence[int], problem: Problem, rng: Rng) -> Tensor:
        return Picture(problem.start).build(space, problem, rng)

    @classmethod
    def examples(cls) -> tuple[Code, ...]:
        return (Start(),)


@dataclass(frozen=True)
class Fed(Code):
    """No code of its own: the objective hands one in at every step, with this many channels."""

    channels: int = 3

    @property
    def fed(self) -> int:
        return self.channels

    def width(self, problem: Problem) -> int:
        return self.channels

    def build(self, space: Sequence[int], problem: Problem, rng: Rng) -> Tensor:
        return torch.empty((1, self.channels, *[0] * len(space)), device=rng.device)

    @classmethod
    def examples(cls) -> tuple[Code, ...]:
        return ()
