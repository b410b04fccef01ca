"""A blurred plane: its sharp edges, the belief about its gradients and the evidence, given a kernel; the kernel, given those.

Few edges: Xu, Zheng and Jia, "Unnatural L0 Sparse Representation for Natural Image Deblurring", CVPR 2013. Belief: variational
Bayes, Wipf and Zhang, "Revisiting Bayesian Blind Deconvolution", JMLR 2014: every gradient of the picture is normal with a
variance of its own. The evidence counts how sure the gradients are, too, so that no blur at all is not the best answer.
Brightness is in [0, 1]; the evidence is in nats a gradient, and less is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.core.geometry import pad_to
from untaught.core.linear_algebra import conjugate_gradients
from untaught.problem.operators.blur import smooth_size

SURE = 6
"""How often mean and variance take turns, until the evidence is told."""


@dataclass(frozen=True)
class Belief:
    """What is believed of the gradients (axes, *size): their mean, the variances of their prior, and how unsure each is."""

    mean: Tensor
    prior: Tensor
    doubt: Tensor


class Scene:
    """One blurred plane y (*space), seen with kernels of `sides`; nothing is assumed about what lies beyond its border."""

    def __init__(self, y: Tensor, sides: Sequence[int]) -> None:
        self.sides, self.axes = tuple(sides), tuple(range(1, y.ndim + 1))
        self.size = [smooth_size(n + 2 * (k - 1)) for n, k in zip(y.shape, sides, strict=True)]
        self.filled = pad_to(y[None, None], self.size)[0, 0]
        inside = tuple(slice((n - k) // 2, (n - k) // 2 + k) for n, k in zip(self.size, y.shape, strict=True))
        self.inside = torch.zeros_like(self.filled, dtype=torch.bool)
        self.inside[inside] = True
        seen = self.inside.clone()
        for axis in range(y.ndim):
            seen &= self.inside.roll(-1, axis)
        self.seen = seen.to(y)  # the gradients between two pixels of the data
        self.count = max(1.0, y.ndim * float(self.seen.sum()))
        self.data = gradients(self.filled) * self.seen
        point = torch.zeros_like(self.filled)
        point[(0,) * y.ndim] = 1
        self.slopes = self._spectrum(gradients(point))

    def _spectrum(self, x: Tensor) -> Tensor:
        return torch.fft.rfftn(x, dim=tuple(range(-len(self.sides), 0)))

    def _plane(self, spectrum: Tensor) -> Tensor:
        return torch.fft.irfftn(spectrum, self.size, tuple(range(-len(self.sides), 0)))

    def _transfer(self, kernel: Tensor) -> Tensor:
        wide = kernel.new_zeros(self.size)
        wide[tuple(map(slice, self.sides))] = kernel
        return self._spectrum(wide.roll([-((n - 1) // 2) for n in self.sides], tuple(range(kernel.ndim))))

    def edges(self, kernel: Tensor, weight: float) -> Tensor:
        """The gradients of argmin_x |k * x - y|^2 + weight * (how many gradients of x are not 0), by half-quadratic splitting."""
        transfer = self._transfer(kernel)
        drawn, power = transfer.conj() * self._spectrum(self.filled), transfer.abs().square()
        rough = self.slopes.abs().square().sum(0)
        x, trust = self.filled, 2 * weight
        while trust < 1e5:
            kept = gradients(x)
            kept = torch.where(kept.square().sum(0) < weight / trust, 0.0, kept)
            x = self._plane(
                (drawn + trust * (self.slopes.conj() * self._spectrum(kept)).sum(0)) / (power + trust * rough)
            )
            trust *= 2
        # Beyond the border the data are what the picture says.
        self.filled = torch.where(self.inside, self.filled, self._plane(transfer * self._spectrum(x)))
        return gradients(x)

    def believe(self, kernel: Tensor, noise: float, turns: int, belief: Belief | None = None) -> Belief:
        """What the data say of the gradients, given the kernel and the variance of a gradient's noise."""
        transfer, sharpness = self._transfer(kernel), float(kernel.square().sum())
        drawn = self._plane(transfer.conj() * self._spectrum(self.data))
        if belief is None:
            start = gradients(self.filled)
            belief = Belief(start, start.square() + 1e-3, start)

        def normal(x: Tensor) -> Tensor:
            again = self.seen * self._plane(transfer * self._spectrum(x))
            return self._plane(transfer.conj() * self._spectrum(again))

        for _ in range(turns):
            root = belief.prior.sqrt()

            def scaled(u: Tensor, root: Tensor = root) -> Tensor:
                return root * normal(root * u) + noise * u

            mean = root * conjugate_gradients(scaled, root * drawn, belief.mean / root, 15)
            doubt = 1 / (sharpness / noise + 1 / belief.prior)
            belief = Belief(mean, mean.square() + doubt, doubt)
        return belief

    def kernel(self, picture: Tensor, ridge: float, start: Tensor, where: Tensor | None = None) -> Tensor:
        """argmin_k |k * picture - data|^2 + ridge |k|^2 over gradients, from `start`, other than 0 in `where` alone."""
        spectrum, middle = self._spectrum(picture), [(n - 1) // 2 for n in self.sides]
        allowed = torch.ones_like(start) if where is None else where.to(start)

        def drawn(rest: Tensor) -> Tensor:
            wide = self._plane((spectrum.conj() * self._spectrum(rest)).sum(0))
            return allowed * wide.roll(middle, tuple(range(wide.ndim)))[tuple(map(slice, self.sides))]

        def normal(k: Tensor) -> Tensor:
            return drawn(self.seen * self._plane(spectrum * self._transfer(k))) + ridge * k

        return conjugate_gradients(normal, drawn(self.data), allowed * start, 21)

    def evidence(self, kernel: Tensor, noise: float) -> float:
        """-log of how likely the data are with this kernel (an upper bound, less what no kernel changes), a gradient."""
        belief = self.believe(kernel, noise, SURE)
        rest = self.seen * (self.data - self._plane(self._transfer(kernel) * self._spectrum(belief.mean)))
        prior = belief.mean.square() / belief.prior + (noise + belief.prior * kernel.square().sum()).log()
        return float(rest.square().sum() / noise + (self.seen * prior).sum()) / self.count


def gradients(x: Tensor) -> Tensor:
    """(axes, *size): to the next pixel along each axis, around the border."""
    return torch.stack([x.roll(-1, axis) - x for axis in range(x.ndim)])
