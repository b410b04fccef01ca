"""The contact sheet of a benchmark: clean, noisy and every method side by side, at 100 %, and residuals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from untaught.bench.metrics import psnr
from untaught.io import arrays

GAP, LABEL = 6, 16


@dataclass(frozen=True, eq=False)
class SheetRow:
    """One picture of the sheet: by name what came out, all of one size and type. start: what the input is called."""

    name: str
    clean: NDArray
    noisy: NDArray
    results: dict[str, NDArray]
    start: str = "noisy"


def contact_sheet(strips: Sequence[SheetRow], *, side: int = 192) -> NDArray:
    """(h, w, 3) uint8: for each picture a row of crops of at most `side` pixels, and below it a row of residuals.

    A residual is x - noisy on mid-grey, amplified so that three standard deviations of the noise fill the range: that
    of a good result is the noise itself, without edges.
    """
    from PIL import Image, ImageDraw, ImageFont

    columns = 2 + max(len(s.results) for s in strips)
    heights = [min(side, s.clean.shape[0]) for s in strips]
    widest = max(100, *(min(side, s.clean.shape[1]) for s in strips))  # a label needs some room
    block = 2 * (LABEL + GAP)
    sheet = Image.new("RGB", (GAP + columns * (widest + GAP), GAP + sum(2 * h + block for h in heights)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default()
    top = GAP
    for strip, height in zip(strips, heights, strict=True):
        where = busiest(strip.clean, side)
        full = arrays.full_scale(strip.clean)
        noise = float(np.std(strip.noisy / full - strip.clean / full))
        gain = max(1.0, 0.5 / (3 * noise)) if noise else 1.0
        entries = {f"{strip.name}: clean": strip.clean, strip.start: strip.noisy, **strip.results}
        for column, (name, picture) in enumerate(entries.items()):
            left = GAP + column * (widest + GAP)
            figure = "" if column == 0 else f" {psnr(picture, strip.clean):.2f} dB"
            apart = (picture[where] / full - strip.noisy[where] / full) * gain + 0.5
            below = f"residual x{gain:.1f}" if column == 0 else f"x - {strip.start}"
            for row, (text, cell) in enumerate(((name + figure, picture[where] / full), (below, apart))):
                y = top + row * (LABEL + height + GAP)
                # The default font knows Latin only, and may know no more than ASCII.
                pen.text(
                    (left, y + 2), _fitting(text.encode("ascii", "replace").decode(), pen, font, widest), "black", font
                )
                sheet.paste(Image.fromarray(_rgb(cell)), (left, y + LABEL))
        top += 2 * height + block
    return np.asarray(sheet)


def busiest(clean: NDArray, side: int) -> tuple[slice, slice]:
    """The window of at most `side` pixels in which the picture varies most: there methods differ."""
    height, width = clean.shape[:2]
    rows, columns = (max(0, n - side) for n in (height, width))
    corners = [(r, c) for r in range(0, rows + 1, max(1, side // 4)) for c in range(0, columns + 1, max(1, side // 4))]
    row, column = max(corners, key=lambda at: float(np.std(clean[at[0] : at[0] + side, at[1] : at[1] + side])))
    return slice(row, row + side), slice(column, column + side)


def _rgb(cell: NDArray) -> NDArray:
    grey = cell[..., None] if cell.ndim == 2 else cell
    colour = grey if grey.shape[-1] == 3 else np.repeat(grey[..., :1], 3, axis=-1)
    return np.rint(255 * np.clip(colour, 0, 1)).astype(np.uint8)


def _fitting(text: str, pen: object, font: object, width: int) -> str:
    """The text, cut at its front where it is too long: figures stand at the end."""
    while len(text) > 4 and pen.textlength(text, font) > width:  # type: ignore[attr-defined]
        text = ".." + text[3:]
    return text
