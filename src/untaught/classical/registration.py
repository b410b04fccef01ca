"""A guide, brought onto the grid of another picture of the same view: size, and a shift to a fraction of a pixel."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.core.errors import BadInput

ASPECT = 0.03  # a guide whose proportions differ by more shows another part of the scene
FARTHEST = 0.05  # of a side: a shift beyond this is taken for a false match
SMALLEST = 24  # pixels a side, below which no shift can be found


def matched(guide: Tensor, data: Tensor, align: bool, notes: list[str]) -> Tensor:
    """The guide (1, c, h', w') at the size of the data (1, c, h, w), and moved by the shift found between them.

    BadInput where the proportions differ. What was done is told in `notes`.
    """
    size, own = tuple(data.shape[2:]), tuple(guide.shape[2:])
    if own != size:
        stretch = (size[0] / own[0]) / (size[1] / own[1])
        if abs(stretch - 1) > ASPECT and min(size) > 1:
            raise BadInput(
                f"The guide is {own[1]} x {own[0]} and the picture {size[1]} x {size[0]}: their proportions differ by "
                f"{100 * abs(stretch - 1):.0f} %. Crop one of them to what both show."
            )
        guide = F.interpolate(guide, size=size, mode="bicubic", antialias=True, align_corners=False)
        notes.append(f"The guide was resized from {own[1]} x {own[0]} to {size[1]} x {size[0]}.")
    if not align or min(size) < SMALLEST:
        return guide
    down, right = shift(guide, data)
    if abs(down) < 0.1 and abs(right) < 0.1:
        return guide
    if abs(down) > FARTHEST * size[0] or abs(right) > FARTHEST * size[1]:
        notes.append(
            f"The guide seems to lie {abs(down):.0f} pixels down or up and {abs(right):.0f} sideways of the picture, too far "
            "to be sure: it was not moved. Align them first if they differ."
        )
        return guide
    better = moved(guide, down, right)
    before, after = (likeness(edges(g), edges(data)) for g in (guide, better))
    if after <= before:
        return guide
    notes.append(
        f"The guide was moved by {down:+.1f} pixels down and {right:+.1f} to the right, where the edges agree."
    )
    return better


def edges(x: Tensor) -> Tensor:
    """The height of the edges of the mean channel, smoothed against noise, (h, w): alike whatever the light is."""
    grey = x.mean(1, keepdim=True)
    taps = torch.exp(-0.5 * (torch.arange(-4.0, 5.0) / 1.5).square())
    taps = (taps / taps.sum()).to(x)
    grey = F.pad(grey, (4, 4, 4, 4), mode="replicate")
    grey = F.conv2d(F.conv2d(grey, taps.view(1, 1, -1, 1)), taps.view(1, 1, 1, -1))
    steep = (grey[..., 1:, :-1] - grey[..., :-1, :-1]).square() + (grey[..., :-1, 1:] - grey[..., :-1, :-1]).square()
    return F.pad(steep.sqrt(), (0, 1, 0, 1), mode="replicate")[0, 0]


def likeness(a: Tensor, b: Tensor) -> float:
    """The correlation of two pictures (h, w), -1 to 1."""
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (a.norm() * b.norm()).clamp_min(1e-12))


def shift(guide: Tensor, data: Tensor) -> tuple[float, float]:
    """(down, right): how far the guide has to move for its edges to lie on those of the data, to a tenth of a pixel."""
    from skimage.registration import phase_cross_correlation

    still, moving = edges(data).double(), edges(guide).double()
    window = torch.outer(*(torch.hann_window(n, periodic=False, dtype=torch.float64) for n in still.shape))
    pair = [((v - v.mean()) * window).numpy() for v in (still, moving)]
    # Without normalising by the spectrum: that would let noise vote at every frequency.
    found, _, _ = phase_cross_correlation(*pair, upsample_factor=20, normalization=None)
    return float(found[0]), float(found[1])


def moved(x: Tensor, down: float, right: float) -> Tensor:
    """x (1, c, h, w), moved; beyond its border its last pixels are repeated."""
    h, w = x.shape[2:]
    rows, columns = torch.arange(h, dtype=x.dtype) - down, torch.arange(w, dtype=x.dtype) - right
    grid = torch.stack(torch.meshgrid((2 * columns + 1) / w - 1, (2 * rows + 1) / h - 1, indexing="xy"), -1)[None]
    return F.grid_sample(x, grid, mode="bicubic", padding_mode="border", align_corners=False)
