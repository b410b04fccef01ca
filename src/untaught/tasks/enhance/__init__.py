"""Bring out detail: y + amount (y - x), where x is what a network has drawn of y after a few steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from untaught.core.types import Axes, Channel, Device, Ge, Le, Picture, Seed, Steps
from untaught.tasks import task

if TYPE_CHECKING:
    from untaught.solver.stage import Job


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
    axes: Axes = "auto",
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
    """
    from untaught.io import arrays
    from untaught.io.results import Layout
    from untaught.problem import Problem
    from untaught.solver.result import Scaled
    from untaught.tasks._presets import Facts
    from untaught.tasks.enhance.presets import PRESETS
    from untaught.tasks.enhance.result import Detail

    array, axis = arrays.take(picture, arrays.placed(picture, axes, channel_axis))
    # By the numbers and not by their type: the base is sought for so few steps that another scale gives another one.
    offset, gain, *_ = arrays.scale_of(array)
    problem = Problem(arrays.tensor(array, axis, (offset, gain)))
    pictures = (offset, gain) == (0.0, arrays.full_scale(array))
    facts = Facts(problem, pictures, seed=seed, device=device, steps=steps, kind=detail)
    finish = Scaled(Detail(Layout.of(array, axis), array, amount, colour), offset, gain)
    return PRESETS.job(preset, facts, finish)
