"""A map of numbers as a picture, with a bar beside it that says which colour is how much."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.reports.labels import INK, enlarged
from untaught.reports.plot import FRAME, ticks, written

# From dark to light, so that more is also lighter for who sees no colours.
STOPS = np.array([(12, 10, 50), (20, 70, 140), (0, 140, 130), (225, 170, 40), (255, 250, 215)], float)
BAR, ROOM = 18, 12  # pixels: the width of the bar, and what is left free around it


def heat(values: NDArray, label: str) -> NDArray:
    """(h, w, 3) uint8 of a map (h, w) of numbers from 0 on. label: of the bar, with its unit. The last colour is of the
    value that 0.5 % exceed, and of all of these. Small maps are enlarged to 256 pixels."""
    from PIL import Image, ImageDraw, ImageFont

    high = brightest(values)
    picture = enlarged(colours(np.clip(values / high, 0, 1)), 256)
    height, width = picture.shape[:2]
    font: Any = ImageFont.load_default(13)
    marks = ticks(0, high, most=6)
    words = written(marks)
    pen = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    beside = max(int(pen.textlength(w, font)) for w in words) + 6
    left, top = width + 2 * ROOM, ROOM + 18
    wide = max(left + BAR + beside + ROOM, ROOM + int(pen.textlength(label, font)) + ROOM)
    sheet = Image.new("RGB", (wide, height + top + ROOM), "white")
    sheet.paste(Image.fromarray(picture), (ROOM, top))
    ramp = np.repeat(np.linspace(1, 0, height)[:, None], BAR, 1)
    sheet.paste(Image.fromarray(colours(ramp)), (left, top))
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((left, top, left + BAR - 1, top + height - 1), outline=FRAME, width=1)
    pen.text((ROOM, ROOM - 2), label, INK, font)
    for mark, word in zip(marks, words, strict=True):
        at = top + (height - 1) * (1 - mark / high)
        pen.line([(left + BAR, at), (left + BAR + 3, at)], FRAME)
        pen.text((left + BAR + 6, at), word, INK, font, anchor="lm")
    return np.asarray(sheet)


def colours(values: NDArray) -> NDArray:
    """(h, w, 3) uint8 of numbers from 0 to 1, linear between the stops."""
    at = np.linspace(0, 1, len(STOPS))
    return np.rint(np.stack([np.interp(values, at, channel) for channel in STOPS.T], -1)).astype(np.uint8)


def flat(size: NDArray) -> NDArray:
    """One number a pixel of a map (h, w) or (h, w, c): the root mean square over the channels."""
    return np.sqrt(np.mean(size**2, axis=-1)) if size.ndim == 3 else size


def brightest(values: NDArray) -> float:
    """What the last colour of a drawn map stands for: the value that 0.5 % exceed; never 0."""
    return float(np.quantile(values, 0.995)) or 1.0
