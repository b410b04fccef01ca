"""Undo a JPEG's artefacts: the data are the coefficients in the file, which say of each only in which interval it lay."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

from untaught.core.types import Axes, Channel, Device, Net, PictureFile, Seed, Steps, Stop, Strength
from untaught.tasks import task

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from untaught.io.images import Image
    from untaught.io.images.jpeg import Coefficients
    from untaught.solver.stage import Job


@task
def dejpeg(
    picture: PictureFile,
    *,
    preset: Literal["instant", "fast", "balanced", "best", "paper"] = "fast",
    coefficients: bool = True,
    strength: Strength = 1.0,
    steps: Steps = None,
    stop: Stop = "preset",
    network: Net = "preset",
    seed: Seed = 0,
    device: Device = "auto",
    axes: Axes = "auto",
    channel_axis: Channel = "auto",
) -> Job:
    """Remove the blocks and ripples of JPEG compression.

    Parameters
    ----------
    picture
        The JPEG file itself: its coefficients and quantisation tables are read. Of any other file, and of an array, they are
        found again where the pixels were a JPEG that libjpeg wrote, and are neither resized nor retouched since; what else was lost
        is removed as noise is.
    preset
        instant: a classic filter, no network. fast: a longer one, in seconds. balanced: a network beside it, in a minute. best: the
        quality that minutes buy. paper: the exact recipe of the Deep Image Prior, which takes the pixels.
    coefficients
        no-coefficients takes the pixels of a JPEG, too, and so needs no further package.
    """
    from untaught.io import arrays
    from untaught.io.images.hidden import seen
    from untaught.io.results import Layout
    from untaught.problem import Problem
    from untaught.solver.result import Result, Scaled
    from untaught.tasks._presets import Facts
    from untaught.tasks.dejpeg.presets import PRESETS
    from untaught.tasks.dejpeg.result import Upright
    from untaught.tasks.denoise import denoise

    array, axis = arrays.take(seen(picture), arrays.placed(picture.pixels, axes, channel_axis))
    scale = arrays.units(array)
    finish: Result = Layout.of(array, axis, strength)
    notes: list[str] = []
    found = _coefficients(picture, preset, coefficients, notes)
    corner = (0, 0)
    if found is None and coefficients and preset != "paper":
        found, corner = _traced(array, axis, notes)
    if found is not None:
        problem, finish = _problem(found), Upright(finish, found.size, found.orientation, corner)
    elif preset == "paper":
        problem = Problem(arrays.tensor(array, axis, scale))
    else:
        job = denoise.compose(
            array,
            preset=preset,
            strength=strength,
            steps=steps,
            stop=stop,
            network=network,
            seed=seed,
            device=device,
            channel_axis=axis,
        )
        return replace(job, notes=(*notes, *job.notes))
    full = arrays.full_scale(array)
    facts = Facts(problem, full > 1, seed=seed, device=device, steps=steps, stop=stop, network=network)
    return PRESETS.job(preset, facts, Scaled(finish, *scale), notes)


def _coefficients(picture: Image, preset: str, wanted: bool, notes: list[str]) -> Coefficients | None:
    """What the file holds; None where there is no JPEG, or it is not asked for, which is said in `notes`."""
    from untaught.io.images.jpeg import coefficients
    from untaught.io.images.samples import turn

    if preset == "paper":
        notes.append("paper fits the decoded pixels, as the original does, and not the coefficients.")
        return None
    if not wanted:
        notes.append("The pixels were taken, and the file's coefficients left alone, as asked.")
        return None
    if picture.format != "JPEG" or (picture.source is None and picture.coded is None):
        what = f"A {picture.format} file" if picture.format else "An array"
        notes.append(f"{what} holds no JPEG coefficients, and less is known: name the JPEG itself if there is one.")
        return None
    found = picture.coded or coefficients(cast("Path", picture.source))
    if turn(_blank(found.size), found.orientation).shape[:2] != picture.pixels.shape[:2]:
        notes.append(
            "The pixels handed in are not those of the JPEG they came from: the pixels were taken, and not the file."
        )
        return None
    kind = {1: "grey"}.get(len(found.counts), "YCbCr" if found.colour else "RGB")
    coarse = max(found.shrink)
    said = f", colour at 1/{coarse[0] * coarse[1]} of the pixels" if coarse != (1, 1) else ""
    notes.append(f"The coefficients of the JPEG were used ({kind}{said}).")
    return found


def _traced(array: NDArray, axis: int | None, notes: list[str]) -> tuple[Coefficients | None, tuple[int, int]]:
    """What the JPEG held that the pixels show to have been, and the rows and columns before them; None where they show none."""
    import numpy as np

    from untaught.io.images import traces
    from untaught.io.images.jpeg import decoded

    pixels = array if axis is None else np.moveaxis(array, axis, -1)
    pixels = pixels[..., 0] if axis is not None and pixels.shape[-1] == 1 else pixels
    once = traces.trace(pixels)
    if once is None:
        notes.append(
            "No trace of a JPEG was found in the pixels: what does not belong to the picture is removed as noise is."
        )
        return None, (0, 0)
    file, corner = traces.compressed(pixels, once)
    quality, sampling = once.quality, once.said
    notes.append(f"The pixels were a JPEG of quality {quality}{sampling}: its coefficients were found again.")
    return decoded(file), corner


def _blank(size: tuple[int, int]) -> NDArray:
    import numpy as np

    return np.empty(size, np.uint8)


def _problem(found: Coefficients) -> Any:
    """y, A, E and the weights of a JPEG: intervals in quantisation steps, weighted as squared grey levels."""
    import torch

    from untaught.problem import Problem
    from untaught.problem.likelihoods import Interval
    from untaught.problem.operators.jpeg import BlockDCT, Plane

    planes = tuple(
        Plane((c.shape[0], c.shape[1]), shrink, steps)
        for c, shrink, steps in zip(found.counts, found.shrink, found.steps, strict=True)
    )
    operator = BlockDCT(planes, found.colour)
    data = operator.levelled(torch.from_numpy(found.measurements))
    return Problem(data, operator, Interval(0.5, 0.02), weight=operator.energies())
