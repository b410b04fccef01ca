"""`untaught sample`: what networks draw before they have seen a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from untaught.cli.studying import OUTPUT, Force, names, tell


def sample(
    *,
    output: Annotated[Path, OUTPUT] = Path("samples.png"),
    size: int = 128,
    seeds: int = 4,
    columns: str | None = None,
    force: Force = False,
) -> int:
    """Draw from the prior: a labelled grid of f(z) at random weights, without any step.

    Parameters
    ----------
    output
        Where the grid goes.
    size
        Side of each picture in pixels.
    seeds
        How many rows: one seed of the weights each; the code z is the same in all of them.
    columns
        Names with commas between them: hourglass-2 to hourglass-6, nearest, bilinear, unet, resnet, decoder. All of them
        where it is left out.
    """
    from untaught.bench import sample as study
    from untaught.io import images
    from untaught.io.images.places import Places

    chosen = list(study.COLUMNS) if columns is None else names(columns)
    study.check(chosen, size, seeds)
    places = Places(force=force)
    target = images.check_output(output, places=places)
    images.write(target, study.sheet(chosen, size=size, seeds=seeds), places=places)
    tell(places)
    print(
        f"{places.went[target]}: {seeds} x {len(chosen)} pictures of {size} x {size}, each stretched by itself for the eye."
    )
    return 0
