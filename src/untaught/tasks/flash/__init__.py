"""Guided by another picture: a dark photo takes its shapes from the same scene with flash. The code is the guide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from untaught.core.types import Channel, Device, Guide, Net, Picture, Seed, Steps, Stop, Strength
from untaught.tasks import task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from untaught.problem import Problem
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
        fast: a narrow network. best: the mean of four of them. paper: the exact recipe of the Deep Image Prior.
    steps
        How many steps are taken at most, instead of the preset's own number.
    """
    from untaught.core.errors import BadInput
    from untaught.tasks._presets import Facts
    from untaught.tasks.flash.presets import PRESETS

    if (flash is None) == (guide is None):
        if flash is None:
            raise BadInput("The photo with flash is missing: give it with --flash flash.jpg, or another with --guide.")
        raise BadInput("Flash and guide are both given, and one picture guides: leave one of the two out.")
    alone, pictures, notes = _alone(picture, preset, strength, channel_axis)
    code = _code(guide if flash is None else flash, alone.problem.data, align, notes)
    problem = alone.problem if preset == "paper" else _beside(alone.problem, code, notes)
    facts = Facts(problem, pictures, seed=seed, device=device, steps=steps, stop=stop, guide=code, network=network)
    return PRESETS.job(preset, facts, alone.finish, notes)


def _alone(picture: Any, preset: str, strength: float, channel_axis: Any) -> tuple[Job, bool, list[str]]:
    """(the photo as `denoise` would restore it, whether it is a picture, what its noise is); `paper` asks nothing of it."""
    from untaught.core.errors import BadInput
    from untaught.io import arrays
    from untaught.problem import Problem
    from untaught.solver.result import Scaled
    from untaught.solver.stage import Job
    from untaught.tasks._rows import CLASSIC
    from untaught.tasks.denoise import denoise
    from untaught.tasks.denoise.taken import Taken

    notes: list[str] = []
    taken = Taken.of(picture, "auto", channel_axis, "space", notes)
    if taken.data.ndim != 4:
        raise BadInput(f"A picture of shape {taken.array.shape} cannot be guided: two axes of space are needed.")
    pictures = taken.scale == (0.0, arrays.full_scale(taken.array))
    if preset == "paper":
        return Job((), Problem(taken.data), Scaled(taken.layout(strength), *taken.scale)), pictures, notes
    asked = {"preset": "instant", "strength": strength, "channel_axis": channel_axis}
    job = denoise.compose(picture, **asked)
    if job.problem.weight is not None:  # a guided filter weighs no values
        job = denoise.compose(picture, noise="gaussian", **asked)
    return job, pictures, [note for note in job.notes if note != CLASSIC.format(preset="instant")]


def _beside(problem: Problem, code: Any, notes: list[str]) -> Problem:
    """The problem with the noise that the guide tells from texture, where the photo alone showed less; which `notes` say."""
    from dataclasses import replace

    from untaught.classical.guided import GuidedFilter
    from untaught.noise import Measured, noise_beside

    left, turned = (problem.data - GuidedFilter(guide).estimate(problem) for guide in (code, code.flip(2, 3)))
    found = noise_beside(problem.data, left, turned, problem.likelihood.level)
    if found is None:
        return problem
    times = found.level / problem.likelihood.level
    notes.append(
        f"the guide tells grain from texture: the noise is {times:.1f} times as strong as the photo alone shows"
    )
    return replace(problem, likelihood=Measured(found, beside=True))


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
