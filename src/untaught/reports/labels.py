"""Labelled grids of pictures: a name over each column, one beside each row, a sentence beneath. Drawn with Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

INK = (30, 30, 30)
GAP = 6


def grid(
    rows: Sequence[Sequence[NDArray | None]],
    *,
    columns: Sequence[str],
    names: Sequence[str] = (),
    caption: str = "",
    title: str = "",
    least: int = 96,
    wide: int = 0,
) -> NDArray:
    """(h, w, 3) uint8 of pictures (h, w) or (h, w, 3), uint8 or floats in [0, 1]; None leaves a place empty.

    columns: one label a column, which may have several lines. names: one label a row, or none. Pictures smaller than
    `least` pixels are enlarged by whole numbers, so that their pixels stay what they are; the sheet is at least `wide` pixels wide.
    """
    from PIL import Image, ImageDraw, ImageFont

    font: Any = ImageFont.load_default(13)
    bold: Any = ImageFont.load_default(15)
    cells = [[None if c is None else enlarged(rgb(c), least) for c in row] for row in rows]
    heights = [max((c.shape[0] for c in row if c is not None), default=0) for row in cells]
    widths = [
        max((row[i].shape[1] for row in cells if i < len(row) and row[i] is not None), default=0)  # type: ignore[union-attr]
        for i in range(len(columns))
    ]
    pen = ImageDraw.Draw(Image.new("RGB", (1, 1)))

    def lines(text: str, width: float, face: Any) -> list[str]:
        return [part for line in text.split("\n") for part in wrapped(line, width, lambda t: pen.textlength(t, face))]

    heads = [lines(text, w, font) for text, w in zip(columns, widths, strict=True)]
    # A word that no line break helps makes its column wider.
    widths = [max(w, *(int(pen.textlength(t, font)) + 1 for t in head)) for w, head in zip(widths, heads, strict=True)]
    margin = GAP + (max(int(pen.textlength(n, font)) for n in names) + GAP if names else 0)
    width = max(wide, margin + sum(w + GAP for w in widths))
    above = lines(title, width - 2 * GAP, bold) if title else []
    below = lines(caption, width - 2 * GAP, font) if caption else []
    head = GAP + 20 * len(above) + 17 * max(map(len, heads))
    height = head + sum(h + GAP for h in heights) + 17 * len(below) + (GAP if below else 0)

    sheet = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(sheet)
    for i, line in enumerate(above):
        pen.text((GAP, GAP + 20 * i), line, INK, bold)
    left = margin
    for text, w in zip(heads, widths, strict=True):
        for i, line in enumerate(text):
            pen.text((left, head - 3 - 17 * (len(text) - i)), line, INK, font)
        left += w + GAP
    top = head
    for i, row in enumerate(cells):
        if i < len(names):
            pen.text((GAP, top + heights[i] / 2), names[i], INK, font, anchor="lm")
        left = margin
        for cell, w in zip(row, widths, strict=False):
            if cell is not None:
                sheet.paste(Image.fromarray(cell), (left, top))
            left += w + GAP
        top += heights[i] + GAP
    for i, line in enumerate(below):
        pen.text((GAP, top + 17 * i), line, INK, font)
    return np.asarray(sheet)


def stack(*panels: NDArray) -> NDArray:
    """Panels beneath each other on white, each at the left."""
    width = max(p.shape[1] for p in panels)
    return np.concatenate(
        [np.pad(p, ((0, 0), (0, width - p.shape[1]), (0, 0)), constant_values=255) for p in panels], axis=0
    )


def rgb(picture: NDArray) -> NDArray:
    """(h, w, 3) uint8 of (h, w), (h, w, 1) or (h, w, 3), uint8 or floats in [0, 1]."""
    colour = picture[..., None] if picture.ndim == 2 else picture
    colour = colour if colour.shape[-1] == 3 else np.repeat(colour[..., :1], 3, axis=-1)
    if colour.dtype == np.uint8:
        return colour
    return np.rint(255 * np.clip(colour, 0, 1)).astype(np.uint8)


def enlarged(picture: NDArray, least: int) -> NDArray:
    """The picture, its pixels repeated until its longer side has `least` of them."""
    factor = max(1, -(-least // max(picture.shape[:2])))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def wrapped(text: str, width: float, measure: Any) -> list[str]:
    """The text in lines no longer than `width`, broken between words."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and measure(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
