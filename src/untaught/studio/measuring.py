"""What can be said about a picture before anything is done to it, in words that a person uses; and what may be tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from untaught.studio.messages import Measurement
from untaught.studio.words import FOUND

if TYPE_CHECKING:
    from untaught.io.images import Image
    from untaught.noise.spectrum import NoiseModel

FAINT = 3.0  # of 255: grain below this is not worth a run
# The same in a small picture, whose texture is as fine as grain: at most 6.5 was read in 20 of 21 clean ones.
FINE = 8.0
WEAK, STRONG = 6.0, 15.0  # of 255: below it one has to look for it, above it is the first thing one sees
GROWTH = 1.3  # deviation in the brightest third over that in the darkest, or the inverse
COLOURS = 1 / 3  # of the noise's power that is no grey: 0.44 in a phone's picture, 0.02 to 0.28 in eleven of cameras
GRAINY = 1600  # ISO from which on cameras leave grain, though it may be measured as small as fine texture
LOW_QUALITY = 75  # JPEG quality below which the blocks are the first thing to be seen
SMALL = 320  # pixels of the longer side


def measure(image: Image) -> Measurement:
    """What is wrong with it, in sentences; the task that may help; the noise."""
    import torch

    from untaught.core.errors import UntaughtError
    from untaught.core.registry import tasks
    from untaught.io import arrays
    from untaught.io.images import ifd, jpeg, traces
    from untaught.noise import estimate_noise
    from untaught.noise.kinds import strength

    found: list[str] = []
    wishes: list[str] = []
    height, width = image.pixels.shape[:2]
    sigma: float | None = None
    if image.format == "JPEG" and image.source:
        quality = jpeg.quality(image.source)
    else:
        once = traces.trace(image.pixels)
        quality = once.quality if once else None
    if quality is not None and quality < LOW_QUALITY:
        found.append(FOUND["blocks"].format(quality=quality))
        wishes.append("dejpeg")
    try:
        array, axis = arrays.take(image.pixels)
        with torch.no_grad():
            noise = estimate_noise(arrays.tensor(array, axis, arrays.units(array))[0])
        level = 255 * strength(noise)
        share = arrays.units(array)[1] / arrays.full_scale(array)
        seen = level * share
        if level >= FAINT and (max(height, width) >= SMALL or seen >= FINE):
            much = "faint" if seen < WEAK else "strong" if seen > STRONG else "some"
            found.append(FOUND[f"{much} blotchy" if noise.correlated else much].format(level=f"{seen:.2g}"))
            found.extend(FOUND[where] for where in places(noise))
            wishes.append("denoise")
            sigma = None if noise.sharers or not noise.even else level / 255 * share
    except UntaughtError as error:
        found.append(str(error))
    iso = ifd.number(image.exif or b"", ifd.ISO)
    if iso >= GRAINY and "denoise" not in wishes:
        found.append(FOUND["iso"].format(iso=iso))
        wishes.append("denoise")
    bad = int((~np.isfinite(image.pixels)).sum()) if image.pixels.dtype.kind == "f" else 0
    if bad:
        found.append(FOUND["holes"].format(count=bad))
        wishes.insert(0, "inpaint")
    if max(height, width) < SMALL:
        found.append(FOUND["small"].format(width=width, height=height))
        wishes.append("upscale")
    known = tasks.names()
    suggestion = next((w for w in wishes if w in known), None)
    return Measurement(tuple(found), suggestion, sigma)


def places(noise: NoiseModel) -> list[str]:
    """Where grain is most: "dark" or "bright", "colour"; nothing for what is the same everywhere."""
    some = noise.gain.square().chunk(3)
    growth = float((some[-1].mean() / some[0].mean().clamp_min(1e-12)).sqrt())
    found = ["bright"] if growth > GROWTH else ["dark"] if growth < 1 / GROWTH else []
    shares = noise.sigma[:, None, None, None] * noise.kernel
    # Of all channels, and of their mean.
    total, mean = (
        shares.square().sum(),
        shares.mean(0).square().sum() * len(shares),
    )
    return [*found, "colour"] if noise.correlated and len(shares) == 3 and float(1 - mean / total) > COLOURS else found
