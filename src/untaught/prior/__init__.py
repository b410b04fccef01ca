"""x = f_theta(z): which pictures are easy to say. A prior is a recipe; `build` makes the thing with parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from untaught.core.errors import BadInput
from untaught.core.geometry import crop_to, pad_to, padded
from untaught.core.randomness import Rng
from untaught.prior.codes import Code, Noise
from untaught.prior.kernels.convolution import layout
from untaught.problem import Problem
from untaught.problem.operators import Shape


class Architecture(Protocol):
    """A network's recipe, as each file of `networks/` holds one: a frozen value that builds a module."""

    def build(self, cin: int, cout: int, *, ndim: int = 2) -> nn.Module:
        """(b, cin, *space) -> (b, cout, *space), without an output activation."""

    @property
    def multiple(self) -> int:
        """Spatial sizes must be a multiple of this."""


class Parametrisation(nn.Module):
    """The picture as a function of parameters. `members` pictures are made at once (see `Ensemble`)."""

    members = 1

    @property
    def code(self) -> Tensor | None:
        """z as it is now, of the size of the picture; None where there is none of its own."""
        return None

    def forward(self, z: Tensor | None = None, *, rng: Rng | None = None) -> Tensor:
        """x, (members, c, *space): from its own code (jittered where `rng` is given), or from the z that is fed."""
        raise NotImplementedError


class Prior(ABC):
    """A frozen recipe of f and z."""

    draws = True
    """Whether it starts from numbers drawn at random."""

    learns = True
    """Whether a network is sought, and not the pixels themselves."""
    members = 1
    """How many independent pictures are sought at once."""
    feedable = True
    """Whether an objective can feed it, where it has a network that is fed."""
    moves = False
    """Whether its code changes on the way, so that the fit may jump without anything being wrong."""

    @abstractmethod
    def build(self, shape: Shape, problem: Problem, rng: Rng) -> Parametrisation:
        """The parametrisation of pictures of `shape` (1, c, *space), started at random from the seed."""

    @property
    def network(self) -> Network | None:
        """The recipe of the network that is sought, one of them where there are several; None for the pixels themselves."""
        return None

    @property
    def fed(self) -> int:
        """How many input channels an objective has to feed; 0 for a prior with a code of its own."""
        return 0

    def with_net(self, net: Architecture) -> Prior:
        """The same with another network, where there is one."""
        return self

    @classmethod
    @abstractmethod
    def examples(cls) -> tuple[Prior, ...]: ...


@dataclass(frozen=True)
class Network(Prior):
    """f_theta(z) (Ulyanov, Vedaldi and Lempitsky 2018).

    jitter: standard deviation of the normal noise that is added to the code at every step.
    output: "sigmoid" for pictures within [0, 1], "linear" for anything.
    residual: where not 0, the network's answer, times this, is added to the last channels of its input (an estimate to
    start from).
    """

    net: Architecture
    code: Code = Noise()
    jitter: float = 0.0
    output: Literal["sigmoid", "linear"] = "sigmoid"
    residual: float = 0.0

    @property
    def network(self) -> Network:
        return self

    def with_net(self, net: Architecture) -> Prior:
        return replace(self, net=net)

    @property
    def moves(self) -> bool:  # type: ignore[override]
        return self.code.moves

    @property
    def fed(self) -> int:
        return self.code.fed

    def build(self, shape: Shape, problem: Problem, rng: Rng) -> Parametrisation:
        space = tuple(shape[2:])
        shrink = getattr(self.net, "shrink", 1)
        inner = padded(space, self.net.multiple)
        z = self.code.build([n // shrink for n in inner], problem, rng)
        with rng.initialise("weights"):
            net = self.net.build(z.shape[1], shape[1], ndim=len(space))
        return _Generator(self, net.to(rng.device, problem.real), z, space).to(problem.real)

    @classmethod
    def examples(cls) -> tuple[Prior, ...]:
        from untaught.prior.networks.hourglass import Hourglass

        net = Hourglass.examples()[0]
        return Network(net, Noise(4), jitter=0.03), Network(net, Noise(2, learn=True), output="linear")


class _Generator(Parametrisation):
    z: Tensor
    age: Tensor

    def __init__(self, recipe: Network, net: nn.Module, z: Tensor, space: tuple[int, ...]) -> None:
        super().__init__()
        self.recipe, self.space, self.multiple = recipe, space, recipe.net.multiple
        self.reach: int | None = getattr(recipe.net, "reach", None)
        # Layout is a matter of speed only, by a factor of two on a CPU.
        self.layout = {2: layout(net), 3: torch.channels_last_3d}.get(len(space), torch.contiguous_format)
        self.net = net.to(memory_format=self.layout) if len(space) == 2 else net  # type: ignore[call-overload]
        z = z.contiguous(memory_format=self.layout)
        if recipe.code.learn or recipe.code.moves:
            # It may be the data, or the picture that the stage before has made, and a resumed run writes into it.
            z = z.clone()
        if recipe.code.learn:
            self.z = nn.Parameter(z)
        else:
            self.register_buffer("z", z)
        if recipe.code.moves:
            self.register_buffer("age", torch.zeros((), dtype=torch.int64))

    @property
    def code(self) -> Tensor:
        return crop_to(self.z, self.space)

    def forward(self, z: Tensor | None = None, *, rng: Rng | None = None) -> Tensor:
        if z is None:
            z, space = self.z, self.space
            if rng is not None and self.recipe.jitter:
                z = z + self.recipe.jitter * rng.normal(z).to(z).contiguous(memory_format=self.layout)
        else:
            space = tuple(z.shape[2:])
            z = pad_to(z, padded(space, self.multiple)).contiguous(memory_format=self.layout)
        x = self.net(z)
        if self.recipe.residual:
            x = z[:, -x.shape[1] :] + self.recipe.residual * x
        x = torch.sigmoid(x) if self.recipe.output == "sigmoid" else x
        if rng is not None and self.recipe.code.moves:  # a step; who only looks hands in no random numbers
            self.age = self.age + 1
            moved = self.recipe.code.moved(self.z, x.detach(), int(self.age), rng)
            self.z = moved.contiguous(memory_format=self.layout)
        return crop_to(x, space)


@dataclass(frozen=True)
class Pixels(Prior):
    """No prior: x itself is the parameter, started from the job's first guess, or from the back-projected data."""

    draws, learns = False, False

    def build(self, shape: Shape, problem: Problem, rng: Rng) -> Parametrisation:
        first = problem.operator.adjoint(problem.data) if problem.start is None else problem.start
        return _Pixels(first.detach().clone().to(rng.device, problem.real))

    @classmethod
    def examples(cls) -> tuple[Prior, ...]:
        return (Pixels(),)


class _Pixels(Parametrisation):
    def __init__(self, x: Tensor) -> None:
        super().__init__()
        self.x = nn.Parameter(x)

    def forward(self, z: Tensor | None = None, *, rng: Rng | None = None) -> Tensor:
        if z is not None:
            raise BadInput("Pixels have no network to feed: choose the objective Fit, or the prior Network.")
        return self.x


@dataclass(frozen=True)
class Ensemble(Prior):
    """`size` independent starts of one prior, sought in one batch; the result is their mean (paper: two runs gain 0.6 dB)."""

    prior: Prior
    size: int = 2
    feedable = False

    @property
    def members(self) -> int:  # type: ignore[override]
        return self.size

    @property
    def draws(self) -> bool:  # type: ignore[override]
        return self.prior.draws

    @property
    def moves(self) -> bool:  # type: ignore[override]
        return self.prior.moves

    @property
    def network(self) -> Network | None:
        return self.prior.network

    def with_net(self, net: Architecture) -> Prior:
        return replace(self, prior=self.prior.with_net(net))

    @property
    def fed(self) -> int:
        return self.prior.fed

    def build(self, shape: Shape, problem: Problem, rng: Rng) -> Parametrisation:
        return _Ensemble([self.prior.build(shape, problem, rng.child("member", i)) for i in range(self.size)])

    @classmethod
    def examples(cls) -> tuple[Prior, ...]:
        return (Ensemble(Network.examples()[0], 2),)


class _Ensemble(Parametrisation):
    def __init__(self, parts: list[Parametrisation]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.members = len(parts)

    def forward(self, z: Tensor | None = None, *, rng: Rng | None = None) -> Tensor:
        return torch.cat([part(z, rng=rng) for part in self.parts])
