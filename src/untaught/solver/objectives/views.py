"""`Fit` seen from many sides: what is still recognised when it is moved, turned, scaled and mirrored is drawn as a thing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.core.randomness import Rng
from untaught.prior import Prior
from untaught.solver.objectives._base import Objective
from untaught.solver.objectives.fit import Fit


@dataclass(frozen=True)
class Views(Fit):
    """E(A T f(z), y) + R(f(z)) with another movement T of the picture at every step; the picture itself stays where it is.

    scale: up to e^scale times smaller or larger. turn: up to so many degrees. shift: up to that part of half a side. And a
    mirror image in every second step. What leaves the frame comes back as its mirror image. Only pictures with two axes of
    space are moved. Meant for an A that should not care, such as a classifier's answer.

    Expectation over transformations (Athalye et al., ICML 2018); for visualised features Olah et al., Distill 2017.
    """

    scale: float = 0.35
    turn: float = 20.0
    shift: float = 0.2

    draws, overfits = True, False

    def _seen(self, x: Tensor, rng: Rng) -> Tensor:
        """The picture (b, c, h, w) under one movement drawn from the run's stream."""
        if x.ndim != 4:
            return x
        draws = torch.rand(5, generator=rng.stream, device=rng.device, dtype=torch.float64).mul(2).sub(1).tolist()
        size, angle = math.exp(draws[0] * self.scale), math.radians(draws[1] * self.turn)
        across, down, mirror = draws[2] * self.shift, draws[3] * self.shift, math.copysign(1.0, draws[4])
        cos, sin = size * math.cos(angle), size * math.sin(angle)
        to = x.new_tensor([[[mirror * cos, -sin, across], [mirror * sin, cos, down]]]).expand(len(x), -1, -1)
        grid = F.affine_grid(to, list(x.shape), align_corners=False)
        return F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        return tuple((cls(), prior) for _, prior in Fit.examples()[:2])


OBJECTIVE = Views
