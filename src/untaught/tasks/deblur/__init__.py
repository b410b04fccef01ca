"""Undo blur: y = k * x + noise, the kernel known, or sought together with the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from untaught.core.types import Axes, Channel, Device, File, KeepNan, Net, PictureFile, Seed, Sigma, Steps, Stop
from untaught.tasks import task

if TYPE_CHECKING:
    from torch import Tensor

    from untaught.io.images import Image
    from untaught.solver.stage import Job


@task
def deblur(
    picture: PictureFile,
    *,
    kernel: File = None,
    blind: bool = False,
    size: str = "auto",
    sigma: Sigma = None,
    preset: Literal["instant", "fast", "balanced", "best", "paper"] = "fast",
    keep_nan: KeepNan = False,
    steps: Steps = None,
    stop: Stop = "preset",
    network: Net = "preset",
    seed: Seed = 0,
    device: Device = "auto",
    axes: Axes = "auto",
    channel_axis: Channel = "auto",
) -> Job:
    """Undo the blur of a lens or of a movement.

    Parameters
    ----------
    picture
        The blurred picture: a file, or an array (h, w), (h, w, 3), or of 1 to 3 axes of space with channel_axis given.
    kernel
        What became of a point: gauss:1.6 (standard deviation in pixels), motion:15,30 (length, angle counter-clockwise),
        disk:3 (radius), a file, or an array. 8- and 16-bit files are divided by their sum; other weights must sum to 1.
    blind
        The kernel is not known: it is sought in the picture before the picture is, with paper together with it.
    size
        With blind: the largest size that the kernel may have, HEIGHTxWIDTH; auto: 31x31, in small pictures a third of a side.
    sigma
        Standard deviation of the noise as a fraction of full scale, e.g. 2/255. Estimated where it is not given.
    preset
        fast: a classic denoiser in turn with the data; instant: a few rounds of it. balanced: then a network that learns what it
        does wrong. best: the same, for minutes. paper: the Deep Image Prior's network. With blind, paper
        is SelfDeblur's network.
    """
    from dataclasses import replace

    from untaught.classical.blind_kernel.contradicted import contradicted
    from untaught.core.errors import BadInput
    from untaught.core.geometry import pad_to
    from untaught.io import arrays
    from untaught.io.results import Layout
    from untaught.problem import Problem
    from untaught.problem.likelihoods import Compressed, Gaussian
    from untaught.problem.operators.blur import BlindBlur, Blur, SoughtBlur
    from untaught.solver.result import Scaled
    from untaught.tasks._presets import Facts
    from untaught.tasks.deblur.presets import PRESETS
    from untaught.tasks.deblur.result import Inner, limits

    array, axis = arrays.take(picture.pixels, arrays.placed(picture.pixels, axes, channel_axis))
    scale, full = arrays.units(array), arrays.full_scale(array)
    data = arrays.tensor(array, axis, scale)
    space = tuple(data.shape[2:])
    notes: list[str] = []
    if blind and kernel is not None:
        raise BadInput("blind seeks the kernel, and one is given: leave out one of them.")
    if not blind and kernel is None:
        raise BadInput(
            "How is it blurred? Give a kernel: disk:3 (out of focus), motion:15,30 (the camera moved), gauss:1.6 (soft) or a file; "
            "or ask for blind, where it is not known."
        )
    operator: Blur | BlindBlur | SoughtBlur
    weights: Tensor | None = None
    finish = Inner(Layout.of(array, axis), space)
    if blind:
        sides = _sides(size, space)
        operator = BlindBlur(sides, seed) if preset == "paper" else SoughtBlur(sides)
    else:
        operator = Blur(kernel_of(kernel, notes))
        sides, weights = operator.sides, operator.kernel
        finish = replace(finish, limits=limits(operator.kernel, float(array.min()), float(array.max())))
    if len(sides) != len(space):
        raise BadInput(
            f"The kernel is {_words(sides)} and the picture {_words(space)}: give a kernel of {len(space)} axes."
        )
    if any(k > n for k, n in zip(sides, space, strict=True)):
        remedy = (
            "give a size up to that of the picture"
            if blind
            else "give a kernel of a smaller blur, or more of the picture"
        )
        raise BadInput(
            f"The kernel is {_words(sides)}, and the picture is only {_words(space)}, less than a point was spread over: {remedy}."
        )
    level, lost = (
        (None, False)
        if blind and preset == "paper" and sigma is None
        else _level(picture, data, sigma, array, scale, notes)
    )
    if weights is not None and level and sigma is None and (detail := contradicted(data, weights, level)):
        level, found = detail, arrays.amounts(array, scale).said(detail)
        notes.append(
            f"detail of {found} in the picture is none that this kernel leaves, and was taken for noise: where the picture is not "
            "blurred so, or was sharpened or drawn on since, it comes out worse"
        )
    start = pad_to(data, operator.image_shape(tuple(data.shape))[2:])
    problem = Problem(data, operator, (Compressed if lost else Gaussian)(level), start=start)
    facts = Facts(problem, full > 1, seed=seed, device=device, steps=steps, stop=stop, network=network)
    return PRESETS.job(preset, facts, Scaled(finish, *scale), notes)


def kernel_of(given: Any, notes: list[str]) -> Tensor:
    """The weights that a word, a file or an array stands for, as they are; `Blur` refuses what is no blur."""
    from pathlib import Path

    import numpy as np
    import torch

    from untaught.core.errors import BadInput
    from untaught.io.images import read
    from untaught.problem.operators.kernels import named

    if not isinstance(given, (str, Path)):
        array = np.asarray(given)
        if array.dtype.kind not in "uif":
            raise BadInput(f"The kernel is an array of type {array.dtype}: give numbers.")
        return torch.from_numpy(array.astype(np.float64))
    if not Path(given).is_file():
        if ":" not in str(given) and Path(given).suffix:
            raise BadInput(
                f"There is no file '{given}': give a file, or a kernel such as gauss:1.6, motion:15,30 or disk:3."
            )
        return named(str(given))
    pixels = read(given).pixels
    weights = pixels.astype(np.float64)
    if weights.ndim == 3:
        if np.ptp(weights, axis=2).max() > 0.02 * abs(weights).max():
            raise BadInput(f"The kernel '{given}' is coloured, and one kernel blurs all channels: give a grey picture.")
        weights = weights.mean(2)
    if pixels.dtype.kind in "ui":
        if not weights.any():
            raise BadInput(f"The kernel '{given}' is black: its weights sum to 0.")
        notes.append(f"the kernel '{given}' was divided by its sum, {weights.sum():.0f}")
        weights = weights / weights.sum()
    return torch.from_numpy(weights)


def _sides(size: str, space: tuple[int, ...]) -> tuple[int, ...]:
    from untaught.core.errors import BadInput

    if size == "auto":
        return tuple(min(31, n // 6 * 2 + 1) for n in space)
    try:
        sides = tuple(int(v) for v in str(size).lower().split("x"))
    except ValueError:
        sides = ()
    sides = sides * len(space) if len(sides) == 1 else sides
    if not sides or min(sides) < 1:
        raise BadInput(f"size = '{size}' is no size of a kernel: write 15x15, or auto.")
    return sides


COMPRESSED = 2.0
"""Times what a JPEG lost that is taken for noise: it lies where the blurred picture does, and is enlarged with it."""


def _level(
    picture: Image, data: Tensor, sigma: float | None, array: Any, scale: tuple[float, float], notes: list[str]
) -> tuple[float, bool]:
    """The noise in the units of the data: given, or by second differences, in which a blurred picture shows little else.

    Compression takes just those fine differences from a JPEG, and errs in the rest: whether that is most of the noise.
    """
    from untaught.io import arrays
    from untaught.io.images.jpeg import rounding
    from untaught.noise.differences import second_differences

    full = arrays.full_scale(array)
    least = 0.29 / full if full > 1 else 1e-4  # rounding alone
    if sigma is not None:
        return max(arrays.checked(sigma, array, scale, notes), 1e-5), False
    found = second_differences(data)
    lost = COMPRESSED * rounding(picture) / scale[1]
    if lost > found:
        notes.append(
            f"sigma was taken as {arrays.amounts(array, scale).said(lost, form='.2f')}, for what the JPEG lost"
        )
    else:
        notes.append(f"sigma was estimated as {arrays.amounts(array, scale).said(found, form='.2f')}")
    return max(found, lost, least), lost > found


def _words(space: tuple[int, ...]) -> str:
    return " x ".join(map(str, space))
