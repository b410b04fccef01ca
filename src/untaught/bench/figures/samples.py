"""Samples of the prior: pictures that networks draw with random weights, before they have seen any."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from untaught.bench import sample as study
from untaught.bench.figures._base import Figure, Made, Panel, Reproduced, Runner, Size
from untaught.core.randomness import Rng
from untaught.reports import labels


def _panels(size: Size) -> list[Panel]:
    side, seeds = size.pixels(96, 256), 4 if size.full else 2

    def make(name: str, run: Runner) -> Made:
        children = [Rng(size.seed).child("sample", i).seed for i in range(seeds)]
        drawn = [study.draw(name, size=side, seed=seed) for seed in children]
        rough = float(np.mean([np.var(np.diff(x, axis=1)) / np.var(x) for x in drawn]))
        row = Reproduced(
            name, "none", study.COLUMNS[name].label.replace("\n", " "), "roughness", rough, f"{side} x {side}"
        )
        return Made([row], {f"theta {i + 1}": study.stretched(x) for i, x in enumerate(drawn)})

    return [Panel(name, partial(make, name)) for name in study.COLUMNS]


def _draw(made: Mapping[str, Made]) -> NDArray:
    seeds = list(next(iter(made.values())).pictures)
    rows = [[m.pictures[seed] for m in made.values()] for seed in seeds]
    columns = [study.COLUMNS[name].label for name in made]
    return labels.grid(rows, columns=columns, names=seeds, caption=study.CAPTION)


FIGURES = (
    Figure(
        "samples",
        "IJCV 2020",
        "Samples of the prior",
        "No step is taken: this is f(z) with random weights, one seed a row, and z is the same everywhere. Deeper "
        "hourglasses draw larger spots, thin skips add grain, the way of enlarging shows. What a network draws by "
        "chance is what it finds easy to say. Roughness: the variance between neighbours as a share of all.",
        _panels,
        _draw,
    ),
)
