"""Guided by another picture: a dark photo takes its shapes from the same scene with flash. The code is the guide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from untaught.core.types import Channel, Device, Guide, Net, Picture, Seed, Steps, Stop, Strength
from untaught.tasks import task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from untaught.solver.stage import Job


@task
def flash(
    picture: Picture,
    *,
    flash: Guide = None,
    guide: Guide = None,
    align: bool = True,
    preset: Literal["fast", "best", "paper"] = "fast",
    strength: Strength = 1.0,
    steps: Steps = None,
    stop: Stop = "preset",
    network: Net = "preset",
    seed: Seed = 0,
    device: Device = "auto",
    channel_axis: Channel = "auto",
) -> Job:
    """Clean a dark photo with the help of a sharp one of the same scene.

    Parameters
    ----------
    picture
        The photo without flash, dark and noisy, whose light is to be kept: a file, or an array.
    flash
        The same scene with flash: its shapes are used, its light and colour are not.
    guide
        Instead of flash: any other picture of the same view, grey or colour (infrared, another exposure, a depth map).
    align
        Move the guide by the shift found between both, to a fraction of a pixel; no-align takes it as it lies.
    preset
        fast: a narrow network. best: a wider one, and longer. paper: the exact recipe of the Deep Image Prior.
    steps
        How many steps are taken at most, instead of the preset's own number.
    """
    from untaught.core.errors import BadInput
    from untaught.io import arrays
    from untaught.io.results import Layout
    from untaught.problem import Problem
    from untaught.solver.result import Scaled
    from untaught.tasks._presets import Facts
    from untaught.tasks.flash.presets import PRESETS

    if (flash is None) == (guide is None):
        if flash is None:
            raise BadInput("The photo with flash is missing: give it with --flash flash.jpg, or another with --guide.")
        raise BadInput("Flash and guide are both given, and one picture guides: leave one of the two out.")
    array, axis = arrays.take(picture, channel_axis)
    if array.ndim - (axis is not None) != 2:
        raise BadInput(f"A picture of shape {array.shape} cannot be guided: two axes of space are needed.")
    scale = arrays.units(array)
    data = arrays.tensor(array, axis, scale)
    notes: list[str] = []
    code = _code(guide if flash is None else flash, data, align, notes)
    problem, full = Problem(data), arrays.full_scale(array)
    facts = Facts(problem, full > 1, seed=seed, device=device, steps=steps, stop=stop, guide=code, network=network)
    return PRESETS.job(preset, facts, Scaled(Layout.of(array, axis, strength), *scale), notes)


def _code(guide: NDArray, data: Any, align: bool, notes: list[str]) -> Any:
    """The guide as a tensor (1, c, h, w) in about [0, 1], on the grid of the data; what was done to it goes into `notes`."""
    from untaught.classical.registration import matched
    from untaught.io import arrays

    try:
        guide, axis = arrays.take(guide)
    except arrays.BadInput as error:
        raise arrays.BadInput(f"The guide cannot be used. {error}") from error
    code = arrays.tensor(guide, axis, arrays.units(guide))
    return matched(code, data, align, notes)
