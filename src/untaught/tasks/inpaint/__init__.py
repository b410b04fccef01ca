"""Fill what is missing: y = x where it is known, A = identity, weight 0 in the holes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from untaught.core.types import Axes, Channel, Device, Ge, Le, Mask, Net, PictureFile, Seed, Steps, Stop, Unit
from untaught.tasks import task

if TYPE_CHECKING:
    from untaught.solver.stage import Job


@task
def inpaint(
    picture: PictureFile,
    *,
    mask: Mask = None,
    mask_keeps: bool = False,
    mask_colour: str | None = None,
    tolerance: Annotated[float, Ge(0), Le(1), Unit("full scale")] = 0.0,
    grow: Annotated[int, Ge(0), Unit("pixels")] = 0,
    preset: Literal["instant", "fast", "balanced", "best", "paper"] = "fast",
    recipe: Literal["auto", "text", "pixels", "sparse", "hole", "region"] = "auto",
    soft: bool = False,
    steps: Steps = None,
    stop: Stop = "preset",
    network: Net = "preset",
    seed: Seed = 0,
    device: Device = "auto",
    axes: Axes = "auto",
    channel_axis: Channel = "auto",
) -> Job:
    """Fill holes in a picture: text, scratches, dead pixels, whole objects.

    Parameters
    ----------
    picture
        The picture: a file, or an array (h, w), (h, w, 3), or of 1 to 3 axes of space with channel_axis given.
    mask
        What is to be filled, white: a picture of the same size, an array (True: fill), alpha for what is transparent, or nan.
        A transparent layer with strokes in any colour will do, and a copy of the picture with one loud colour over the damage.
        What a soft edge touches is filled wholly. `untaught mask` proposes one.
    mask_keeps
        White in the mask means known, as in the masks of the Deep Image Prior paper.
    mask_colour
        Fill what is painted in this colour, '#ff00ff', as well.
    tolerance
        How far a channel may be from that colour, as a fraction of full scale, e.g. 8/255.
    grow
        Fill so many pixels around all that is marked as well: for damage that is wider than the mask, and for the soft rim of an
        object that is to be removed.
    preset
        instant: a classic filling, no network. fast: seconds to minutes. balanced: some minutes. best: the quality that
        minutes buy. paper: the exact recipe of the Deep Image Prior. All but paper fill wide holes from elsewhere in the picture.
    recipe
        auto decides by the holes. text: thin ones. pixels: many single ones. sparse: little is known at all. hole, region:
        wide ones, few or many.
    soft
        Take the network's picture everywhere, instead of the known pixels as they came.
    """
    import numpy as np
    import torch

    from untaught.core.errors import BadInput
    from untaught.io import arrays, masks
    from untaught.io.results import Layout
    from untaught.problem import Problem
    from untaught.solver.result import Scaled
    from untaught.tasks._presets import Facts
    from untaught.tasks.inpaint.presets import PRESETS, chosen
    from untaught.tasks.inpaint.result import Inpainted

    array = np.asarray(picture.pixels)
    channel_axis = arrays.placed(array, axes, channel_axis)
    finite = np.isfinite(array) if array.dtype.kind == "f" else np.ones(array.shape, bool)
    axis = arrays.take(
        np.where(finite, array, 0).astype(array.dtype) if array.dtype.kind == "f" else array, channel_axis
    )[1]
    holes = masks.holes(
        picture, mask, keeps=mask_keeps, colour=mask_colour, tolerance=tolerance, grow=grow, channel_axis=axis
    )
    fill, notes = holes.fill, [*holes.notes]
    hidden = fill  # and what says nothing: it is not asked for, and nothing is learnt from it
    if picture.unknown is not None:
        hidden = fill | (picture.unknown if axis is None else np.expand_dims(picture.unknown, axis))
    if odd := int((~finite & ~hidden).sum()):
        raise BadInput(
            f"{odd} of the values that are to be kept are NaN or infinite: mark them in the mask, or give --mask nan."
        )
    if hidden.all():
        raise BadInput("Nothing is left to fill from: all that is not to be filled is no-data, or transparent.")
    scale = arrays.units(array[~hidden])
    data = arrays.tensor(np.where(hidden, scale[0], array), axis, scale)
    first = ~hidden[None] if axis is None else np.moveaxis(~hidden, axis, 0)
    weight = torch.from_numpy(np.ascontiguousarray(first, dtype=np.float32))[None]
    full = arrays.full_scale(array)
    kind, why = chosen(recipe, holes.shape)
    notes += why
    opaque = isinstance(mask, str) and mask.lower() == "alpha"
    if opaque:
        notes.append("The transparency said what was missing: the result is opaque.")
    finish = Inpainted(Layout.of(array, axis), fill, None if soft else array, axis, opaque)
    problem = Problem(data, weight=weight)
    facts = Facts(problem, full > 1, seed=seed, device=device, steps=steps, stop=stop, kind=kind, network=network)
    return PRESETS.job(preset, facts, Scaled(finish, *scale), notes)
