"""Inpainting: table 1 (half of the pixels), a wide hole, text, and what depth and structure of the network do to a region."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.bench.cases import picture
from untaught.bench.figures._base import DB, DIP, Figure, Made, Panel, Reproduced, Runner, Size, Track
from untaught.bench.figures._pictures import Light, cases, job_of, photo, scored, small, told
from untaught.bench.metrics import psnr
from untaught.bench.networks import centre

ELEVEN = {
    "inpaint11/barbara.png": "camera",
    "inpaint11/house.png": "coins",
    "inpaint11/montage.png": "moon",
    "inpaint11/peppers256.png": "page",
}
FOLDER = "dip/inpainting"
PIXELS = Light(1500, "hourglass:down=32,32,32,32,32", lr=0.01)
TEXT = Light(800, "hourglass:down=32,32,32,32,32,skip=4,upsample=nearest")
HOLE = Light(800, "hourglass:down=16,32,64,64,64,skip=0,upsample=nearest")
_FLAT = "skip=0,kernel_down=5,upsample=nearest,mix=no"
DEPTHS = {
    "depth 6": Light(600, f"hourglass:down=16,32,64,64,64,64,{_FLAT}"),
    "depth 4": Light(600, f"hourglass:down=16,32,64,64,{_FLAT}", full=f"hourglass:down=16,32,64,128,{_FLAT}"),
    "depth 2": Light(600, f"hourglass:down=16,32,{_FLAT}", full=f"hourglass:down=16,32,{_FLAT}"),
    "U-Net": Light(600, "unet:channels=8,16,32,64,64", 0.001, "unet", 0.001),
    "ResNet": Light(600, "resnet:width=16", 0.001, "resnet", 0.001),
}
"""The authors' code: depths 2, 4 and 6, and two others at a tenth of the rate."""


def _table(size: Size) -> list[Panel]:
    found = cases("inpaint", ELEVEN, size, 96, missing=0.5)
    return [scored("inpaint", case, size, PIXELS, classics=("biharmonic",)) for case in found]


def masked(
    size: Size, name: str, instead: str, side: int, *, crop: bool
) -> tuple[str, NDArray, NDArray, NDArray | None]:
    """(name, picture, what is missing, the clean one where it is known) of the authors' pair, or of one that is drawn here.

    crop: the middle of it, where a text would not survive a smaller size.
    """
    known = None if size.data is None else size.data / FOLDER / f"{name}_mask.png"
    title, pixels = photo(size, f"{FOLDER}/{name}.png", instead)
    if known is None or not known.exists() or title == instead:
        hidden = _drawn(name, pixels.shape[:2])
    else:
        mask = picture(known)
        hidden = (mask if mask.ndim == 2 else mask.min(-1)) < 128
    side = size.pixels(side)
    if crop:
        pixels, hidden = centre(pixels, side), centre(hidden, side)
    else:
        pixels, hidden = small(pixels, side), small(255 * hidden.astype(np.uint8), side) > 0
    # What lies under the authors' holes is in the file of the text alone.
    clean = pixels if title == instead or name == "kate" else None
    return title, np.where(hidden[..., None], 0, pixels).astype(np.uint8), hidden, clean


def _drawn(name: str, space: tuple[int, int]) -> NDArray:
    """A hole like the authors': text, an object, or regions."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = space
    image = Image.new("L", (width, height))
    pen = ImageDraw.Draw(image)
    if name == "kate":
        font = ImageFont.load_default(max(9, height // 16))
        for row in range(0, height, max(12, height // 10)):
            pen.text((row % 23, row), "untaught " * 20, 255, font)
    elif name == "vase":
        pen.ellipse([0.42 * width, 0.42 * height, 0.58 * width, 0.58 * height], 255)
    else:
        for x in (0.15, 0.55):
            pen.rectangle([x * width, 0.3 * height, (x + 0.25) * width, 0.65 * height], 255)
    return np.asarray(image) > 0


def _holes(size: Size, name: str, instead: str, side: int, light: Light, recipe: str, crop: bool) -> list[Panel]:
    def make(run: Runner) -> Made:
        title, given, hidden, clean = masked(size, name, instead, side, crop=crop)
        job = job_of("inpaint", given, {"mask": hidden, "recipe": recipe}, size, light)
        return _filled(name, title, DIP, given, clean, job, told(job, light, size), run)

    return [Panel(name, make)]


def _filled(
    panel: str, title: str, method: str, given: NDArray, clean: NDArray | None, job: Any, at: str, run: Runner
) -> Made:
    """The row and the pictures of one filling; where the truth is not known, how far what is known was fitted."""
    solution = run(job, Track(every=10))
    result, seconds = job.result(solution.x), round(solution.seconds, 1)
    if clean is None:
        fitted = solution.history[-1].energy ** 0.5
        row = Reproduced(panel, title, method, "misfit of what is known, RMS", fitted, at, seconds=seconds)
        return Made([row], {"given": given, f"{method}\n{at}": result})
    decibels = psnr(result, clean)
    row = Reproduced(panel, title, method, DB, round(decibels, 3), at, seconds=seconds)
    return Made([row], {"given": given, f"{method}\n{decibels:.2f} dB": result, "clean": clean})


def _depths(size: Size) -> list[Panel]:
    def make(name: str, light: Light, run: Runner) -> Made:
        title, given, hidden, clean = masked(size, "library", "coffee", 160, crop=False)
        job = job_of("inpaint", given, {"mask": hidden, "recipe": "region"}, size, light)
        return _filled(name, title, name, given, clean, job, told(job, light, size), run)

    return [Panel(name, partial(make, name, light)) for name, light in DEPTHS.items()]


FIGURES = (
    Figure(
        "table1",
        "table 1",
        "Half of the pixels missing",
        "Grey pictures of which every second pixel is missing at random; published beside ours: the paper, and "
        "convolutional sparse coding (Papyan et al. 2017). Our biharmonic filling is scikit-image's.",
        _table,
    ),
    Figure(
        "fig6",
        "figure 6",
        "A wide hole",
        "An object is marked and filled from what is around it. No skips, and a grid of coordinates for z: what is "
        "far has a say.",
        partial(_holes, name="vase", instead="coffee", side=160, light=HOLE, recipe="hole", crop=False),
    ),
    Figure(
        "fig7",
        "figure 7",
        "Text",
        "Letters over the whole picture. Thin holes are surrounded closely, and the network fills them to the eye's"
        " content.",
        partial(_holes, name="kate", instead="astronaut", side=160, light=TEXT, recipe="text", crop=True),
    ),
    Figure(
        "fig8",
        "figure 8",
        "A region, by depth and structure of the network",
        "The same hole filled by hourglasses of depth 6, 4 and 2, a U-Net and a ResNet. Deep networks without skips"
        " carry shapes into the hole; shallow ones, and those with wide skips or none of the depth, leave blur or "
        "the average.",
        _depths,
    ),
)
