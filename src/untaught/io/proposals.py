"""Masks that are proposed, to be looked at and corrected: dead pixels, dust, scratches, lettering.

Classic image analysis of the luminance. What a picture itself shows as small, thin and of another brightness (eyelashes, stars,
wires, real lettering) is proposed as well: nothing here knows what belongs there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import unknown
from untaught.io import arrays
from untaught.io.scratches import scratches

Grey = NDArray[np.float64]
# Grey levels of 255 that ink is off, and how much of a letter is so near to it; of shadows 0 to a quarter.
FLAT, EVEN = 8, 0.4
LINED, ALIKE = 0.7, 0.5
"""Share of letters that stand on a line with three others (0.8 to 0.9 of lettering, 0 to 0.5 of stripes and windows), or else how
much the middle half of their heights may differ (0.1 to 0.2 of one size in any direction, 0.8 to 1.7 of those)."""
CALM = 0.3  # of its contrast: what varies more about a mark is texture, or an edge (0.06 to 0.2 about drawn ones, 0.35 to 3 else)


def propose(picture: NDArray, kind: str) -> NDArray:
    """True where `kind` of `KINDS` seems to be; picture (h, w) or (h, w, 3)."""
    if kind not in KINDS:
        raise unknown("kind of damage", kind, KINDS)
    array = np.asarray(picture).astype(np.float64)
    array = np.where(np.isfinite(array), array, 0)
    offset, gain = arrays.units(np.asarray(picture)) if np.asarray(picture).dtype.kind != "f" else arrays.units(array)
    return KINDS[kind]((array - offset) / gain)


def _grey(picture: Grey) -> Grey:
    return picture if picture.ndim == 2 else picture @ np.array([0.299, 0.587, 0.114])


def _spread(values: Grey) -> float:
    """A robust standard deviation; a fifth of a grey level of 255 at least, since flat pictures have none."""
    return max(float(1.4826 * np.median(np.abs(values - np.median(values)))), 0.2 / 255)


def dead_pixels(picture: Grey) -> NDArray:
    """Single pixels outside the range of all their eight neighbours, by far more than the picture varies about them."""
    from scipy import ndimage

    ring = np.ones((3, 3), bool)
    ring[1, 1] = False
    found = np.zeros(picture.shape[:2], bool)
    for channel in np.atleast_3d(picture).transpose(2, 0, 1):
        low = ndimage.minimum_filter(channel, footprint=ring, mode="mirror")
        high = ndimage.maximum_filter(channel, footprint=ring, mode="mirror")
        outside = np.maximum(np.maximum(channel - high, low - channel), 0)
        wide = ndimage.median_filter(high - low, 5, mode="mirror")  # how much this neighbourhood varies anyway
        found |= outside > np.maximum(1.5 * wide, 25 / 255)
    return found


def dust(picture: Grey) -> NDArray:
    """Compact specks, at most about 12 pixels wide, brighter or darker than all around them."""
    return _specks(_grey(picture), radius=6, keep=lambda r: max(_sides(r)) <= 14 and r.solidity > 0.7 and r.area >= 2)


def text(picture: Grey) -> NDArray:
    """Thin strokes of one flat colour, of which there are several close by: lettering, captions, watermarks, date stamps."""
    from scipy import ndimage
    from skimage import measure, morphology

    grey = _grey(picture)
    found, hats = np.zeros(grey.shape, bool), _hats(grey, 5)
    for hat in hats:
        strokes = hat > max(6 * _spread(hat), 30 / 255)
        ink = _ink(np.atleast_3d(picture)[strokes])
        if ink is None:
            continue
        far = 255 * np.abs(np.atleast_3d(picture) - ink).max(-1)
        here = far <= 24
        faint = ndimage.binary_dilation(hat > 6 / 255, np.ones((3, 3), bool))  # where what is behind is hardly darker
        labels = measure.label(here & faint, connectivity=2)
        small = [r for r in measure.regionprops(labels) if r.area >= 6 and max(_sides(r)) <= 120]
        parts = {r.label: r.area for r in small}
        # A shadow of that colour is of all its shades.
        flat = {r.label for r in small if (far[tuple(r.coords.T)] <= FLAT).mean() >= EVEN}
        if not flat:
            continue
        tall = float(np.median([_sides(r)[0] for r in small]))
        # Letters stand in company: three or more within a few letters' width of each other.
        letters = np.isin(labels, list(parts))
        lines = measure.label(ndimage.binary_dilation(letters, np.ones((3, 2 * round(max(4.0, tall)) + 1), bool)))
        taken: set[int] = set()
        for region in measure.regionprops(lines):
            inside = {int(v) for v in np.unique(labels[tuple(region.coords.T)])} & set(parts)
            good = inside & flat
            if len(good) >= 3:
                most = sum(parts[i] for i in good) > sum(parts[i] for i in inside) / 2
                taken |= inside if most else good
        if _set([r for r in small if r.label in taken]):
            found |= np.isin(labels, list(taken))
    # An edge of it, not what is behind.
    soft = morphology.dilation(found, morphology.diamond(1)) & (np.maximum(*hats) > 6 / 255)
    return np.asarray(found | soft)


def _set(parts: list[Any]) -> bool:
    """Whether they are set as letters are: on lines, or of one height; stripes, leaves and windows are neither."""
    if not parts:
        return False
    bottoms, tall = np.array([(r.bbox[2], _sides(r)[0]) for r in parts]).T
    on_lines = np.mean([(np.abs(bottoms - bottom) <= 2).sum() > 3 for bottom in bottoms])
    low, usual, high = np.quantile(tall, [0.25, 0.5, 0.75])
    return bool(on_lines >= LINED or high - low <= ALIKE * usual)


def _ink(strokes: Grey) -> Grey | None:
    """The one colour of strokes (n, channels), if they have one: lettering is flat, hair and branches are of many shades."""
    if len(strokes) < 12:
        return None
    shades = np.clip(np.rint(strokes * 32), 0, 32).astype(int) @ 33 ** np.arange(strokes.shape[1])
    commonest = shades == np.bincount(shades).argmax()
    ink = np.median(strokes[commonest], axis=0)
    far = 255 * np.abs(strokes - ink).max(-1)
    flat, about = int((far <= FLAT).sum()), int((far <= 32).sum())
    return ink if flat > 0.42 * about and flat > 0.05 * len(strokes) else None


def _hats(grey: Grey, radius: int) -> tuple[Grey, Grey]:
    """How much brighter, and how much darker, a pixel is than a disk around it leaves room for."""
    from skimage import morphology

    disk = morphology.disk(radius)
    return morphology.white_tophat(grey, disk), morphology.black_tophat(grey, disk)


def _specks(grey: Grey, radius: int, keep: Callable[..., bool]) -> NDArray:
    from scipy import ndimage
    from skimage import filters, measure, morphology

    plain = grey - ndimage.gaussian_filter(grey, 5)
    found = np.zeros(grey.shape, bool)
    for hat in _hats(grey, radius):
        high = max(8 * _spread(hat), 40 / 255)
        here = filters.apply_hysteresis_threshold(hat, high / 2, high)
        labels = measure.label(here, connectivity=2)
        marks = [r for r in measure.regionprops(labels) if keep(r) and _alone(r, hat, plain)]
        found |= np.isin(labels, [r.label for r in marks])
    return np.asarray(morphology.dilation(found, np.ones((3, 3), bool)))


def _alone(region: object, hat: Grey, plain: Grey) -> bool:
    """Whether it stands out from calm surroundings, as damage does, and hair, cloth and the edge of an arm do not.

    hat: by how much it stands out. plain: the picture without its slow changes.
    """
    from scipy import ndimage

    top, left, bottom, right = region.bbox  # type: ignore[attr-defined]
    part = slice(max(0, top - 4), bottom + 4), slice(max(0, left - 4), right + 4)
    its = np.zeros(plain.shape, bool)[part]
    rows, columns = region.coords.T  # type: ignore[attr-defined]
    its[rows - part[0].start, columns - part[1].start] = True
    wide = ndimage.binary_dilation(its, np.ones((9, 9), bool))
    ring = plain[part][wide & ~ndimage.binary_dilation(its, np.ones((5, 5), bool))]
    return bool(ring.size and ring.std() < CALM * np.median(hat[part][its]))


def _sides(region: object) -> tuple[int, int]:
    top, left, bottom, right = region.bbox  # type: ignore[attr-defined]
    return bottom - top, right - left


KINDS: dict[str, Callable[[Grey], NDArray]] = {
    "dead-pixels": dead_pixels,
    "dust": dust,
    "scratches": scratches,
    "text": text,
}
