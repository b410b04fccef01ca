"""Line plots, drawn with Pillow: axes, ticks, legend, logarithmic scales. No plotting library is needed for a figure.

`plot` makes one panel as an array (h, w, 3), uint8; `labels.stack` puts several beneath each other.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput

# Okabe and Ito's colours, which most colour-blind people tell apart, the yellow left out: it is too faint on white.
COLOURS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (230, 159, 0), (90, 90, 90))
INK, SOFT, FRAME = (30, 30, 30), (228, 228, 228), (120, 120, 120)
FINE = 3
"""Everything is drawn this many times larger and then reduced: Pillow's lines have steps, and their mean has none."""


@dataclass(frozen=True, eq=False)
class Curve:
    """x, y: of equal length; values that are not finite, or not positive on a logarithmic axis, interrupt the line.

    style: "line", "dashes", "dots", or "both" (a line with a dot at each value). names: a word beside each value, or none.
    colour: a number into `COLOURS`; None takes the next one.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    style: Literal["line", "dashes", "dots", "both"] = "line"
    names: Sequence[str] = ()
    colour: int | None = None


@dataclass(frozen=True)
class Axis:
    """label: with its unit. low, high: None takes them from the values."""

    label: str
    log: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Extent:
    """From values to pixels along one axis."""

    low: float
    high: float
    start: float
    stop: float
    log: bool

    def __call__(self, value: float) -> float | None:
        if not math.isfinite(value) or (self.log and value <= 0):
            return None
        a, b, v = (math.log10(t) if self.log else t for t in (self.low, self.high, value))
        return self.start + (v - a) / (b - a) * (self.stop - self.start)


def plot(curves: Sequence[Curve], x: Axis, y: Axis, *, title: str = "", size: tuple[int, int] = (760, 420)) -> NDArray:
    """One panel of `size` (width, height) pixels, the legend to the right of it.

    Raises `BadInput` where no curve has a value that can be drawn.
    """
    from PIL import Image, ImageDraw, ImageFont

    width, height = (n * FINE for n in size)
    image = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)
    font: Any = ImageFont.load_default(13 * FINE)
    bold: Any = ImageFont.load_default(15 * FINE)

    ranges = [_range(a, [v for c in curves for v in (c.x, c.y)[i]]) for i, a in enumerate((x, y))]
    marks = [ticks(*r, log=a.log, most=most) for r, a, most in zip(ranges, (x, y), (8, 6), strict=True)]
    words = [written(m) for m in marks]
    left = 34 * FINE + max(int(pen.textlength(w, font)) for w in words[1])
    legend = [c.label for c in curves if c.label]
    side = 46 * FINE + max(int(pen.textlength(w, font)) for w in legend) if legend else 18 * FINE
    top, bottom, right = (38 if title else 16) * FINE, height - 46 * FINE, width - side
    across = Extent(*ranges[0], left, right, x.log)
    upward = Extent(*ranges[1], bottom, top, y.log)

    for mark, word in zip(marks[0], words[0], strict=True):
        at = across(mark)
        if at is not None:
            pen.line([(at, top), (at, bottom)], SOFT, FINE)
            pen.text((at, bottom + 6 * FINE), word, INK, font, anchor="ma")
    for mark, word in zip(marks[1], words[1], strict=True):
        at = upward(mark)
        if at is not None:
            pen.line([(left, at), (right, at)], SOFT, FINE)
            pen.text((left - 7 * FINE, at), word, INK, font, anchor="rm")
    # What lies outside a range that was asked for is drawn on a sheet of its own, and cut off at the frame.
    inside = image.copy()
    for i, curve in enumerate(curves):
        _draw(ImageDraw.Draw(inside), curve, _colours(curve, i), across, upward, font, right)
    frame = (left, top, right, bottom)
    image.paste(inside.crop(frame), frame)
    pen.rectangle(frame, outline=FRAME, width=FINE)
    for i, curve in enumerate(c for c in curves if c.label):
        at = top + (12 + 21 * i) * FINE
        key = Curve("", [right + 10 * FINE, right + 30 * FINE], [at, at], curve.style)
        if curve.style == "dots":
            key = Curve("", [right + 20 * FINE], [at], "dots")
        _draw(pen, key, _colours(curve, list(curves).index(curve)), float, float, font, right)
        pen.text((right + 37 * FINE, at), curve.label, INK, font, anchor="lm")
    if title:
        pen.text((left, 13 * FINE), title, INK, bold)
    pen.text(((left + right) / 2, height - 8 * FINE), x.label, INK, font, anchor="md")
    image.paste(*_upright(y.label, font, (6 * FINE, (top + bottom) // 2)))
    return np.asarray(image.reduce(FINE))


def _range(axis: Axis, values: Sequence[float]) -> tuple[float, float]:
    """(low, high) of what is drawn, a little wider than the values; never empty."""
    seen = [float(v) for v in values if math.isfinite(v) and (v > 0 or not axis.log)]
    if not seen:
        raise BadInput(
            f"There is nothing to draw along '{axis.label}': no value is finite" + " and positive." * axis.log
        )
    low, high = (given if given is not None else own for given, own in ((axis.low, min(seen)), (axis.high, max(seen))))
    if axis.log:
        if high <= low:
            low, high = low / 2, high * 2
        room = (high / low) ** 0.03
        return (low if axis.low is not None else low / room), (high if axis.high is not None else high * room)
    room = 0.04 * (high - low) if high > low else max(1.0, abs(low)) / 2
    return (low if axis.low is not None else low - room), (high if axis.high is not None else high + room)


def ticks(low: float, high: float, *, log: bool = False, most: int = 7) -> list[float]:
    """Round numbers within [low, high], about `most` of them: steps of 1, 2 or 5 times a power of ten, or decades."""
    if log:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for steps in ((1, 2, 5), (1, 3), (1,)):
            found = [s * 10.0**d for d in decades for s in steps if low <= s * 10.0**d <= high]
            if len(found) <= most:
                break
        found = found[:: -(-len(found) // most)] if found else []
        return found if len(found) > 1 else ticks(low, high, most=most)
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def written(marks: Sequence[float]) -> list[str]:
    """The ticks as words, with no more digits than tell them apart."""
    for digits in range(1, 8):
        words = [f"{m:.{digits}g}" if 1e-4 <= abs(m) < 1e5 or m == 0 else f"{m:.{digits - 1}e}" for m in marks]
        close = all(abs(float(w) - m) <= 1e-6 * max(map(abs, marks)) for w, m in zip(words, marks, strict=True))
        if len(set(words)) == len(words) and close:
            break
    return [f"{float(w):g}" if "e" not in w or abs(float(w)) >= 10 else w for w in words]


Colour = tuple[int, int, int]


def _colours(curve: Curve, place: int) -> tuple[Colour, Colour]:
    """Of the line, and within the dots: white for the curves that have to take a colour for the second time."""
    number = place if curve.colour is None else curve.colour
    colour = COLOURS[number % len(COLOURS)]
    return colour, (255, 255, 255) if number >= len(COLOURS) else colour


Place = Callable[[float], "float | None"]


def _draw(
    pen: Any, curve: Curve, colours: tuple[Colour, Colour], across: Place, upward: Place, font: Any, right: float
) -> None:
    colour, fill = colours
    points = [(across(a), upward(b)) for a, b in zip(curve.x, curve.y, strict=True)]
    if curve.style != "dots":
        line: list[tuple[float, float]] = []
        for a, b in [*points, (None, None)]:
            if a is not None and b is not None:
                line.append((a, b))
                continue
            if len(line) > 1:
                for piece in _dashed(line) if curve.style == "dashes" else [line]:
                    pen.line(piece, colour, 2 * FINE, joint="curve")
            line = []
    radius = 4 * FINE
    for i, (a, b) in enumerate(points):
        if a is None or b is None:
            continue
        if curve.style in ("dots", "both"):
            rim = colour if fill != colour else "white"
            pen.ellipse([a - radius, b - radius, a + radius, b + radius], fill, rim, FINE)
        if i < len(curve.names):
            # Beside the value, on whichever side there is room; a white rim keeps it legible on other curves.
            word, room = curve.names[i], 7 * FINE
            fits = a + room + pen.textlength(word, font) < right
            at, anchor = ((a + room, b - 4 * FINE), "ls") if fits else ((a - room, b - 4 * FINE), "rs")
            pen.text(at, word, INK, font, anchor=anchor, stroke_width=2 * FINE, stroke_fill="white")


def _dashed(line: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """The line as dashes of equal length, measured along it, however dense its points are."""
    on, off = 7 * FINE, 5 * FINE
    pieces: list[list[tuple[float, float]]] = [[line[0]]]
    run, drawing = 0.0, True
    for (a, b), (c, d) in itertools.pairwise(line):
        length, gone = math.hypot(c - a, d - b), 0.0
        while length - gone > (left := (on if drawing else off) - run):
            gone += left
            point = (a + (c - a) * gone / length, b + (d - b) * gone / length)
            if drawing:
                pieces[-1].append(point)
            else:
                pieces.append([point])
            drawing, run = not drawing, 0.0
        run += length - gone
        if drawing:
            pieces[-1].append((c, d))
    return [p for p in pieces if len(p) > 1]


def _upright(text: str, font: Any, at: tuple[int, int]) -> tuple[Any, tuple[int, int]]:
    """The text turned to read upwards, and where its corner goes; `at`: its left edge, and its middle."""
    from PIL import Image, ImageDraw

    box = font.getbbox(text)
    flat = Image.new("RGB", (max(1, int(box[2])), int(box[3]) + FINE), "white")
    ImageDraw.Draw(flat).text((0, 0), text, INK, font)
    turned = flat.rotate(90, expand=True)
    return turned, (at[0], max(0, at[1] - turned.height // 2))
