"""What a mask means, however it was made: black and white, feathered, a layer of strokes, a copy of the picture painted over.

A mark is a number for each pixel: 0 is known, 1 is to be filled, and what lies between is a soft edge. A selection that an
editor feathers is mixed: half of the old pixel, half of the new. Here the old pixel is damaged, and mixed in again it would stay
as a halo about the hole. Hence a pixel that is marked at all (by more than `FAINT`) is no data, and is filled wholly; what
is not marked stays as it came, to the bit, and the filling is made to fit it, so that no seam needs to be hidden.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from untaught.core.amounts import percent
from untaught.core.errors import BadInput
from untaught.io import arrays

FAINT = 0.05  # as dark as the ripples that a JPEG leaves beside a white stroke at quality 90
SURE = 0.25  # darker ripples are heard of at quality 50 only
RIPPLES = 23  # pixels: no ripple lies further from what made it than the diagonal of 16 x 16, a JPEG's block of colour
ALIKE = 0.1  # two pixels of a picture and of its copy, after a JPEG between them


def hole(marks: NDArray, faint: float = FAINT) -> NDArray:
    """True where a pixel is marked by more than `faint`, unless that is a ripple of something that is surely marked."""
    from scipy import ndimage

    some = np.asarray(marks > faint)
    sure = marks > max(SURE, 2 * faint)
    if not sure.any() or not (some & ~sure).any():
        return some
    parts, count = ndimage.label(some, np.ones((3,) * some.ndim))
    keep = np.zeros(count + 1, bool)
    keep[np.unique(parts[sure])] = True
    away = ndimage.minimum(ndimage.distance_transform_edt(~sure), parts, np.arange(count + 1))
    keep |= np.asarray(away) > RIPPLES
    keep[0] = False
    return np.asarray(keep[parts])


def full(values: NDArray) -> float:
    """What white is: 255 or 65535 in pictures, 1 in floats; the largest value of masks that hold 0 and 1, or labels."""
    largest = float(values.max())
    whole = arrays.full_scale(values)
    if whole > 1 and FAINT * whole >= largest and np.unique(values).size > 4:
        return 255.0  # a byte in a wider type, or the ripples of a JPEG in black
    return whole if whole > 1 and FAINT * whole < largest else max(largest, 1.0)


def levels(values: NDArray, name: str, notes: list[str], keeps: bool = False) -> NDArray:
    """Marks of a mask in greys: white is 1, black 0, or the opposite with keeps; where nothing is 0, the least is."""
    _finite(values, name)
    marks = np.clip(values / full(values), 0, 1).astype(np.float32)
    marks = 1 - marks if keeps else marks
    low, high = float(marks.min()), float(marks.max())
    if FAINT < low < min(0.5, high):
        notes.append(f"Nothing in the mask is {'white' if keeps else 'black'}: what comes nearest was taken for it.")
        marks = (marks - low) / (1 - low)
    if between := float(((marks > FAINT) & (marks < 1 - FAINT)).mean()):
        notes.append(
            f"{percent(between)} of the mask is neither black nor white: what is {'not white' if keeps else 'not black'} to within "
            f"{percent(FAINT)} is filled, and nothing of the damage under a soft edge is mixed in."
        )
    return marks


def understand(
    values: NDArray, alpha: NDArray | None, photo: NDArray, name: str, notes: list[str], keeps: bool
) -> NDArray:
    """True where such a mask wants the picture filled; what it was taken for is told in `notes`.

    values: greys (*space), or with 1 or 3 channels last; alpha: (*space) or None; photo: the picture (*space, c) in its own
    units; keeps: what is marked is known instead. `BadInput` for a colour picture that is no mask.
    """
    _finite(values, name)
    space = values.shape[:-1]
    scaled = (values / full(values)).astype(np.float32)
    coloured = np.ptp(scaled, -1) > ALIKE
    mixed = coloured | ((scaled.mean(-1) > FAINT) & (scaled.mean(-1) < 1 - FAINT))
    opacity = None if alpha is None else (alpha / full(alpha)).astype(np.float32)
    if opacity is not None and float(opacity.min()) > 1 - FAINT:
        opacity = None
    if mixed.mean() > 0.01 and _copy(scaled, plain := _plain(photo, scaled)):
        return _painted_over(scaled, plain, opacity, name, notes) != keeps
    if opacity is not None:
        seen = scaled.mean(-1)[opacity > 0.5]
        if min((seen < 0.25).mean(), (seen > 0.75).mean()) < 0.01 if seen.size else True:
            notes.append("The mask is a transparent layer: what is painted in it, in any colour, is filled.")
            return hole(1 - opacity if keeps else opacity)
        notes.append("Where the mask is transparent it counts as black.")
        return hole(levels(scaled.mean(-1) * opacity, name, notes, keeps))
    if coloured.sum() > max(3, 0.0002 * coloured.size):
        ground, few = _commonest(scaled.reshape(-1, scaled.shape[-1]))
        if not few:
            raise BadInput(
                f"{name} is a colour picture, and no copy of this one that was painted over: give a mask in black and white "
                "(white: fill), a transparent layer with the strokes alone, or a copy of the picture with one loud colour "
                "over the damage."
            )
        notes.append("The mask holds strokes of colour on an even ground: what is painted is filled.")
        return _strokes(scaled, np.broadcast_to(ground, scaled.shape)) != keeps
    grey = values[..., 0] if np.array_equal(values[..., 0], values[..., -1]) else values.mean(-1).astype(values.dtype)
    return hole(levels(grey.reshape(space), name, notes, keeps))


def _painted_over(scaled: NDArray, plain: NDArray, opacity: NDArray | None, name: str, notes: list[str]) -> NDArray:
    """Where a copy of the picture differs from it, or was erased."""
    fill = _strokes(scaled, plain)
    words = "what was painted over it"
    if opacity is not None:
        # A selection saved with a copy is white where it is filled, and what is erased clear: mostly, a picture is whole.
        part = opacity if (opacity > 0.5).mean() < 0.5 else 1 - opacity
        fill, words = fill | hole(part), "what was painted over it or cut out of it"
    if not fill.any():
        raise BadInput(
            f"{name} is the picture itself, and nothing is painted over it: paint what is to be filled in one loud colour."
        )
    notes.append(f"The mask is a copy of the picture: {words} is filled.")
    return fill


def _strokes(painted: NDArray, under: NDArray) -> NDArray:
    """Where a brush went over `under`, both (*space, c) of about 0 to 1: by how much of its colour is there."""
    from scipy import ndimage

    apart = np.abs(painted - under).max(-1)
    strong = apart > 1.5 * ALIKE if (apart > 1.5 * ALIKE).any() else apart > FAINT
    if not strong.any():
        return strong
    # A brush of one colour leaves (1 - share) under + share colour: a line through what was there before.
    most = apart >= np.median(apart[strong])
    before, after = under[most], painted[most]
    b, a = before - before.mean(0), after - after.mean(0)
    slope = float(np.clip((a * b).sum() / max(float((b * b).sum()), 1e-6), 0, 0.8))
    colour = np.clip((after.mean(0) - slope * before.mean(0)) / (1 - slope), 0, 1)
    way = colour - under
    length = (way**2).sum(-1)
    share = ((painted - under) * way).sum(-1) / np.maximum(length, 1e-6)
    left = np.abs(painted - under - share[..., None] * way).max(-1)
    one = (left[strong] <= ALIKE).mean() > 0.7
    share = share if one else apart
    if one and (same := length < (2 * ALIKE) ** 2).any() and not same.all():
        # What had the brush's colour before tells nothing: it follows what lies next to it.
        at = ndimage.distance_transform_edt(same, return_distances=False, return_indices=True)
        share = share[tuple(at)]
    # A JPEG strays both ways, a brush does not paint less than nothing.
    stray = 1.5 * float(np.quantile(-share, 0.99)) if one else float(np.quantile(apart[~strong], 0.99))
    return hole(share, float(np.clip(stray, FAINT, SURE)))


def _copy(scaled: NDArray, plain: NDArray) -> bool:
    """Whether the mask is this picture, where it is not painted over."""
    alike = np.abs(scaled - plain).max(-1) <= ALIKE
    if alike.mean() < 0.3:
        return False
    a, b = scaled[alike].mean(-1), plain[alike].mean(-1)
    if min(a.std(), b.std()) < 0.01:
        return False
    return float(np.corrcoef(a, b)[0, 1]) > 0.9


def _plain(photo: NDArray, painted: NDArray) -> NDArray:
    """The picture in the units, and with as many channels, as its painted copy."""
    known = np.isfinite(photo)
    plain = np.where(known, photo, 0).astype(np.float32)
    if plain.shape[-1] != painted.shape[-1]:
        plain = np.repeat(plain.mean(-1, keepdims=True), painted.shape[-1], -1)
    whole = arrays.full_scale(photo)
    if whole > 1 or (plain.min() >= 0 and plain.max() <= 1):
        return plain / np.float32(whole)
    # Measured values were brought to black and white by whatever made the copy: by a line, that is found where both agree.
    (low, high), (dark, light) = (np.quantile(v, [0.25, 0.75]) for v in (plain, painted))
    gain = (light - dark) / (high - low) if high > low else 1.0
    plain = (plain - low) * gain + dark
    for _ in range(5):
        alike = np.abs(painted - plain).max(-1) <= ALIKE
        if np.ptp(plain[alike]) < 0.01 if alike.any() else True:
            break
        slope, shift = np.polyfit(plain[alike].ravel(), painted[alike].ravel(), 1)
        plain = plain * np.float32(slope) + np.float32(shift)
    return plain


def _commonest(colours: NDArray) -> tuple[NDArray, bool]:
    """The colour (c) that most of the rows are near; whether there are few colours, and that one is even, as in a drawing."""
    coarse = np.clip(np.rint(colours * 15), 0, 15).astype(np.int64)
    number = (coarse * 16 ** np.arange(coarse.shape[-1])).sum(-1)
    kinds, counts = np.unique(number, return_counts=True)
    ground = np.asarray(np.median(colours[number == kinds[counts.argmax()]], axis=0))
    even = (np.abs(colours - ground).max(-1) <= 0.03).mean() > 0.3
    return ground, bool(even and np.sort(counts)[-8:].sum() > 0.8 * len(colours))


def _finite(values: NDArray, name: str) -> None:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise BadInput(f"{name} holds values that are NaN or infinite: give 0 and 1.")
