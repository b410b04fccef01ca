"""Bring out detail: y + amount (y - x), where x is what a network has drawn of y after a few steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from untaught.core.types import Channel, Device, Ge, Le, Picture, Seed, Steps
from untaught.tasks import task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from untaught.io.arrays import Layout
    from untaught.solver.stage import Job


@dataclass(frozen=True)
class Detail:
    """y + amount (y - x), y the original: x is the base that the run found, and what it lacks is the detail.

    y - x is taken about its own mean, so that the picture keeps its brightness: a network that has taken few steps is still
    short of the right mean. Its colours are, too, and wrongly in every shape: the mean channel of y - x goes to all
    channels, unless `colour` asks for each one's own.
    """

    layout: Layout
    original: NDArray
    amount: float
    colour: bool = False
    restores: ClassVar[bool] = False
    """x is not meant to explain y: the residual is the detail."""

    def __call__(self, x: Any) -> NDArray:
        return self.layout(self._enhanced(x))

    def remarks(self, x: Any) -> tuple[str, ...]:
        """How much of the picture ended beyond black or white, where integers cannot follow."""
        import numpy as np

        dtype = np.dtype(self.layout.dtype)
        if dtype.kind == "f":
            return ()
        enhanced, top = self._enhanced(x), np.iinfo(dtype).max
        beyond = float(((enhanced < -0.5) | (enhanced > top + 0.5)).double().mean())
        before = float(((self.original == 0) | (self.original == top)).mean())
        if beyond < 1e-4:
            return ()
        return (
            f"{100 * beyond:.2g} % of the values went beyond black or white and were clipped ({100 * before:.2g} % were "
            "at the limits before): a smaller amount clips fewer.",
        )

    def _enhanced(self, x: Any) -> Any:
        import numpy as np
        import torch

        axis = self.layout.channel_axis
        y = torch.from_numpy(
            np.ascontiguousarray(self.original[None] if axis is None else np.moveaxis(self.original, axis, 0), float)
        )[None].to(x)
        apart = y - x if self.colour else (y - x).mean(1, keepdim=True).expand_as(y)
        return y + self.amount * (apart - apart.flatten(2).mean(2).view(1, -1, *[1] * (y.ndim - 2)))


@task
def enhance(
    picture: Picture,
    *,
    amount: Annotated[float, Ge(0), Le(10)] = 1.0,
    detail: Literal["fine", "medium", "coarse", "all"] = "all",
    colour: bool = False,
    preset: Literal["fast", "paper"] = "fast",
    steps: Steps = None,
    seed: Seed = 0,
    device: Device = "auto",
    channel_axis: Channel = "auto",
) -> Job:
    """Make the detail of a picture stronger, without halos along edges.

    Parameters
    ----------
    picture
        The picture: a file, or an array.
    amount
        0 leaves the picture as it is, 1 doubles its detail.
    detail
        What counts as detail: texture alone (fine), small shapes too (medium), or larger ones (coarse), by the moment of
        the run at which the base is taken; all takes the mean of the three.
    colour
        Strengthen each channel's own detail, as the paper's formula has it: colours grow with it. Otherwise only brightness.
    preset
        fast: a narrow network. paper: the network of the Deep Image Prior.
    steps
        The moment at which the base is taken, instead of the one that detail names.
    seed
        The same seed gives the same picture.
    device
        auto, cpu, cuda or cuda:1.
    channel_axis
        Where the channels of an array are: auto, a number, or None for a picture without channels.
    """
    from untaught.io import arrays
    from untaught.problem import Problem
    from untaught.solver.stage import Job
    from untaught.tasks._presets import Facts, resolve_device
    from untaught.tasks.enhance.presets import PRESETS

    array, axis = arrays.take(picture, channel_axis)
    scale = arrays.units(array)
    problem = Problem(arrays.tensor(array, axis, scale))
    pictures = arrays.full_scale(array) > 1
    facts = Facts(problem, pictures=pictures, seed=seed, device=resolve_device(device), steps=steps, kind=detail)
    plan = PRESETS.plan(preset, facts)
    finish = Detail(arrays.Layout(str(array.dtype), axis), array, amount, colour)
    return Job(plan.stages, problem, scale, finish, plan.notes)
