"""How a step is taken. An optimiser is a value; `build` makes torch's, whose state the run saves."""

from __future__ import annotations

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng


class Optimiser(ABC):
    """`rate(progress)` is the factor on the learning rate at a progress of 0 to 1 (None: not known)."""

    lr: float
    draws = False
    """Whether a step depends on numbers drawn here."""

    @property
    def paced(self) -> bool:
        """Whether its rate depends on how far the run is."""
        return False

    @abstractmethod
    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer: ...

    def rate(self, progress: float | None) -> float:
        return 1.0

    def wandering(self, temperature: float, *, after: int, seed: int) -> Optimiser | None:
        """The same for `after` steps, and then Langevin dynamics; None where they cannot follow."""
        return None


@dataclass(frozen=True)
class Adam(Optimiser):
    """Kingma and Ba 2015. schedule: "constant" (the paper), or "one-cycle" (Smith and Topin 2018): a linear rise over the
    first seventh, then a cosine to nothing; the rule's progress drives it, so it needs a rule that knows its end."""

    lr: float = 0.01
    schedule: Literal["constant", "one-cycle"] = "constant"
    betas: tuple[float, float] = (0.9, 0.999)

    @property
    def paced(self) -> bool:
        return self.schedule != "constant"

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return _Adam(parameters, lr=self.lr, betas=self.betas)

    def rate(self, progress: float | None) -> float:
        if self.schedule == "constant" or progress is None:
            return 1.0
        rise = 0.15
        if progress < rise:
            return 0.04 + 0.96 * progress / rise
        return 0.5 * (1 + math.cos(math.pi * (progress - rise) / (1 - rise))) + 1e-4

    def wandering(self, temperature: float, *, after: int, seed: int) -> Optimiser | None:
        if self.schedule != "constant":
            return None
        return Langevin(self.lr, temperature, after, seed, self.betas)


@dataclass(frozen=True)
class LBFGS(Optimiser):
    """Limited-memory quasi-Newton with a strong Wolfe line search; made for convex problems over pixels."""

    lr: float = 1.0
    history: int = 20
    inner: int = 20

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        parameters = list(parameters)
        if any(isinstance(p, dict) for p in parameters):
            raise BadInput("LBFGS has one rate for all, and this operator is sought at a rate of its own: use Adam().")
        for p in parameters:  # which are flattened in place, so that channels-last ones would be refused
            p.data = p.data.contiguous()
        return torch.optim.LBFGS(
            parameters,
            lr=self.lr,
            max_iter=self.inner,
            history_size=self.history,
            tolerance_grad=1e-12,
            tolerance_change=1e-14,
            line_search_fn="strong_wolfe",
        )


@dataclass(frozen=True)
class Langevin(Optimiser):
    """Adam for `after` steps; from then on the weights wander about the minimum: they are drawn from exp(-E / temperature).

    Stochastic gradient Langevin dynamics (Welling and Teh 2011; for the Deep Image Prior, Cheng et al., CVPR 2019) in Adam's
    metric G = 1 / sqrt(v) (Li et al., AAAI 2016): a step is - lr G grad E, and normal noise of variance 2 lr temperature G.
    temperature: in the unit of E. E is a mean: for n measurements of known noise the posterior's is 1 / n.
    seed: of the noise, which depends on nothing but that and the number of the step.
    """

    lr: float = 0.01
    temperature: float = 1e-5
    after: int = 0
    seed: int = 0
    betas: tuple[float, float] = (0.9, 0.999)
    draws = True

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return _Langevin(parameters, self)


class _Adam(torch.optim.Adam):
    """torch's own, without the marks for its compiler: the first call of what bears one loads it, which takes a second."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))
    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    load_state_dict = inspect.unwrap(torch.optim.Optimizer.load_state_dict)
    state_dict = inspect.unwrap(torch.optim.Optimizer.state_dict)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)


class _Langevin(_Adam):
    def __init__(self, parameters: Iterable[nn.Parameter], recipe: Langevin) -> None:
        super().__init__(parameters, lr=recipe.lr, betas=recipe.betas)
        self.recipe = recipe

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        done = next((int(s["step"]) for s in self.state.values() if s), 0)
        if done >= self.recipe.after:  # a gradient that lags behind would widen the distribution
            for group in self.param_groups:
                group["betas"] = (0.0, self.recipe.betas[1])
        energy = super().step(closure)
        for i, group in enumerate(self.param_groups):
            found = [(p, self.state[p]) for p in group["params"] if self.state[p]]
            step = int(found[0][1]["step"]) if found else 0
            if step <= self.recipe.after:
                continue
            draw = Rng(self.recipe.seed, found[0][0].device).fork("langevin", step, i)
            for p, state in found:
                root = (state["exp_avg_sq"] / (1 - group["betas"][1] ** step)).sqrt_().add_(group["eps"])
                noise = torch.randn(p.shape, generator=draw, device=p.device, dtype=p.dtype)
                p.add_(noise * (2 * group["lr"] * self.recipe.temperature / root).sqrt_())
        return energy
