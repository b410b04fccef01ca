"""Scratches: long, thin, nearly straight lines of one shade that lie over whatever the picture shows.

A scratch is told by its length, and not by its contrast. Every pixel has a score from 1, for a line that stands out from what is
about it, to -1, and the best paths are sought whose direction hardly changes, by dynamic programming over place and slope
(local alignment: Smith and Waterman 1981; curves of slowly turning direction: Montanari 1971). A path may cross gaps, which count
against it. Of what is found, that stretch is a scratch which

- is of one shade, or of one with a share of its surroundings, for longer than gaps and other shades count against it,
- has about the same on its left and its right, as the edge of an arm or of a roof has not,
- and keeps its shade while what is beside it changes, or lies on calm ground: a twig or a hair is shaded as its surroundings are.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[Any]
SLOPES = np.arange(-8, 9) / 8  # columns a row: up to 45 degrees; the others are sought in the picture turned
THIN, NEAR = 7, 33  # pixels of a row that a line is narrower than, and about it with which it is compared
OVER, FAINT = 1.25, 6 / 255  # times the mean about it that a line stands out, at least, and of full scale
TURN = 0.5  # what one slope to the next costs, in pixels
LEAST = 40  # pixels of a scratch
MOST = 400  # that are looked at in one tile
SHADES = 4 / 255, 0.15, 15 / 255  # how far its values may be apart: the least, the share of its contrast, and the most
CALMED, OTHER = 11, 2  # pixels along it whose median is taken, and how much one of another shade counts against it
SIDES, UNLIKE = 5, 0.6  # how far away its sides are looked at, and by how much of its contrast they may differ
CHANGES, CALM = 1.25, 0.06  # of its sides' deviation along it: times its own, at least, or of its contrast, at most
THROUGH = 0, 0.25, 0.5  # shares of its surroundings that a scratch may let through
SOFTER, SOFT_LEAST, SOFT_UNLIKE, SOFT_CHANGES = 2, 60, 0.3, 3
"""Then: times the shades' distance, and in the place of LEAST, UNLIKE and CHANGES."""
TILE, LAP = 768, 96  # pixels a side that are searched at once, and of the next tile's besides


def scratches(picture: Grey) -> NDArray:
    """True where they seem to be; picture (h, w) or (h, w, c), in [0, 1]."""
    colour = np.atleast_3d(picture).astype(np.float32)
    found = np.zeros(colour.shape[:2], bool)
    corners = [range(0, max(1, int(side) - LAP), TILE) for side in picture.shape[:2]]
    for top, left in product(*corners):
        part = slice(top, top + TILE + LAP), slice(left, left + TILE + LAP)
        found[part] |= _upright(colour[part]) | _upright(colour[part].transpose(1, 0, 2)).T
    return found


def _upright(colour: Grey) -> NDArray:
    """Those that are nearer to a column than to a row."""
    from scipy import ndimage

    grey = _grey(colour)
    found = np.zeros(grey.shape, bool)
    hats = grey - ndimage.grey_opening(grey, (1, THIN)), ndimage.grey_closing(grey, (1, THIN)) - grey
    least = np.maximum(OVER * ndimage.uniform_filter(np.maximum(*hats), NEAR), FAINT)
    for hat in hats:
        score = np.clip(ndimage.maximum_filter1d(hat, 3, axis=1) / least - 1, -1, 1)
        marked = np.zeros(grey.shape, bool)
        for rows, columns in _paths(score):
            near = np.clip(columns[:, None] + np.arange(-1, 2), 0, grey.shape[1] - 1)
            columns = near[np.arange(len(rows)), hat[rows[:, None], near].argmax(1)]
            if (part := _stretch(colour, rows, columns, float(np.median(hat[rows, columns])))) is not None:
                marked[rows[part], columns[part]] = True
        found |= ndimage.binary_dilation(marked, np.ones((3, 5), bool)) & (hat > least / 2)
    return np.asarray(ndimage.binary_dilation(found, np.ones((3, 3), bool)))


def _sums(score: Grey) -> Grey:
    """Of the best path that ends in each pixel and comes from above, by the slope with which it does: "slope h w"."""
    sums = np.empty((len(SLOPES), *score.shape), np.float32)
    before = np.zeros((len(SLOPES), score.shape[1]), np.float32)
    for row, steps in enumerate(_steps(len(score))):
        best = before.copy()
        best[1:] = np.maximum(best[1:], before[:-1] - TURN)
        best[:-1] = np.maximum(best[:-1], before[1:] - TURN)
        best, here = np.maximum(best, 0), sums[:, row]
        here[:] = score[row]
        for step in (-1, 0, 1):
            some = steps == step
            here[some, max(0, step) : score.shape[1] + min(0, step)] += best[
                some, max(0, -step) : score.shape[1] - max(0, step)
            ]
        before = here
    return sums


def _steps(rows: int) -> NDArray:
    """By how many columns, "row slope", a straight line of each slope goes from the row before to this one."""
    places = np.floor(np.outer(np.arange(-1, rows), SLOPES) + 0.5).astype(int)
    return np.diff(places, axis=0)


def _paths(score: Grey) -> Iterator[tuple[NDArray, NDArray]]:
    """(rows, columns) of the best paths that have no pixel in common, each of a score of at least LEAST of its own."""
    from scipy import ndimage

    sums, steps = _sums(score), _steps(len(score))
    top, taken, count = sums.max(0), np.zeros(score.shape, bool), 0
    after = np.zeros_like(top)
    after[:-1] = ndimage.maximum_filter1d(top[1:], 3, axis=1)
    ends = np.argwhere((top >= LEAST) & (score > 0) & (after < top))  # where nothing below goes on with more
    for row, column in ends[np.argsort(-top[tuple(ends.T)], kind="stable")]:
        if taken[row, column]:
            continue
        slope, way, others = int(sums[:, row, column].argmax()), [], 0.0
        while True:
            if taken[row, column]:
                others = max(0.0, float(sums[slope, row, column]))
                break
            way.append((row, column))
            at = column - steps[row, slope]
            if row == 0 or not 0 <= at < score.shape[1]:
                break
            low = max(0, slope - 1)
            costs = TURN * np.abs(np.arange(low, min(len(SLOPES), slope + 2)) - slope)
            before = sums[low : low + len(costs), row - 1, at] - costs
            if before.max() <= 0:
                break
            row, column, slope = row - 1, at, low + int(before.argmax())
        rows, columns = np.array(way).T
        if top[rows[0], columns[0]] - others >= LEAST:
            yield rows, columns
            count += 1
        for aside in range(-2, 3):
            taken[rows, np.clip(columns + aside, 0, score.shape[1] - 1)] = True
        if count >= MOST:
            return


def _stretch(colour: Grey, rows: NDArray, columns: NDArray, contrast: float) -> slice | None:
    """Of a path, what is a scratch; None where nothing is. A soft rim lets what is beneath shine through."""
    values, *sides = (colour[rows, np.clip(columns + by, 0, colour.shape[1] - 1)] for by in (0, -SIDES, SIDES))
    for through in THROUGH:
        part = _of_one_shade(values - through * sum(sides) / 2, contrast, SOFTER if through else 1)
        if part is not None and part.stop - part.start >= (SOFT_LEAST if through else LEAST):
            its, left, right = (_grey(one[part]) for one in (values, *sides))
            if _lies_over(its, left, right, through):
                return part
    return None


def _grey(colour: Grey) -> Grey:
    """(..., c) as brightness, (...)."""
    return colour @ np.array([0.299, 0.587, 0.114], np.float32) if colour.shape[-1] == 3 else colour.mean(-1)


def _of_one_shade(values: Grey, contrast: float, wider: float) -> slice | None:
    """The stretch of a path's values (n, c) that is of one shade for longest; None where it is shorter than LEAST."""
    from scipy import ndimage

    values = ndimage.median_filter(values, (CALMED, 1), mode="nearest")
    least, share, most = SHADES
    far = wider * min(max(share * contrast, least), most)
    grey = values.mean(1)
    ordered = np.sort(grey)
    count = np.searchsorted(ordered, ordered + 2 * far, "right") - np.arange(len(ordered))
    commonest = count.argmax()
    shade = np.median(ordered[commonest : commonest + count[commonest]])
    ink = np.median(values[np.abs(grey - shade) <= far], axis=0)
    its = np.abs(values - ink).max(1) <= far
    sums = np.concatenate([[0], np.where(its, 1, -OTHER).cumsum()])
    end = int((sums - np.minimum.accumulate(sums)).argmax())
    begin = end - int(sums[end::-1].argmin())
    return slice(begin, end) if end - begin >= LEAST else None


def _lies_over(its: Grey, left: Grey, right: Grey, through: float) -> bool:
    """Whether a line has the same on both sides, and keeps its shade while that changes. More is asked where it shines through."""
    beside = (left + right) / 2
    contrast, changes = float(np.median(np.abs(np.median(its) - beside))), float(beside.std())
    unlike, over = (SOFT_UNLIKE, SOFT_CHANGES) if through else (UNLIKE, CHANGES)
    alike = float(np.median(np.abs(left - right))) <= unlike * contrast
    steady = max(float((its - through * beside).std()), 0.5 / 255)
    return alike and (changes < CALM * contrast or changes >= over * steady)
