"""Row and column noise: every row or column of a picture has an offset of its own, from how a sensor or a scanner is read.

    y(i, j) = x(i, j) + o(i) + n(i, j)

Non-local means put rows of other offsets in the place of each other, so that what they take away says the offset, part by part of
the row. It is row noise only where parts that lie far apart say the same of every row, and where one row's offset says nothing
of another's: true lines, edges and fringes end somewhere, repeat, or are few.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.classical.denoise.nlm import NonLocalMeans

MEANS = NonLocalMeans(1.5, distance=4, strip=64)
HALO = 17  # rows about one, over which it is known how far a part is to be heard
WIDE = 15  # pixels of a part of a row
HEARD = 0.4  # share of a part that is cut off, from which on it says nothing
SOLE = 3  # values at an end of the range that may be just the largest
LEAST = 48  # pixels a side, below which there is too little to tell
ROUNDS = 4  # each looks at what the one before left
# Pixels beyond which four parts of that side are looked at before the whole: one has to show stripes.
LARGE, PART = 1 << 22, 768
ALIKE = 0.7  # correlation of what the two halves of the rows say of their offsets, from which on these are common ...
AGAIN = 0.3  # ... unless rows some way off foretell them with that correlation: a pattern ...
# ... or, in windows of so many, two rows tell the next but for less than that share of it: fringes ...
WINDOW, NEW = 24, 0.8
EVENLY = 0.6, 1.3  # ... or their usual size is not that of normal values beside their deviation: lines, or bars
FAINT = 0.3 / 255  # deviation of offsets that nobody sees, ...
LOUD = 0.15  # and of those that are picture, whatever else speaks for them
SHOWN = 0.5  # share of what a row says of its offset beside the next one's, that its own mean has to show at least, ...
BOTH = 0.65  # ... and its darker or its brighter values of what the others show: lines of text are dark alone
FAR = 4.0  # deviations of the offsets from which on one is a line of the picture


@dataclass(frozen=True, eq=False)
class Stripes:
    """rows, columns: the offsets (c, h) and (c, w) of a picture (1, c, h, w), in its unit; 0 where there are none."""

    rows: Tensor
    columns: Tensor

    @property
    def sigmas(self) -> dict[str, float]:
        """The deviation of the offsets by name, of those that there are."""
        found = {"row": self.rows, "column": self.columns}
        return {name: float(o.square().mean().sqrt()) for name, o in found.items() if bool(o.any())}

    def removed(self, picture: Tensor) -> Tensor:
        """The picture without them; what was cut off at an end of its range stays there."""
        return torch.where(_cut(picture), picture, picture - self.rows[..., None] - self.columns[:, None])


def find_stripes(picture: Tensor) -> Stripes | None:
    """The row and column noise of one picture (1, c, h, w) in about [0, 1]; None of none."""
    if picture.ndim != 4 or len(picture) != 1 or min(picture.shape[2:]) < LEAST:
        return None
    x = picture[0]
    if x[0].numel() > LARGE and all(find_stripes(part) is None for part in _parts(picture)):
        return None
    cut = _cut(x)
    rows = _offsets(x, cut)
    columns = _offsets((x - rows[..., None]).mT.contiguous(), cut.mT)
    return Stripes(rows, columns) if bool(rows.any()) or bool(columns.any()) else None


def _parts(picture: Tensor) -> list[Tensor]:
    """The middles of its quarters."""
    rows, columns = ([round((i + 0.5) * n / 2) - PART // 2 for i in range(2)] for n in picture.shape[2:])
    return [picture[:, :, max(0, i) : i + PART, max(0, j) : j + PART].contiguous() for i, j in product(rows, columns)]


def _cut(x: Tensor) -> Tensor:
    """True at the values that were cut off at an end of the range: several are the same there."""
    ends = [x == end for end in (x.min(), x.max())]
    return torch.stack([at & (at.sum() > max(SOLE, 1e-4 * x.numel())) for at in ends]).any(0)


def _offsets(x: Tensor, cut: Tensor) -> Tensor:
    """(c, h) of (c, h, w); 0 where they are no noise. cut: true where a value says nothing."""
    total, size = torch.zeros(x.shape[:2]), 0.0
    level = x.diff(n=2, dim=1).abs().median() / (0.6745 * 6**0.5)  # of noise and offsets together
    profile = x.median(2).values
    for _ in range(ROUNDS):
        y = x - total[..., None]
        said, halves = _said(y - MEANS(y[None], level.clamp_min(FAINT))[0], cut)
        if not size:
            size = _noise(halves, profile) or 0.0
            if not size or not _shown(x, cut, said):  # which sorts every row
                return total
        total += torch.where(said.abs() < FAR * size, said, 0.0)
    return total - total.mean(1, keepdim=True)


def _noise(halves: Tensor, profile: Tensor) -> float | None:
    """The deviation of offsets that two halves of the rows say, (2, c, h); None where they are none, or picture.

    profile: the middle value of every row, (c, h).
    """
    limit = FAR * 1.4826 * halves.abs().median(2, keepdim=True).values
    halves = halves.clamp(-limit, limit)
    halves = halves - halves.mean(2, keepdim=True)
    one, other = halves
    common = (one * other).mean()
    if not common > ALIKE * (one.square().mean() * other.square().mean()).sqrt():
        return None
    size = float(common.sqrt())
    both = (one + other) / 2
    power = torch.fft.rfft(both, 2 * both.shape[1]).abs().square().mean(0)
    again = torch.fft.irfft(power)[: both.shape[1] // 2]
    again = again / again[0]
    low, high = EVENLY
    usual = 1.4826 * float(both.abs().median()) / float(both.square().mean().sqrt())
    noise = float(again[1:].max()) < AGAIN and low < usual < high and FAINT < size < LOUD
    return size if noise and _new(profile) > NEW * size else None


def _shown(x: Tensor, cut: Tensor, said: Tensor) -> bool:
    """Whether the means of the rows of (c, h, w) differ from each other by what these say; those of a fine checkerboard do not. And
    whether their darker values do as the brighter ones."""
    sound = (~cut).to(x)
    means = (x * sound).sum(2) / sound.sum(2).clamp_min(1)
    dark, bright = (float((cut & (x == end)).float().mean()) for end in (x.min(), x.max()))
    quarters = x.quantile(dark + (1 - dark - bright) * torch.tensor([0.2, 0.8]), 2)  # of what was not cut off
    stated = said.diff(dim=1)
    mean, *ends = ((row.diff(dim=1) * stated).sum() for row in (means, *quarters))
    return bool(mean > SHOWN * stated.square().sum()) and bool(min(ends) > BOTH * max(ends))


def _new(profile: Tensor) -> float:
    """What is new in a row: how far (c, h) is from what the two values before foretell, by the weights best in its window (RMS)."""
    at = profile.unfold(1, min(WINDOW, profile.shape[1]), WINDOW // 2)
    at = at - at.mean(2, keepdim=True)
    before, now = torch.stack([at[..., 1:-1], at[..., :-2]], -1), at[..., 2:, None]
    gram = before.mT @ before
    gram.diagonal(dim1=-2, dim2=-1).add_(1e-4 * gram.diagonal(dim1=-2, dim2=-1).mean(-1, keepdim=True) + 1e-12)
    return float((now - before @ torch.linalg.solve(gram, before.mT @ now)).square().mean().sqrt())


def _said(rest: Tensor, cut: Tensor) -> tuple[Tensor, Tensor]:
    """What the parts of the rows of (c, h, w) say of their offsets (c, h), and the left and the right half alone (2, c, h)."""
    c, h, w = rest.shape

    def by_parts(x: Tensor) -> Tensor:
        return x[..., : w // WIDE * WIDE].reshape(c, h, -1, WIDE)

    # The median of values of which some were cut off is right, as long as it is not one of them.
    parts = by_parts(rest).median(3).values.masked_fill(by_parts(cut).float().mean(3) > HEARD, float("nan"))
    apart = (parts - parts.nanmedian(2, keepdim=True).values).square()
    # A part is heard as far as it agrees with the others hereabouts, and in this row.
    usual = _along(apart) + 1e-9
    weight = (1 - apart / (9 * usual)).clamp_min(0).square() / usual
    weight, parts = weight.nan_to_num(0.0), parts.nan_to_num(0.0)
    half = parts.shape[2] // 2

    def mean(some: slice) -> Tensor:
        return (weight * parts)[..., some].sum(2) / weight[..., some].sum(2).clamp_min(1e-9)

    return mean(slice(None)), torch.stack([mean(slice(half)), mean(slice(half, None))])


def _along(x: Tensor) -> Tensor:
    """The mean of (c, h, n) over HALO rows, of what is a number."""

    def summed(v: Tensor) -> Tensor:
        return F.avg_pool2d(F.pad(v[None], (0, 0, HALO // 2, HALO // 2), "replicate"), (HALO, 1), 1)[0]

    return summed(x.nan_to_num(0.0)) / summed((~x.isnan()).to(x))
