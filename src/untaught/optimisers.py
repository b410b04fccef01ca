"""How a step is taken. An optimiser is a value; `build` makes torch's, whose state the run saves."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn


class Optimiser(ABC):
    """`rate(progress)` is the factor on the learning rate at a progress of 0 to 1 (None: not known)."""

    lr: float

    @abstractmethod
    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer: ...

    def rate(self, progress: float | None) -> float:
        return 1.0


@dataclass(frozen=True)
class Adam(Optimiser):
    """Kingma and Ba 2015. schedule: "constant" (the paper), or "one-cycle" (Smith and Topin 2018): a linear rise over the
    first seventh, then a cosine to nothing; the rule's progress drives it, so it needs a rule that knows its end."""

    lr: float = 0.01
    schedule: Literal["constant", "one-cycle"] = "constant"
    betas: tuple[float, float] = (0.9, 0.999)

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, lr=self.lr, betas=self.betas)

    def rate(self, progress: float | None) -> float:
        if self.schedule == "constant" or progress is None:
            return 1.0
        rise = 0.15
        if progress < rise:
            return 0.04 + 0.96 * progress / rise
        return 0.5 * (1 + math.cos(math.pi * (progress - rise) / (1 - rise))) + 1e-4


@dataclass(frozen=True)
class LBFGS(Optimiser):
    """Limited-memory quasi-Newton with a strong Wolfe line search; for convex problems over pixels."""

    lr: float = 1.0
    history: int = 20
    inner: int = 20

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.LBFGS(
            parameters,
            lr=self.lr,
            max_iter=self.inner,
            history_size=self.history,
            tolerance_grad=1e-12,
            tolerance_change=1e-14,
            line_search_fn="strong_wolfe",
        )
