"""Which kernel blurred a picture, from the picture alone.

From coarse to fine, a sharp picture of few strong edges and the kernel that leads from it to the data are found in turn; the
kernel is then bettered, and at last compared with those that have a name (`scene` holds the mathematics).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.classical.blind_kernel.scene import Scene, gradients
from untaught.core.geometry import crop_to
from untaught.problem.operators.kernels import centred, grown, named, placed, pruned, softened
from untaught.problem.operators.resample import resized

RATIO = 2**-0.5
"""From a scale to the next coarser one."""
TURNS = 5
"""How often picture and kernel take turns at a scale."""
NEARLY = 0.003
"""How much worse the evidence of a narrower Gaussian may be: softness of the scene looks like one, and one that is a fifth too wide
leaves a picture worse than it was, where one a fifth too narrow still gives most of the gain (docs/benchmarks). What a disk or a
movement does to edges nothing else does."""
SOFT = (0.2, 1.2, 5)  # from, to, tries
WAYS = {
    "gauss": ((0, -0.9, 0.3, 9),),
    "disk": ((0, -0.9, 0.3, 9), (1, *SOFT), (0, -0.25, 0.1, 6)),
    "motion": ((0, -0.6, 0.3, 7), (1, -20, 20, 7), (2, *SOFT), (0, -0.2, 0.1, 6), (1, -6, 6, 6)),
}
"""In which order the numbers of a kernel are sought: the logarithm of its size, its angle, and last the deviation in pixels of a
Gaussian on top, for the softness of scene and lens, which is not undone."""
MORE = {"gauss": 0.0, "disk": 0.005, "motion": 0.02}
"""By how much a disk or a movement with softness on top must explain the data better than a Gaussian, which has one number: of
fourteen pictures that had moved a movement did by 0.03 at the least, of eight that were out of focus by 0.014 at the most."""
LESS, CLEARLY = 0.3, 0.06
"""Share of the noise with which a disk's rim tells more than softness hides, and by how much the disk must then explain the data
better than a Gaussian: of 36 pictures that no disk had blurred, half of them JPEGs, it did by 0.057 at the most."""
LONG = 1.5
"""How many times the variance of a kernel is larger along than across, for a movement to be thought of."""
WEAK = 1e-3
"""The weight of an edge at the end of the search, which begins with that of `coarse_to_fine`."""


def coarse_to_fine(y: Tensor, sides: Sequence[int], weight: float) -> Tensor:
    """The kernel (*sides) of the plane y; weight: of an edge at the coarsest scale, in squares of brightness."""
    kernel = None
    for level in range(max(0, math.ceil(math.log(3 / max(sides)) / math.log(RATIO))), -1, -1):
        shrink = RATIO**level
        own = [2 * math.floor(n * shrink / 2) + 1 if level else n for n in sides]
        scene = Scene(resized(y[None, None], [max(1, round(n * shrink)) for n in y.shape])[0, 0], own)
        kernel = y.new_ones(own) if kernel is None else resized(kernel[None, None], own)[0, 0]
        kernel = centred(pruned(kernel, 0, 0))
        for turn in range(TURNS):
            start = kernel if turn else torch.zeros_like(kernel)
            kernel = pruned(scene.kernel(scene.edges(kernel, weight), 2.0, start), 0.05, 0.1)
            weight = max(weight / 1.15, WEAK)
    assert kernel is not None
    return centred(kernel)


def bettered(scene: Scene, kernel: Tensor, noise: float, weak: float, small: float) -> Tensor:
    """The kernel where it is strong (`pruned`) and one pixel about that, as the belief about the gradients asks for it."""
    where = grown(pruned(kernel, weak, small)) > 0
    kernel, belief = pruned(kernel * where, 0, 0), None
    for _ in range(10):
        belief = scene.believe(kernel, noise, 1, belief)
        ridge = float((scene.seen * belief.doubt).sum())
        kernel = pruned(scene.kernel(belief.mean, ridge, kernel, where), 0.02, 0.05)
    return centred(kernel)


def nearest(scene: Scene, kernel: Tensor, noise: float) -> tuple[float, str]:
    """Of the kernels with a name the one with the best evidence, and that; sought about the second moments of `kernel` (h, w).

    The evidence of a disk or a movement is that with softness on top, which the word leaves out; of Gaussians the narrowest one
    that explains the data nearly as well is named.
    """
    axes = [torch.arange(n).to(kernel) - (n - 1) / 2 for n in kernel.shape]
    places = torch.stack([v.flatten() for v in torch.meshgrid(*axes, indexing="ij")])
    places = places - (places * kernel.flatten()).sum(1, keepdim=True)
    variances, ways = torch.linalg.eigh(((places * kernel.flatten()) @ places.T).double().cpu())
    spread = math.log(max(0.25, math.sqrt(float(variances.mean().clamp_min(0)))))
    length = math.log(1 + math.sqrt(12 * max(0.0, float(variances[1]))))
    angle = math.degrees(math.atan2(-float(ways[0, 1]), float(ways[1, 1])))

    def cost(kind: str, log: float, *more: float, share: float = 1.0) -> float:
        numbers, soft = (math.exp(log), *more[:-1]), more[-1]
        shape = softened(named(f"{kind}:" + ",".join(f"{v:.4g}" for v in numbers)), soft)
        return scene.evidence(placed(shape.to(kernel), scene.sides), share * noise)

    starts = {"gauss": (spread, 0.0), "disk": (spread + math.log(2), 0.0), "motion": (length, angle, 0.0)}
    if variances[1] < LONG * variances[0]:
        del starts["motion"]
    found = {kind: _lowered(partial(cost, kind), start, WAYS[kind]) for kind, start in starts.items()}
    kind = min(found, key=lambda kind: found[kind][0] + MORE[kind])
    if kind == "gauss":
        flat, bell = (cost(name, *found[name][1], share=LESS) for name in ("disk", "gauss"))
        kind = "disk" if flat < bell - CLEARLY else kind
    best, (at, *more, _) = found[kind]
    if kind == "gauss":
        at = _narrowest(lambda log: cost("gauss", log, 0.0), at, best + NEARLY)
    return best, f"{kind}:" + ",".join(f"{v:.3g}" for v in (math.exp(at), *(v % 180 for v in more)))


def busiest(y: Tensor, side: int = 256) -> Tensor:
    """The window of a plane (h, w) with the most contrast, at most so large; of other spaces the middle."""
    if y.ndim != 2 or max(y.shape) <= side:
        return crop_to(y[None, None], (side,) * y.ndim)[0, 0]
    window = tuple(min(side, n) for n in y.shape)
    contrast = F.avg_pool2d(gradients(y).abs().sum(0)[None, None], window, side // 4)[0, 0]
    corner = [int(v) * (side // 4) for v in divmod(int(contrast.argmax()), contrast.shape[1])]
    return y[tuple(slice(c, c + n) for c, n in zip(corner, window, strict=True))]


def _lowered(
    cost: Callable[..., float], at: Sequence[float], ways: Sequence[tuple[int, float, float, int]]
) -> tuple[float, list[float]]:
    """The least cost that is found along one number after the other, and where: (which, from, to as seen from it, tries)."""
    best, at = math.inf, list(at)
    for which, low, high, tries in ways:
        here, there = at[:which], at[which + 1 :]
        found, v = _least(lambda v, a=here, b=there: cost(*a, v, *b), at[which] + low, at[which] + high, tries)  # type: ignore[misc]
        if found < best:
            best, at[which] = found, v
    return best, at


def _least(cost: Callable[[float], float], low: float, high: float, tries: int) -> tuple[float, float]:
    """The least cost by golden section, and where."""
    share = (math.sqrt(5) - 1) / 2
    tried = sorted((v, cost(v)) for v in (high - share * (high - low), low + share * (high - low)))
    (a, at_a), (b, at_b) = tried
    for _ in range(tries - 2):
        if at_a < at_b:
            high, (b, at_b), a = b, (a, at_a), b - share * (b - low)
            at_a = cost(a)
        else:
            low, (a, at_a), b = a, (b, at_b), a + share * (high - a)
            at_b = cost(b)
    return min((at_a, a), (at_b, b))


def _narrowest(cost: Callable[[float], float], log: float, allowed: float) -> float:
    """The least value, down to three quarters of the best one, whose cost is allowed; to one part in a hundred."""
    low, high = log - 0.3, log
    for _ in range(5):
        middle = (low + high) / 2
        low, high = (low, middle) if cost(middle) <= allowed else (middle, high)
    return high
