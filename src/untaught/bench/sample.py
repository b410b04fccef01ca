"""Pictures that networks draw before they have seen any: f_theta(z) at random theta, z the same for all of them.

What such a network makes by chance is what it finds easy to make: the prior of the Deep Image Prior, without a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput, unknown
from untaught.reports import labels

if TYPE_CHECKING:
    from untaught.prior import Architecture

CAPTION = (
    "f(z) before any step: a row is one seed of theta, and z is the same everywhere (32 channels of noise; the decoder has a "
    "smaller code of its own). For the eye each picture is stretched by itself, from its 1st to its 99th percentile."
)


@dataclass(frozen=True)
class Column:
    """label: may have two lines. net: makes the architecture; channels: of its code."""

    label: str
    net: Callable[[], Architecture]
    channels: int = 32


def _hourglass(depth: int, **knobs: Any) -> Callable[[], Architecture]:
    def make() -> Architecture:
        from untaught.prior.networks.hourglass import Hourglass

        return Hourglass((128,) * depth, **knobs)

    return make


def _named(name: str) -> Callable[[], Architecture]:
    def make() -> Architecture:
        from untaught.core.registry import networks

        recipe: Architecture = networks.get(name)()
        return recipe

    return make


COLUMNS = {
    **{f"hourglass-{d}": Column(f"hourglass,\ndepth {d}", _hourglass(d)) for d in range(2, 7)},
    "nearest": Column("depth 5, no skips,\nnearest", _hourglass(5, skip=0, upsample="nearest")),
    "bilinear": Column("depth 5, no skips,\nbilinear", _hourglass(5, skip=0, upsample="bilinear")),
    "unet": Column("U-Net", _named("unet")),
    "resnet": Column("ResNet", _named("resnet")),
    "decoder": Column("decoder", _named("decoder"), channels=128),
}


def check(columns: Sequence[str], size: int, seeds: int) -> None:
    """Refuse before the work what cannot be drawn."""
    if not columns:
        raise BadInput(f"There is no column to draw: choose from {', '.join(COLUMNS)}.")
    for name in columns:
        if name not in COLUMNS:
            raise unknown("column", name, COLUMNS)
    if not 1 <= size <= 1024:
        raise BadInput(f"A size of {size} pixels cannot be drawn: give 1 to 1024.")
    if not 1 <= seeds <= 64:
        raise BadInput(f"{seeds} seeds make no grid: give 1 to 64.")


def draw(name: str, *, size: int, seed: int, code: int = 0) -> NDArray:
    """f_theta(z), (size, size, 3), floats as the sigmoid gives them; seed: of theta, code: of z."""
    import torch

    from untaught.core.randomness import Rng
    from untaught.prior import Network
    from untaught.problem import Problem

    column = COLUMNS[name]
    problem = Problem(torch.zeros(1, 3, size, size))
    prior = Network(column.net(), _code(column.channels, code))
    with torch.no_grad():
        x = prior.build(problem.image_shape, problem, Rng(seed))()
    return x[0].permute(1, 2, 0).contiguous().numpy()


def _code(channels: int, seed: int) -> Any:
    from untaught.core.geometry import crop_to
    from untaught.core.randomness import Rng
    from untaught.prior.codes import Noise

    class Same(Noise):
        """The noise of one seed, whatever the seed of the weights; smaller grids see its middle."""

        def build(self, space: Sequence[int], problem: Any, rng: Rng) -> Any:
            # Networks pad to multiples of their own: all are cut from one picture of noise, so that they share its middle.
            whole = [-(-n // 128) * 128 for n in space]
            return crop_to(super().build(whole, problem, Rng(seed, rng.device)), space).contiguous()

    return Same(channels)


def stretched(x: NDArray) -> NDArray:
    """The picture for the eye: its 1st percentile black, its 99th white, all channels alike."""
    low, high = np.percentile(x, [1, 99])
    return np.clip((x - low) / max(float(high - low), 1e-12), 0, 1)


def sheet(columns: Sequence[str], *, size: int, seeds: int) -> NDArray:
    """The labelled grid, (h, w, 3) uint8."""
    check(columns, size, seeds)
    rows = [[stretched(draw(name, size=size, seed=seed)) for name in columns] for seed in range(seeds)]
    return labels.grid(
        rows,
        columns=[COLUMNS[name].label for name in columns],
        names=[f"theta {seed}" for seed in range(seeds)],
        caption=CAPTION,
    )
