"""Tomography: the integrals of a picture along rays, parallel or from a source (Radon 1917)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.problem.operators import Operator, Shape
from untaught.problem.operators.external import External, Times

LARGEST = 2**31 - 1
"""Entries of the matrix: beyond that its indices would be twice as long."""


class Radon(Operator):
    """Sinograms (b, c, views, detectors) of pictures (b, c, h, w), or of stacks of slices with further axes before the last two.

    A ray's integral is a sum over the rows, or the columns, that it crosses, with linear interpolation between their pixels
    (Joseph, IEEE TMI 1982); lengths are in pixels. The adjoint is exact: both are one sparse matrix.

    angles: of the views, degrees. At 0 the rays run down the columns; the picture turns as in `skimage.transform.radon`.
    detectors: how many there are, `pitch` pixels apart. center: where the axis of rotation is seen, in detectors from 0; None: the
    middle. size: (h, w) of the picture; None: a square of the detectors' width. axis: (row, column) of the picture where the axis
    is; None: its middle. `skimage.transform.radon` has it in pixel n // 2: center=n // 2, axis=(n // 2, n // 2).
    fan: (from the source to the axis, from the axis to the detector) in pixels, for a flat detector; None for parallel rays.
    """

    def __init__(
        self,
        angles: ArrayLike,
        detectors: int,
        *,
        center: float | None = None,
        size: Sequence[int] | int | None = None,
        axis: Sequence[float] | None = None,
        pitch: float = 1.0,
        fan: tuple[float, float] | None = None,
    ) -> None:
        super().__init__()
        degrees = np.asarray(angles, np.float64).ravel()
        if not degrees.size or not np.isfinite(degrees).all():
            raise BadInput(
                "The angles are not all numbers, or there are none: give one angle in degrees for each view."
            )
        if detectors < 1 or not pitch > 0:
            raise BadInput(f"There are {detectors} detectors, {pitch:g} pixels apart: give numbers above 0.")
        side = max(1, round(detectors * pitch)) if size is None else size
        self.space = (side, side) if isinstance(side, int) else tuple(map(int, side))
        if len(self.space) != 2:
            raise BadInput(
                f"Rays cross pictures of two axes, and this shape is {self.space}: give a height and a width."
            )
        origin = tuple((n - 1) / 2 for n in self.space) if axis is None else tuple(map(float, axis))
        if len(origin) != 2 or not np.isfinite(origin).all():
            raise BadInput(f"axis = {axis} is no place in a picture: give a row and a column, such as (32, 32).")
        farthest = (max(at, n - 1 - at) + 0.5 for at, n in zip(origin, self.space, strict=True))
        if fan is not None and fan[0] <= math.hypot(*farthest):
            raise BadInput(
                f"The source is {fan[0]:g} pixels from the axis, within the picture of {self.space}: move it out."
            )
        along = (np.arange(detectors) - ((detectors - 1) / 2 if center is None else center)) * pitch
        self.data_shape = (degrees.size, detectors)
        matrix = _matrix(np.deg2rad(degrees), along, self.space, origin, fan)
        if not matrix.nnz:
            raise BadInput(
                f"No ray meets the picture of {self.space}: the axis is told to be seen at detector {center} of {detectors}, "
                f"{pitch:g} pixels apart."
            )
        self.held = (External(Times(matrix), Times(matrix.T), self.space, kind="columns", data_shape=self.data_shape),)

    def forward(self, x: Tensor) -> Tensor:
        return self.held[0](x.flatten(0, -3)[:, None]).reshape(*x.shape[:-2], *self.data_shape)

    def adjoint(self, data: Tensor, at: Tensor | None = None) -> Tensor:
        shape = self.image_shape(tuple(data.shape))
        return self.held[0].adjoint(data.flatten(0, -3)).reshape(shape)

    def image_shape(self, data_shape: Shape) -> Shape:
        if tuple(data_shape[-2:]) != self.data_shape or len(data_shape) < 4:
            raise BadInput(
                f"The sinogram is {tuple(data_shape[2:])}, but the rays are {self.data_shape}, (views, detectors): "
                "give as many angles as there are views, or turn the data."
            )
        return (*data_shape[:-2], *self.space)

    def held_out(self, shape: Shape, fraction: float, draw: torch.Generator) -> Tensor:
        """Whole views: between its neighbours a single ray is no surprise."""
        views = shape[-2]
        some = torch.randperm(views, generator=draw, device=draw.device)[: max(1, round(fraction * views))]
        held = torch.zeros(shape, dtype=torch.bool, device=draw.device)
        held[..., some, :] = True
        return held

    def extra_repr(self) -> str:
        return f"{self.space} -> {self.data_shape}"

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        return (
            (cls((0.0, 30.0, 90.0, 160.0), 5), (1, 2, 5, 5)),
            (cls((10.0, 200.0), 7, center=2.5, size=(4, 3), pitch=0.7), (1, 1, 4, 3)),
            (cls((0.0, 77.0), 6, size=3, fan=(9.0, 5.0)), (1, 1, 2, 3, 3)),
            (cls((45.0,), 1), (1, 1, 1, 1)),
        )


def axis_seen(sinogram: NDArray, angles: ArrayLike) -> float:
    """The detector, from 0, that sees the axis of parallel views (..., views, detectors), by their centre of mass.

    That of the picture is seen at center + x cos(angle) - y sin(angle). Masked detectors are bridged; a view of none has no say.
    """
    whole = np.ma.masked_array(np.real(sinogram)).reshape(-1, *sinogram.shape[-2:]).mean(0)
    views, lost, at = np.ma.filled(whole, 0.0), np.ma.getmaskarray(whole), np.arange(sinogram.shape[-1])
    for view in np.flatnonzero(lost.any(1) & ~lost.all(1)):
        views[view] = np.interp(at, at[~lost[view]], views[view, ~lost[view]])
    mass, turn = views.sum(1), np.deg2rad(np.asarray(angles, np.float64).ravel())
    wave = np.stack([np.ones_like(turn), np.cos(turn), np.sin(turn)], 1)
    return float(np.linalg.lstsq(mass[:, None] * wave, views @ at, rcond=None)[0][0])


def _rays(angle: float, along: NDArray, fan: tuple[float, float] | None) -> tuple[NDArray, NDArray]:
    """A point (x, y) of each ray of a view, from the axis, and the ray's direction, of length 1; both (detectors, 2)."""
    across, down = np.array([np.cos(angle), -np.sin(angle)]), np.array([np.sin(angle), np.cos(angle)])
    if fan is None:
        return along[:, None] * across, np.broadcast_to(down, (len(along), 2))
    source = -fan[0] * down
    way = fan[1] * down + along[:, None] * across - source
    return np.broadcast_to(source, way.shape), way / np.linalg.norm(way, axis=1, keepdims=True)


def _matrix(
    angles: NDArray, along: NDArray, space: tuple[int, ...], origin: tuple[float, ...], fan: tuple[float, float] | None
) -> Any:
    """(rays, pixels), SciPy's CSR: Joseph's sums, view after view."""
    from scipy.sparse import csr_array

    if 2 * len(angles) * len(along) * max(space) > LARGEST:
        raise BadInput(
            f"{len(angles)} views of {len(along)} detectors over {space} pixels are too many for one matrix: "
            "bin the detectors, or reconstruct with fewer pixels."
        )
    weights, rows, columns = [], [], []
    for view, angle in enumerate(angles):
        point, way = _rays(angle, along, fan)
        steep = np.abs(way[:, 1]) >= np.abs(way[:, 0])
        for axis, these in ((0, steep), (1, ~steep)):
            ray = np.flatnonzero(these)
            weight, pixel = _joseph(point[ray], way[ray], space, origin, axis)
            kept = weight > 0
            weights.append(weight[kept].astype(np.float32))
            columns.append(pixel[kept].astype(np.int32))
            rows.append(np.repeat((view * len(along) + ray).astype(np.int32), kept.sum(1)))
    shape = (len(angles) * len(along), space[0] * space[1])
    entries = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
    return csr_array(entries, shape=shape)


def _joseph(
    point: NDArray, way: NDArray, space: tuple[int, ...], origin: tuple[float, ...], axis: int
) -> tuple[NDArray, NDArray]:
    """Weights and pixels, (rays, 2 * lines), of rays that cross the lines of an axis: 0, the rows, or 1, the columns."""
    n, m = space[axis], space[1 - axis]
    step = way[:, 1 - axis, None]  # points are (x, y), and axes (y, x)
    lines = np.arange(n) - origin[axis]
    at = point[:, axis, None] + (lines - point[:, 1 - axis, None]) * (way[:, axis, None] / step) + origin[1 - axis]
    low = np.floor(at).astype(np.int64)
    weights, pixels = [], []
    for place, share in ((low, low + 1 - at), (low + 1, at - low)):
        weights.append(np.where((place >= 0) & (place < m), share / np.abs(step), 0.0))
        place = place.clip(0, m - 1)
        pixels.append(np.arange(n) * space[1] + place if axis == 0 else place * space[1] + np.arange(n))
    return np.concatenate(weights, 1), np.concatenate(pixels, 1)
