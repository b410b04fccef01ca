"""Enlarge: y = D x, the picture is what a larger one would look like made smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from untaught.core.types import Channel, Device, Gt, Net, PictureFile, Seed, Steps, Stop
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
    keep_nan: bool = False,
    steps: Steps = None,
    stop: Stop = "preset",
    network: Net = "preset",
    seed: Seed = 0,
    device: Device = "auto",
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
    keep_nan
        NaN, and whatever else is unknown, stays so in the result. Otherwise it is filled from what was restored around it.
    steps
        How many steps are taken, instead of the preset's own number.
    stop
        preset: after the preset's steps. auto: a network that is fitted to the picture ends by itself, after twice as many at
        the latest. Or a rule by its name, such as variance:patience=500, or variance|after:3000 for whichever comes first.
    network
        preset: the preset's own. Or one by its name in the place of the one that is fitted to the picture, such as unet, or
        hourglass:down=16,32,64.
    seed
        The same seed gives the same picture.
    device
        auto, cpu, cuda or cuda:1.
    channel_axis
        Where the channels of an array are: auto, a number, or None for a picture without channels.
    """
    from untaught.core.errors import BadInput, unknown
    from untaught.io import arrays
    from untaught.io.images.hidden import seen
    from untaught.io.results import Layout
    from untaught.problem import Problem
    from untaught.problem.operators.resample import KERNELS, Downsample
    from untaught.solver.result import Scaled
    from untaught.solver.stage import Job
    from untaught.tasks._presets import Facts, resolve_device
    from untaught.tasks.upscale.presets import PRESETS

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
    facts = Facts(
        Problem(data, operator),
        pictures=full > 1,
        seed=seed,
        device=resolve_device(device),
        steps=steps,
        stop=stop,
        network=network,
    )
    plan = PRESETS.plan(preset, facts)
    return Job(plan.stages, facts.problem, Scaled(Layout.of(array, axis), *scale), (*notes, *plan.notes))
