"""Enlarge: y = D x, the picture is what a larger one would look like made smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from untaught.core.types import Axes, Channel, Device, Gt, KeepNan, Net, PictureFile, Seed, Steps, Stop
from untaught.tasks import task

if TYPE_CHECKING:
    from untaught.solver.stage import Job

Kernel: TypeAlias = Literal[
    "auto", "lanczos3", "lanczos2", "bicubic", "box",
    "gauss", "gauss:0.6", "gauss:0.7", "gauss:0.8", "gauss:0.9", "gauss:1", "gauss:1.2", "gauss:1.5",
]  # fmt: skip


@task
def upscale(
    picture: PictureFile,
    *,
    factor: Annotated[float, Gt(1)] = 4.0,
    kernel: Kernel = "auto",
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
        How the picture was made smaller, if that is known; gauss:0.8 is a Gaussian of 0.8 pixels (standard deviation), gauss one
        of 0.5. auto: lanczos3, as most programs do, or a Gaussian where the picture itself is clearly softer than that; where all
        pixels are repeated in blocks, one of each block is enlarged (box), or they are repeated on where they have few colours; for
        the preset paper lanczos2, as its authors did.
    preset
        fast: a small network that the picture itself teaches. balanced: the same for a minute. best: a larger one, for longer.
        paper: the exact recipe of the Deep Image Prior.
    """
    from torch.nn.functional import interpolate

    from untaught.classical.blind_kernel.shrunk import softness
    from untaught.core.errors import BadInput, unknown
    from untaught.core.geometry import repeats
    from untaught.io import arrays
    from untaught.io.images.hidden import seen
    from untaught.io.results import Layout
    from untaught.noise.differences import even_noise, few_colours
    from untaught.noise.kinds import strength
    from untaught.noise.spectrum import estimate_noise, sample
    from untaught.problem import Problem
    from untaught.problem.likelihoods import Gaussian
    from untaught.problem.operators.resample import KERNELS, Downsample
    from untaught.solver.result import Scaled
    from untaught.tasks._presets import Facts
    from untaught.tasks.upscale.presets import BLOCKS, PRESETS

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
    name: str = kernel
    notes: list[str] = []
    if kernel == "auto" and not paper and (each := repeats(data)) > 1:
        data, name = data[(..., *[slice(None, None, each)] * len(small))], "box"
        small = tuple(data.shape[2:])
        notes.append(
            f"every pixel is repeated {each} times along each axis: the picture of {' x '.join(map(str, small))} is enlarged"
        )
        if few_colours(data):
            problem = Problem(interpolate(data, large, mode="nearest-exact"))
            facts = Facts(
                problem, full > 1, seed=seed, device=device, steps=steps, stop=stop, network=network, kind=BLOCKS
            )
            return PRESETS.job(preset, facts, Scaled(Layout.of(array, axis), *scale), notes)
    elif kernel == "auto":
        lossy = picture.format == "JPEG"  # whose fine detail is gone for another reason
        soft = None if paper or lossy else softness(data, 1 / full if full > 1 else 0.0)
        name = soft or ("lanczos2" if paper else "lanczos3")
        notes.append(_told(name, soft))
    operator = Downsample(small, large, name, border="repeat" if paper else "renormalise")
    noise = 0.0 if paper or data.ndim != 4 else even_noise(sample(data))
    if noise:
        noise = min(noise, strength(estimate_noise(data)))  # which tells small letters from it
    if noise:
        notes.append(
            f"noise of about {arrays.amounts(array, scale).said(noise, form='.2f')} was found, and is not enlarged"
        )
    problem = Problem(data, operator, Gaussian(noise or None))
    facts = Facts(problem, full > 1, seed=seed, device=device, steps=steps, stop=stop, network=network)
    return PRESETS.job(preset, facts, Scaled(Layout.of(array, axis), *scale), notes)


def _told(name: str, soft: str | None) -> str:
    """What is said of a kernel that nobody gave."""
    if soft is None:
        return f"the picture is taken to have been made smaller with {name}"
    from untaught.problem.operators.resample import SOFT

    return (
        f"the picture looks as if it was made smaller with a blur of {SOFT[soft]:g} pixels ({name}); if it was not, give "
        "the kernel, such as lanczos3"
    )
