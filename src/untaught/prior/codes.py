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
    moves = False
    """Whether z follows what the network makes of it (`moved`)."""

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

    def moved(self, z: Tensor, x: Tensor, step: int, rng: Rng) -> Tensor:
        """z after so many steps, of which the last made x, of the size of z, of it; for codes that move."""
        return z

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
    start: what an earlier stage found comes after it, so that a network with a residual corrects that.
    """

    image: Tensor | None = None
    learn: bool = False
    start: bool = False

    def width(self, problem: Problem) -> int:
        own = int(problem.image_shape[1] if self.image is None else self.image.shape[1])
        return own + (Start().width(problem) if self.start else 0)

    def build(self, space: Sequence[int], problem: Problem, rng: Rng) -> Tensor:
        image = problem.operator.adjoint(problem.data) if self.image is None else self.image
        if self.image is not None and tuple(image.shape[2:]) != problem.image_shape[2:]:
            raise BadInput(
                f"The guide is {tuple(image.shape[2:])}, the picture {problem.image_shape[2:]}: "
                "resize the guide to the picture."
            )
        z = pad_to(image.detach().to(rng.device), space)
        return torch.cat([z, Start().build(space, problem, rng)], 1) if self.start else z

    @classmethod
    def examples(cls) -> tuple[Code, ...]:
        return Picture(), Picture(start=True)


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


class _Moving(Code):
    """Begins where `Start` does."""

    moves = True

    def width(self, problem: Problem) -> int:
        return Start().width(problem)

    def build(self, space: Sequence[int], problem: Problem, rng: Rng) -> Tensor:
        return Start().build(space, problem, rng)


@dataclass(frozen=True)
class Feedback(_Moving):
    """z <- (1 - share) z + share f(z): the code follows the network's picture, from where `Start` begins (Tada-DIP, 2025).

    Its authors jitter it by half of its largest value, and add a hundredth of |f(z) - z|, which `Autoencoded` does.
    """

    share: float = 0.01

    def moved(self, z: Tensor, x: Tensor, step: int, rng: Rng) -> Tensor:
        return torch.lerp(z, x, self.share)

    @classmethod
    def examples(cls) -> tuple[Code, ...]:
        return Feedback(), Feedback(share=0.5)


@dataclass(frozen=True)
class Diffusion(_Moving):
    """z = x + s noise, drawn once every `inner` steps: the picture so far under noise that falls to 0 in `outer` rounds
    (Self-Diffusion, NeurIPS 2025), so that the same network fits the coarse shapes first.

    s = sqrt(1 - a), a the product of 1 - b over b from 1e-4 to 0.02 in a thousand even steps (Ho, Jain and Abbeel, DDPM, 2020), of
    which the rounds take every (1000 / outer)-th, the loudest first.
    """

    outer: int = 30
    inner: int = 100

    def level(self, done: int) -> float:
        """The deviation of the noise after so many rounds: from 1 down to 0."""
        left = round(1000 * max(0, self.outer - done) / self.outer)
        return float(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)[:left].neg().add(1).prod()) ** 0.5

    def build(self, space: Sequence[int], problem: Problem, rng: Rng) -> Tensor:
        x = super().build(space, problem, rng)
        return x + self.level(0) * rng.normal(x).to(x)

    def moved(self, z: Tensor, x: Tensor, step: int, rng: Rng) -> Tensor:
        if step % self.inner:
            return z
        return x + self.level(step // self.inner) * rng.normal(x).to(x)

    @classmethod
    def examples(cls) -> tuple[Code, ...]:
        return Diffusion(), Diffusion(outer=2, inner=3)


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
