"""What the eye is shown that comes near: parts of a picture in its own pixels, cut from samples that stay on the disk."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from untaught.core.errors import BadInput
from untaught.studio.previews import Eye

SIDE = 512  # pixels of a tile
LEVELS = 4  # each a half of the one before; smaller ones are what previews are for


def tile(samples: Path, eye: Eye | None, level: int, column: int, row: int, icc: bytes | None = None) -> bytes:
    """The PNG of the tile that begins at (column, row) * SIDE in the picture made smaller by 2**level; exact at level 0.

    samples: .npy, (h, w) or (h, w, c), of which only that part is read. eye: how values become 8 bit, of its own values where it
    is None. `BadInput` where there is no such tile.
    """
    from PIL import Image as Pillow

    try:
        whole = np.load(samples, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadInput("This picture is not kept in full size: only its preview can be shown.") from error
    step = SIDE << min(max(level, 0), LEVELS)
    top, left = row * step, column * step
    if not (0 <= level < LEVELS and 0 <= top < whole.shape[0] and 0 <= left < whole.shape[1]):
        raise BadInput(f"There is no tile {level}/{column}/{row} of a picture of {whole.shape[1]} x {whole.shape[0]}.")
    part: Any = (eye or Eye.of(whole)).eight(whole[top : top + step, left : left + step])
    picture = Pillow.fromarray(part)
    if level:
        picture = picture.reduce(2**level)
    out = io.BytesIO()
    more = {} if icc is None else {"icc_profile": icc}
    picture.save(out, "PNG", compress_level=1, **more)
    return out.getvalue()


def cut(samples: Path, left: int, top: int, side: int) -> bytes:
    """A square of the picture as the bytes of an .npy file. `BadInput` where it does not lie in the picture."""
    try:
        whole = np.load(samples, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadInput("This picture is not kept in full size: restore it as a whole.") from error
    height, width = whole.shape[:2]
    if not (side > 0 and 0 <= left <= width - side and 0 <= top <= height - side):
        raise BadInput(f"A square of {side} pixels at {left}, {top} does not lie in a picture of {width} x {height}.")
    out = io.BytesIO()
    np.save(out, whole[top : top + side, left : left + side], allow_pickle=False)
    return out.getvalue()


def profile(preview: Path) -> bytes | None:
    """The colour profile that a preview has, so that its tiles have it, too."""
    from PIL import Image as Pillow

    try:
        with Pillow.open(preview) as shown:
            return shown.info.get("icc_profile")
    except OSError:
        return None
