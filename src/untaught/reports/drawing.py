"""Pictures and curves as text: PNG data and SVG, so that a page needs no other file. Arrays and numbers in, strings out."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

OVERVIEW = 640  # longest side of a whole picture on a page, pixels
WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 16, 34


def png(picture: NDArray) -> str:
    """A data URL of (h, w) or (h, w, 3) uint8 (PNG specification, sections 11.2 and 9: every row after the filter "sub")."""
    grey = picture.ndim == 2
    h, w = picture.shape[:2]
    rows = picture.reshape(h, w, -1)
    before = np.pad(rows, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    lines = np.concatenate([np.ones((h, 1), np.uint8), (rows - before).reshape(h, -1)], axis=1)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", w, h, 8, 0 if grey else 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()


def curve(
    x: Sequence[float], y: Sequence[float], *, name: str, across: str, upward: str, mark: float | None = None,
    marked: str = "", level: float | None = None, levelled: str = "", log: bool = False,
) -> str:  # fmt: skip
    """One line as SVG. mark: where a vertical line stands; level: a dashed horizontal one. Colours come from the page's style."""
    points = [(a, b) for a, b in zip(x, y, strict=True) if math.isfinite(b) and (b > 0 or not log)]
    if len(points) < 2:
        return ""
    up = math.log10 if log else float
    values = [up(b) for _, b in points] + ([up(level)] if level is not None and (level > 0 or not log) else [])
    (left, right), low, high = (points[0][0], points[-1][0]), min(values), max(values)
    room = 0.06 * (high - low) or 0.5
    low, high = low - room, high + room

    def at(a: float, b: float) -> tuple[float, float]:
        return (
            LEFT + (a - left) / ((right - left) or 1) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - (up(b) - low) / (high - low) * (HEIGHT - TOP - BOTTOM),
        )

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(name)}">',
        f"<title>{escape(name)}</title>",
        f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}"/>',
    ]
    for k in range(4):
        value = low + (high - low) * (k + 0.5) / 4
        h = HEIGHT - BOTTOM - (k + 0.5) / 4 * (HEIGHT - TOP - BOTTOM)
        word = f"{10**value if log else value:.3g}"
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{h:.1f}" y2="{h:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{h + 4:.1f}" text-anchor="end">{word}</text>')
    digits = 0 if right - left >= 8 else 2
    for k in range(5):
        value = left + (right - left) * k / 4
        anchor = "start" if k == 0 else "end" if k == 4 else "middle"
        w = at(value, points[0][1])[0]
        parts.append(
            f'<text class="tick" x="{w:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="{anchor}">{value:.{digits}f}</text>'
        )
    if level is not None and (level > 0 or not log):
        h = at(left, level)[1]
        parts.append(f'<line class="level" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{h:.1f}" y2="{h:.1f}"/>')
        parts.append(
            f'<text class="tick" x="{WIDTH - RIGHT - 4}" y="{h - 5:.1f}" text-anchor="end">{escape(levelled)}</text>'
        )
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in (at(*p) for p in points))
    parts.append(f'<polyline class="curve" points="{line}"/>')
    if mark is not None and left <= mark <= right:
        w = at(mark, points[0][1])[0]
        end = w > WIDTH / 2
        parts.append(f'<line class="mark" x1="{w:.1f}" x2="{w:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        place = f'x="{w + (-6 if end else 6):.1f}" y="{TOP + 14}" text-anchor="{"end" if end else "start"}"'
        parts.append(f'<text class="marked" {place}>{escape(marked)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="tick" x="{middle:.0f}" y="{HEIGHT - 3}" text-anchor="middle">{escape(across)}</text>')
    parts.append(f'<text class="tick" x="{LEFT}" y="{TOP - 5}">{escape(upward)}</text></svg>')
    return "\n".join(parts)


def figure(picture: NDArray, caption: str, alt: str, kind: str = "") -> str:
    size = f'width="{picture.shape[1]}" height="{picture.shape[0]}"'
    image = f'<img class="{kind}" alt="{escape(alt)}" {size} src="{png(picture)}">'
    return f"<figure>{image}<figcaption>{escape(caption)}.</figcaption></figure>"


def array(picture: Any) -> NDArray | None:
    """uint8, (h, w) or (h, w, 3), of an array or of a tensor (1, c, h, w) in [0, 1]; None for what is no picture."""
    if isinstance(picture, Tensor):
        picture = picture[0].detach().float().cpu().movedim(0, -1).numpy() if picture.ndim == 4 else None
    if picture is None:
        return None
    a = np.asarray(picture)
    a = a[..., 0] if a.ndim == 3 and a.shape[-1] != 3 else a
    if a.ndim not in (2, 3):
        return None
    if a.dtype == np.uint8:
        return a
    top = float(np.iinfo(a.dtype).max) if a.dtype.kind in "ui" else 1.0
    return np.rint(255 * np.clip(a / top, 0, 1)).astype(np.uint8)


def smaller(picture: NDArray) -> NDArray:
    """At most OVERVIEW pixels a side: means over squares."""
    k = -(-max(picture.shape[:2]) // OVERVIEW)
    if k == 1:
        return picture
    h, w = picture.shape[0] // k, picture.shape[1] // k
    if not h or not w:
        return picture[::k, ::k]
    blocks = picture[: h * k, : w * k].reshape(h, k, w, k, *picture.shape[2:])
    return np.rint(blocks.mean((1, 3))).astype(np.uint8)
