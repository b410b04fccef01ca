"""Filters over a sensor: each pixel measures one colour, or one band (Bayer 1976)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from untaught.core.errors import BadInput, unknown
from untaught.problem.operators import Operator, Shape

PATTERNS = {
    "rggb": ("RG", "GB"),
    "bggr": ("BG", "GR"),
    "grbg": ("GR", "BG"),
    "gbrg": ("GB", "RG"),
    "xtrans": ("GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGBG"),
}
"""The colours of the upper left corner, which are repeated. X-Trans: Fujifilm's."""


class Mosaic(Operator):
    """(b, c, h, w) -> (b, 1, h, w): of each pixel the channel that the pattern names; it is repeated over the picture.

    pattern: a name ("rggb", "bggr", "grbg", "gbrg", "xtrans"), or rows of channels' numbers from 0, such as ((0, 1), (2, 3)).
    """

    pattern: Tensor

    def __init__(self, pattern: str | Sequence[Sequence[int]] | Tensor = "rggb") -> None:
        super().__init__()
        if isinstance(pattern, str):
            if pattern.lower() not in PATTERNS:
                raise unknown("pattern", pattern, PATTERNS)
            pattern = [["RGB".index(colour) for colour in row] for row in PATTERNS[pattern.lower()]]
        table = torch.as_tensor(pattern)
        if table.ndim != 2 or not table.numel() or table.is_floating_point() or int(table.min()) < 0:
            raise BadInput(
                f"A pattern is rows of channels' numbers from 0, not an array of shape {tuple(table.shape)}."
            )
        self.channels = int(table.max()) + 1
        self.register_buffer("pattern", table, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return (x * self._seen(x)).sum(1, keepdim=True)

    def adjoint(self, data: Tensor, at: Tensor | None = None) -> Tensor:
        return data * self._seen(data)

    def _seen(self, like: Tensor) -> Tensor:
        """(1, c, h, w): 1 where a channel is measured."""
        down, along = (
            torch.arange(n, device=like.device) % m for n, m in zip(like.shape[2:], self.pattern.shape, strict=True)
        )
        which = self.pattern[down[:, None], along]
        return (which == torch.arange(self.channels, device=like.device)[:, None, None])[None].to(like.dtype)

    def image_shape(self, data_shape: Shape) -> Shape:
        if len(data_shape) != 4 or data_shape[1] != 1:
            raise BadInput(f"A mosaic is one value a pixel, (h, w), but the data are {tuple(data_shape[1:])}.")
        return (data_shape[0], self.channels, *data_shape[2:])

    @classmethod
    def examples(cls) -> tuple[tuple[Operator, Shape], ...]:
        return (cls(), (1, 3, 5, 4)), (cls("xtrans"), (1, 3, 7, 6)), (cls(((0, 1, 2), (3, 0, 1))), (1, 4, 2, 3))
