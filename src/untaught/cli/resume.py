"""`untaught resume`: a run that was interrupted or killed, finished to the same bits where the build is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from untaught.cli.finishing import carry_out
from untaught.core.errors import BadInput

FLAG = Parameter(negative=())


def resume(
    folder: Path,
    /,
    *,
    max_megapixels: float = 100.0,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    uncertainty: Path | None = None,
    force: Annotated[bool, FLAG] = False,
    keep_run: Annotated[bool, FLAG] = False,
    save_every: float = 10.0,
    report: Path | None = None,
    json: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> int:
    """Finish a run that was interrupted or killed, as if it had never been.

    Parameters
    ----------
    folder
        Where the run is kept: OUTPUT.run, or what --save-run named.
    max_megapixels
        The largest picture that is read.
    output
        Where the result goes, instead of where it was to go when the run began.
    uncertainty
        Where the maps of how far the picture may be off go, instead, if the run has them.
    force
        Write over files that were put there by something else (never over the input).
    keep_run
        Keep the folder when the run has ended.
    save_every
        Seconds between two checkpoints.
    report
        How far the result can be trusted, and why: a page (.html) or figures (.json).
    json
        Print every iterate as a line of JSON instead of a progress bar.
    quiet
        Print nothing but errors.
    """
    from untaught.io import images
    from untaught.io.checkpoints import Folder
    from untaught.io.images.places import Places
    from untaught.session.keeping import Keeper, resumed
    from untaught.session.writing import Outputs

    place = Folder(folder)
    recipe = place.recipe()
    image = images.read(recipe.input, max_megapixels=max_megapixels) if recipe.input else None
    if uncertainty is not None and not recipe.uncertainty:
        raise BadInput(
            f"The run in '{folder}' was begun without --uncertainty, for which some values are held out: begin anew."
        )
    inputs = [recipe.input, *(recipe.settings[name] for name in recipe.files)]
    places = Places.of(inputs, force=force)  # the folder may be from anybody: it names inputs, and grants no place
    places.own |= place.claimed()
    maps = uncertainty or (Path(recipe.uncertainty) if recipe.uncertainty else None)
    outputs = Outputs(places, output or Path(recipe.output), report, maps)
    recipe, state, notes = resumed(place, outputs.named(recipe), image)
    keeper = Keeper(place, keep=keep_run, every=save_every, begun=True)
    places.tell = keeper.claim
    return carry_out(recipe, image, outputs, keeper, state=state, notes=notes, as_json=json, quiet=quiet)
