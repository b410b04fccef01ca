"""JPEG: a picture as the quantised cosine coefficients of its blocks (ITU-T T.81, JFIF).

RGB is turned into brightness and two colour differences, the differences are averaged over 1x1, 1x2 or 2x2 pixels (or any
other whole factors), and every 8x8 block is written in cosines, each divided by its step in the quantisation table. Rounding,
the only thing that is lost, is not part of the operator: it is what the likelihood `Interval` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.geometry import mirror, pad_to
from untaught.problem.operators import Operator, Shape

SIDE = 8

# JFIF: full range, the differences about 128 in a file and about 0 here.
TO_YCC = ((0.299, 0.587, 0.114), (-0.168735892, -0.331264108, 0.5), (0.5, -0.418687589, -0.081312411))


@dataclass(frozen=True)
class Plane:
    """One component of the file: its blocks (down, across), the pixels that one sample stands for, and its 64 steps.

    shrink: (down, across), 1 or more. steps: in grey levels of 255, row by row, as the quantisation table has them.
    """

    blocks: tuple[int, int]
    shrink: tuple[int, int]
    steps: tuple[int, ...]

    @property
    def samples(self) -> tuple[int, int]:
        return SIDE * self.blocks[0], SIDE * self.blocks[1]

    @property
    def pixels(self) -> tuple[int, int]:
        """How much of the picture it covers."""
        return self.samples[0] * self.shrink[0], self.samples[1] * self.shrink[1]


class BlockDCT(Operator):
    """The coefficients of a picture with values in [0, 1] in units of their quantisation steps, (b, measurements).

    The picture is sought at the size that all blocks cover: what lies beyond the true border is unknown, and is cropped later.
    colour: RGB becomes YCbCr; otherwise each plane is a channel as it is (grey; JPEGs that hold RGB itself).
    Plane follows plane in the measurements, block follows block row by row, and each block's 64 coefficients row by row.
    A file counts from mid-grey: what it holds is (see `levelled`) 128 less in every plane of brightness.
    """

    quantised = True
    basis: Tensor
    mix: Tensor
    steps: Tensor

    def __init__(self, planes: tuple[Plane, ...], colour: bool) -> None:
        super().__init__()
        if colour and len(planes) != 3:
            raise BadInput(f"YCbCr has 3 planes, not {len(planes)}: give colour=False for other pictures.")
        self.planes, self.colour = planes, colour
        self.space = tuple(max(p.pixels[axis] for p in planes) for axis in (0, 1))
        mix = torch.tensor(TO_YCC, dtype=torch.float64) if colour else torch.eye(len(planes), dtype=torch.float64)
        steps = torch.tensor([p.steps for p in planes], dtype=torch.float64) / 255
        self.register_buffer("basis", cosines(), persistent=False)
        self.register_buffer("mix", mix, persistent=False)
        self.register_buffer("steps", steps.view(-1, SIDE, SIDE), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.channels(x)
        return torch.cat([self._analyse(x[:, i], i).flatten(1) for i in range(len(self.planes))], dim=1)

    def image_shape(self, data_shape: Shape) -> Shape:
        return (data_shape[0], len(self.planes), *self.space)

    def decode(self, data: Tensor, *, smooth: bool = False) -> Tensor:
        """The picture of given coefficients; every sample of a coarse plane repeated over the pixels it stands for.

        smooth: such samples are interpolated linearly instead, as libjpeg's decoder does.
        """
        planes = [self._synthesise(part, i, smooth) for i, part in enumerate(self.split(data))]
        # A plane that does not reach as far as the largest one is continued by its last samples.
        wide = [
            F.pad(p, [0, self.space[1] - p.shape[3], 0, self.space[0] - p.shape[2]], mode="replicate") for p in planes
        ]
        return self.picture(torch.cat(wide, 1))

    def project(self, x: Tensor, data: Tensor, half: float = 0.5) -> Tensor:
        """The picture nearest to x, in its YCbCr, among those whose coefficients are at most `half` a step from `data`."""
        x = self.channels(x)
        for i, part in enumerate(self.split(data)):
            here = self._analyse(x[:, i], i)
            moved = self._synthesise(here.clamp(part - half, part + half) - here, i)
            x[:, i : i + 1, : moved.shape[2], : moved.shape[3]] += moved
        return self.picture(x)

    @property
    def deviations(self) -> Tensor:
        """The standard deviation of the decoding's error in each plane, in full scale, guessed from the nine lowest steps.

        sigma^2 = 0.69 q^1.3 with their mean q in grey levels of 255 (Foi, Katkovnik and Egiazarian, "Pointwise shape-adaptive
        DCT for high-quality denoising and deblocking of grayscale and color images", 2007).
        """
        q = 255 * self.steps[:, :3, :3].mean((1, 2))
        return (0.69 * q**1.3).sqrt() / 255

    def _units(self) -> Tensor:
        """By what each plane is divided, so that the errors of all have one size; (1, planes, 1, 1)."""
        level = self.deviations
        return (level / level[0]).view(1, -1, 1, 1).float()

    def even(self, x: Tensor) -> Tensor:
        return self.channels(x) / self._units()

    def uneven(self, channels: Tensor) -> Tensor:
        return self.picture(channels * self._units())

    def window(self, x: Tensor, side: int, draw: torch.Generator) -> tuple[Operator, Tensor]:
        """A part of x on a grid that lies elsewhere in it, with the file's own tables."""
        period = [SIDE * max(p.shrink[axis] for p in self.planes) for axis in (0, 1)]
        wide = pad_to(x, [n + p for n, p in zip(self.space, period, strict=True)])
        sides = [min(max(side // p, 1), n // p) * p for n, p in zip(self.space, period, strict=True)]
        at = [
            int(torch.randint(n - s + 1, (1,), generator=draw, device=draw.device))
            for n, s in zip(wide.shape[2:], sides, strict=True)
        ]
        if all((a - p // 2) % SIDE == 0 for a, p in zip(at, period, strict=True)):
            at[0] = at[0] - 3 if at[0] > 3 else at[0] + 3  # on the file's own grid nothing would be lost
        part = wide[:, :, at[0] : at[0] + sides[0], at[1] : at[1] + sides[1]]
        planes = tuple(
            Plane((sides[0] // (SIDE * p.shrink[0]), sides[1] // (SIDE * p.shrink[1])), p.shrink, p.steps)
            for p in self.planes
        )
        return BlockDCT(planes, self.colour).to(x.device), part

    def tile(self, space: Sequence[int]) -> BlockDCT:
        """That of rows and columns which begin where the blocks of all planes do; what is beyond them, up to whole blocks, too."""
        planes = [
            Plane(tuple(-(-n // (SIDE * s)) for n, s in zip(space, p.shrink, strict=True)), p.shrink, p.steps)  # type: ignore[arg-type]
            for p in self.planes
        ]
        return BlockDCT(tuple(planes), self.colour)

    def recoded(self, x: Tensor, down: int, along: int) -> Tensor:
        """x as a file would hold it whose blocks begin `down` and `along` pixels before it: measured, rounded and decoded."""
        planes, part = [], x
        for axis, before in enumerate((down, along)):
            period = SIDE * max(p.shrink[axis] for p in self.planes)
            after = -(self.space[axis] + before) % period
            index = mirror(self.space[axis], before, after)
            part = part.index_select(2 + axis, torch.tensor(index, device=x.device))
        for p in self.planes:
            blocks = tuple(n // (SIDE * s) for n, s in zip(part.shape[2:], p.shrink, strict=True))
            planes.append(Plane((blocks[0], blocks[1]), p.shrink, p.steps))
        moved = BlockDCT(tuple(planes), self.colour).to(x.device)
        seen = moved.decode(moved.rounded(moved(part)), smooth=True)
        return seen[:, :, down : down + self.space[0], along : along + self.space[1]]

    def rounded(self, y: Tensor) -> Tensor:
        """Whole counts about mid-grey, as a file has them."""
        middle = self.levelled(torch.zeros_like(y))
        return torch.round(y - middle) + middle

    def levelled(self, counts: Tensor) -> Tensor:
        """The measurements of a file's counts, which are about mid-grey, as this linear operator gives them."""
        parts = [part.clone() for part in self.split(counts)]
        for i, part in enumerate(parts):
            if i == 0 or not self.colour:
                part[..., 0, 0] += (SIDE * 128 / 255 / self.steps[i, 0, 0]).to(part)
        return torch.cat([part.flatten(1) for part in parts], dim=1)

    def energies(self) -> Tensor:
        """For each measurement the square of its step, their mean 1: as weights they make steps into squared grey levels."""
        squares = [self.steps[i].square().expand(*p.blocks, SIDE, SIDE).flatten() for i, p in enumerate(self.planes)]
        flat = torch.cat(squares)[None]
        return flat / flat.mean()

    def split(self, data: Tensor) -> list[Tensor]:
        """The measurements of each plane, (b, blocks down, blocks across, 8, 8)."""
        sizes = [64 * p.blocks[0] * p.blocks[1] for p in self.planes]
        return [d.reshape(-1, *p.blocks, SIDE, SIDE) for d, p in zip(data.split(sizes, 1), self.planes, strict=True)]

    def channels(self, x: Tensor) -> Tensor:
        """A picture as the planes of the file, at full size: YCbCr, the differences about 0."""
        return torch.einsum("ij,bjhw->bihw", self.mix.to(x), x)

    def picture(self, planes: Tensor) -> Tensor:
        """The inverse."""
        return torch.einsum("ij,bjhw->bihw", torch.linalg.inv(self.mix).to(planes), planes)

    def _analyse(self, x: Tensor, i: int) -> Tensor:
        """One plane at full size (b, h, w) -> its coefficients (b, blocks down, blocks across, 8, 8)."""
        plane = self.planes[i]
        x = x[:, : plane.pixels[0], : plane.pixels[1]]
        if plane.shrink != (1, 1):
            x = F.avg_pool2d(x[:, None], plane.shrink)[:, 0]
        blocks = x.reshape(-1, plane.blocks[0], SIDE, plane.blocks[1], SIDE).transpose(2, 3)
        basis = self.basis.to(x)
        return basis @ blocks @ basis.T / self.steps[i].to(x)

    def _synthesise(self, coefficients: Tensor, i: int, smooth: bool = False) -> Tensor:
        """The inverse, (b, 1, h, w); the cosines are orthonormal, so that this is the adjoint up to steps and averages."""
        plane, basis = self.planes[i], self.basis.to(coefficients)
        blocks = basis.T @ (coefficients * self.steps[i].to(coefficients)) @ basis
        samples = blocks.transpose(2, 3).reshape(-1, 1, *plane.samples)
        if smooth and plane.shrink != (1, 1):
            return F.interpolate(samples, size=plane.pixels, mode="bilinear", align_corners=False)
        return samples.repeat_interleave(plane.shrink[0], 2).repeat_interleave(plane.shrink[1], 3)

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        ramp = tuple(range(1, 65))
        flat = (16,) * 64
        grey = cls((Plane((1, 2), (1, 1), ramp),), colour=False)
        plain = cls((Plane((1, 1), (1, 1), ramp), *[Plane((1, 1), (1, 1), flat)] * 2), colour=True)
        coarse = cls((Plane((2, 1), (1, 1), ramp), *[Plane((1, 1), (2, 2), flat)] * 2), colour=True)
        across = cls((Plane((1, 2), (1, 1), ramp), *[Plane((1, 1), (1, 2), flat)] * 2), colour=True)
        return (grey, (1, 1, 8, 16)), (plain, (1, 3, 8, 8)), (coarse, (1, 3, 16, 16)), (across, (1, 3, 8, 16))


def cosines() -> Tensor:
    """The orthonormal 8-point transform: row u holds the u-th cosine."""
    rows = [
        [sqrt((2 if u else 1) / SIDE) * cos(pi * (2 * i + 1) * u / (2 * SIDE)) for i in range(SIDE)]
        for u in range(SIDE)
    ]
    return torch.tensor(rows, dtype=torch.float64)
