"""The memory that a job will need, told before any of it is taken; what cannot be had is refused there and then.

The figure is one that a job does not fall short of: a network keeps what its backward pass needs, as much a pixel in a small
picture, where that can be counted, as in a large one; and beside that a few copies of the picture, weights and moments.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import ceil, prod
from typing import Any

import torch

from untaught.core.errors import SMALLER, OutOfMemory, amount
from untaught.core.machine import free_memory
from untaught.core.randomness import Rng
from untaught.problem import Problem
from untaught.solver.stage import Job, Solve, Stage

TRIAL = 64  # pixels along each axis of the small picture; larger only where the network shrinks by more
COPIES = 8  # of the picture, that the leanest of all stages holds at once
BACKWARD = 1.5  # times what is kept for it, where gradients and their copies come beside; twice was measured
AMPLE = 16_000  # numbers a pixel that no network of ours needs: with room for them nothing is counted
KEPT = 7  # times the weights: themselves, gradient, two moments, and the copy of weights and moments to go back to


def needed(job: Job) -> float:
    """Bytes that the job will take at least, beside what is held now: as many as the hungriest of its stages."""
    return max(_stage(stage, stage.problem or job.problem) for stage in job.stages)


def refuse(job: Job, times: float = 1.0) -> None:
    """`OutOfMemory`, with figures and the remedy, where a job needs more than can still be had on its device; or one like it whose
    picture has so many times the pixels.
    """
    free = free_memory(job.stages[0].device)
    if free is None:
        return
    pixels, members = times * prod(job.problem.image_shape[2:]), max(stage.members for stage in job.stages)
    if free > AMPLE * job.problem.data.element_size() * pixels * members:
        return
    _compare(times * needed(job), free, job.problem)


def refuse_picture(problem: Problem, device: str) -> None:
    """The same where not even the leanest of all stages would have room: asked before any stage is made for the problem."""
    if (free := free_memory(device)) is not None:
        _compare(COPIES * _picture(problem), free, problem)


def _compare(bytes: float, free: float, problem: Problem) -> None:
    if bytes > free:
        raise OutOfMemory(
            f"A picture of {' x '.join(map(str, problem.image_shape[2:]))} needs about {amount(bytes)} of memory this "
            f"way, and {amount(free)} are free: {SMALLER}."
        )


def _picture(problem: Problem) -> float:
    return float(prod(problem.image_shape)) * problem.data.element_size()


def _stage(stage: Stage, problem: Problem) -> float:
    shape = problem.image_shape
    picture = _picture(problem)
    net = stage.network if isinstance(stage, Solve) and stage.whole else None
    # One that sees crops, and makes the picture in strips, takes no more for a large picture than for a small one.
    if net is None:
        return COPIES * picture
    count: Any = _network if getattr(type(net.net), "__hash__", None) else _network.__wrapped__
    weights, small = count(net.net, net.code.width(problem), shape[1], len(shape) - 2)
    return COPIES * picture + stage.members * (KEPT * weights + BACKWARD * small * prod(shape[2:]))


@lru_cache(maxsize=64)
def _network(net: Any, cin: int, cout: int, ndim: int) -> tuple[float, float]:
    """(bytes of the weights, bytes a pixel of the picture that are kept for the backward pass), counted on a small picture."""
    side = net.multiple * ceil((TRIAL if ndim < 3 else TRIAL // 4) / net.multiple)
    with Rng(0).initialise("trial"):
        model = net.build(cin, cout, ndim=ndim)
    code = torch.zeros(1, cin, *[side // getattr(net, "shrink", 1)] * ndim)
    own = {p.untyped_storage()._cdata for p in model.parameters()}
    seen: dict[int, torch.UntypedStorage] = {}  # held until all are counted, or an address might come twice

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            seen[storage._cdata] = storage
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        model(code)
    return float(_bytes(model.parameters())), sum(storage.nbytes() for storage in seen.values()) / side**ndim


def _bytes(tensors: Iterable[torch.Tensor]) -> int:
    return sum(t.numel() * t.element_size() for t in tensors)
