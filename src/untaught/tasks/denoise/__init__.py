"""Remove grain: y = x + noise, A = identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from untaught.core.types import (
    Along,
    Axes,
    Channel,
    Device,
    Ge,
    Gt,
    KeepNan,
    Net,
    Picture,
    Seed,
    Sigma,
    Steps,
    Stop,
    Strength,
    Unit,
)
from untaught.tasks import task

if TYPE_CHECKING:
    from untaught.noise import Kind
    from untaught.solver.stage import Job


@task
def denoise(
    picture: Picture,
    *,
    noise: Literal["auto", "gaussian", "poisson", "poisson-gaussian", "speckle", "impulse"] = "auto",
    sigma: Sigma = None,
    gain: Annotated[float | None, Gt(0), Unit("counts at full scale")] = None,
    dark: Annotated[float | None, Unit("values of the picture")] = None,
    read_noise: Annotated[float | None, Ge(0), Unit("values of the picture")] = None,
    saturation: Annotated[float | None, Unit("values of the picture")] = None,
    looks: Annotated[float | None, Gt(0), Unit("looks")] = None,
    preset: Literal["instant", "fast", "balanced", "best", "paper"] = "fast",
    strength: Strength = 1.0,
    along: Along = "space",
    keep_nan: KeepNan = False,
    steps: Steps = None,
    stop: Stop = "preset",
    network: Net = "preset",
    seed: Seed = 0,
    device: Device = "auto",
    axes: Axes = "auto",
    channel_axis: Channel = "auto",
) -> Job:
    """Remove noise from a picture.

    Parameters
    ----------
    picture
        The noisy picture: a file, or an array (h, w), (h, w, 3), or of 1 to 3 axes of space with channel_axis given.
    noise
        auto: what the picture shows. gaussian: the same everywhere, or as measured. poisson: counted light. poisson-gaussian:
        the same, read with noise. speckle: in proportion to the brightness (radar, ultrasound). impulse: some values are
        worthless (salt and pepper, dead pixels).
    sigma
        Standard deviation of the noise as a fraction of full scale, e.g. 25/255. Estimated from the picture where it is
        not given, together with whether neighbouring pixels share their noise.
    gain
        Of poisson and poisson-gaussian noise: counts at full scale (at the value 1 for floats). Estimated where it is not given.
    dark
        Of counted light: the value of the picture where there is no light, such as a camera's offset of 100. Where it is not
        given it is 0, or what brightness, strength and skewness of the noise say.
    read_noise
        Of counted light: the deviation of the noise of reading out, in values of the picture; the same as sigma, which is a
        fraction of full scale. Estimated where it is not given.
    saturation
        The value of the picture from which on the detector is full: such values stay as they are.
    looks
        Of speckle: (mean / deviation)^2 of a flat part. Estimated where it is not given.
    preset
        instant: a classic filter, no network. fast: seconds. balanced: a minute. best: the quality that minutes buy. paper: the
        exact recipe of the Deep Image Prior.
    """
    from untaught import noise as noises
    from untaught.classical.denoise.stripes import find_stripes
    from untaught.core.errors import unknown
    from untaught.io import arrays
    from untaught.io.results import Filled
    from untaught.noise import anscombe
    from untaught.problem import Problem
    from untaught.solver.result import Result, Scaled, Stabilised
    from untaught.tasks._presets import Facts
    from untaught.tasks.denoise.presets import PRESETS, grainy
    from untaught.tasks.denoise.result import Evened, Mended, Saturated, starred
    from untaught.tasks.denoise.taken import Taken

    if along not in ("space", "time"):
        raise unknown("along", along, ("space", "time"))
    kind, level = _told(noise, sigma, dark, read_noise)
    notes: list[str] = []
    taken = Taken.of(picture, axes, channel_axis, along, notes)
    array, axis, scale, clipped, data = taken.array, taken.axis, taken.scale, taken.clipped, taken.data
    full, where = arrays.full_scale(array), taken.lies(dark)
    hot = stripes = None
    if noise == "auto" and preset != "paper":
        hot = noises.find_hot(data)
        if hot is not None:
            data = noises.mended(data, hot)
            notes.append(f"{int(hot.sum())} hot or dead pixels were found and filled")
        stripes = find_stripes(data)
    if sigma is not None:
        level = arrays.checked(sigma, taken.seen, scale, notes)
    elif level is not None:
        level /= scale[1]
    if stripes is not None:
        data = stripes.removed(data)
        notes += [
            f"{name} noise of sigma {where.said(size)} was found and taken off" for name, size in stripes.sigmas.items()
        ]
    counts = None if gain is None else gain * scale[1] / full
    # A frame is a picture, and all are of one camera.
    sample = data[:, :, data.shape[2] // 2] if along == "time" else data
    before = len(notes)
    found = noises.measure(sample, kind, notes, where, sigma=level, gain=counts, looks=looks)
    if found.lost is not None and along == "time":
        notes[before:] = ["impulses, which were found, are not filled along time"]
        found = noises.measure(sample, "gaussian", notes, where, sigma=level)
    likelihood, weight, transform = found.likelihood, None, None
    finish: Result = taken.layout(strength)
    if saturation is not None and (array >= saturation).any():
        finish = Saturated(finish, saturation, array, axis)
        notes.append(f"{int((array >= saturation).sum())} values are saturated, and stay as they are")
    if found.kind in ("poisson", "poisson-gaussian", "speckle"):
        black = where.dark if found.dark is None else found.dark  # what is counted, or multiplied, begins at no light
        data, scale = data - black, (scale[0] + black * scale[1], scale[1])
        clipped = clipped and black == 0
        transform = None if preset == "paper" else anscombe.stabiliser(likelihood)
    if found.lost is not None:
        weight = (~found.lost).float()
        lost = (found.lost[0, 0] if axis is None else found.lost[0].movedim(0, axis)).numpy()
        if preset != "paper" and not grainy(likelihood):
            finish = Filled(finish, lost, array, axis)
    finish = Scaled(finish, *scale) if hot is None else Mended(Scaled(finish, *scale))
    finish = finish if stripes is None else Evened(finish)
    if (found.kind == "gaussian" and likelihood.white) or likelihood.counts is not None:
        finish, data = starred(finish, data, likelihood, axis, notes)
    if transform is not None:
        flux = () if clipped else tuple(data.double().flatten(2).mean(2)[0].tolist())
        law = likelihood
        data, likelihood, evened = anscombe.stabilised(data, transform, clipped=clipped)
        finish = Stabilised(finish, *evened, transform, flux, law)
    problem = Problem(data, likelihood=likelihood, weight=weight)
    pictures = full > 1 and scale == (0.0, full)
    asked = "noise given" if along == "space" and sigma is not None else along
    facts = Facts(problem, pictures, seed=seed, device=device, steps=steps, stop=stop, network=network, kind=asked)
    return PRESETS.job(preset, facts, finish, notes)


def _told(noise: Kind, sigma: float | None, dark: float | None, read_noise: float | None) -> tuple[Kind, float | None]:
    """(the kind, the deviation of reading out), where somebody told it. `BadInput` for what belongs to another kind."""
    from untaught.core.errors import BadInput

    for name, value in (("dark", dark), ("read_noise", read_noise)):
        if value is not None and noise not in ("auto", "poisson", "poisson-gaussian"):
            raise BadInput(f"{name} = {value:g} is of counted light, and not of {noise} noise: leave it out.")
    if read_noise is None:
        return noise, None
    if sigma is not None or noise == "poisson":
        raise BadInput("read_noise is the sigma of poisson-gaussian noise: give one of them, and no other noise.")
    return "poisson-gaussian", read_noise
