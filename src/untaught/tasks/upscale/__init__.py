"""Enlarge: y = D x, the picture is what a larger one would look like made smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from untaught.core.types import Axes, Channel, Device, Gt, KeepNan, Net, PictureFile, Seed, Steps, Stop
from untaught.tasks import task

if TYPE_CHECKING:
    from untaught.solver.stage import Job


@task
def upscale(
    picture: PictureFile,
    *,
    factor: Annotated[float, Gt(1)] = 4.0,
    kernel: Literal["auto", "lanczos3", "lanczos2", "bicubic", "box", "gauss"] = "auto",
    preset: Literal["fast", "balanced", "best", "paper"] = "fast",
    keep_nan: KeepNan = False,
    steps: Steps = None,
    stop: Stop = "preset",
    network: Net = "preset",
    seed: Seed = 0,
    device: Device = "auto",
    axes: Axes = "auto",
    channel_axis: Channel = "auto",
) -> Job:
    """Enlarge a picture.

    Parameters
    ----------
    picture
        The small picture: a file, or an array (h, w), (h, w, 3), or of 1 to 3 axes of space with channel_axis given.
    factor
        How many times larger each side becomes: 2, 3, 4, 8 or any number above 1; sides are rounded to whole pixels.
    kernel
        How the picture was made smaller, if that is known. auto: lanczos3, as most programs do; for the preset paper
        lanczos2, as its authors did.
    preset
        fast: a small network that the picture itself teaches. balanced: the same for a minute. best: a larger one, for longer.
        paper: the exact recipe of the Deep Image Prior.
    """
    from untaught.core.errors import BadInput, unknown
    from untaught.io import arrays
    from untaught.io.images.hidden import seen
    from untaught.io.results import Layout
    from untaught.problem import Problem
    from untaught.problem.operators.resample import KERNELS, Downsample
    from untaught.solver.result import Scaled
    from untaught.tasks._presets import Facts
    from untaught.tasks.upscale.presets import PRESETS

    channel_axis = arrays.placed(picture.pixels, axes, channel_axis)
    # One colour of a changing opacity is a picture as well: an icon.
    array, axis = arrays.take(seen(picture), channel_axis, flat=picture.alpha is not None)
    scale, full = arrays.units(array), arrays.full_scale(array)
    data = arrays.tensor(array, axis, scale)
    small = tuple(data.shape[2:])
    if factor > 1000:
        raise BadInput(f"factor = {factor:g} is more than 1000: no picture holds that much.")
    large = tuple(round(n * factor) for n in small)
    if large == small:
        raise BadInput(
            f"factor = {factor:g} leaves {' x '.join(map(str, small))} pixels as they are: give a larger one."
        )
    if kernel != "auto" and kernel not in KERNELS:
        raise unknown("kernel", kernel, ["auto", *KERNELS])
    paper = preset == "paper"
    name = ("lanczos2" if paper else "lanczos3") if kernel == "auto" else kernel
    notes = [f"the picture is taken to have been made smaller with {name}"] if kernel == "auto" else []
    operator = Downsample(small, large, name, border="repeat" if paper else "renormalise")
    problem = Problem(data, operator)
    facts = Facts(problem, full > 1, seed=seed, device=device, steps=steps, stop=stop, network=network)
    return PRESETS.job(preset, facts, Scaled(Layout.of(array, axis), *scale), notes)
