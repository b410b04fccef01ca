"""`untaught resume`: a run that was interrupted or killed, finished to the same bits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from untaught.cli.finishing import carry_out
from untaught.cli.keeping import Keeper
from untaught.core.errors import BadInput
from untaught.core.registry import tasks

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
    from untaught.cli import repeating, reporting
    from untaught.core import threads
    from untaught.io import images
    from untaught.io.checkpoints import Folder
    from untaught.io.images.places import Places
    from untaught.io.recipes import Recipe

    place = Folder(folder)
    recipe = place.recipe()
    threads.settle(recipe.threads)
    image = images.read(recipe.input, max_megapixels=max_megapixels) if recipe.input else None
    if image is not None and image.sha256 != recipe.sha256:
        raise BadInput(
            f"'{recipe.input}' is another picture than when the run in '{folder}' began (its sha256 differs): put the "
            "old one back, or begin the run anew."
        )
    now = Recipe.now(recipe.task, recipe.settings, image=image, files=tasks.get(recipe.task).files(recipe.settings))
    for name, digest in recipe.files.items():
        if now.files.get(name) != digest:
            raise BadInput(
                f"'{recipe.settings[name]}' is not the {name} with which the run in '{folder}' began (its sha256 differs, "
                "or it is gone): put the old one back, or begin the run anew."
            )
    if apart := recipe.differences(now):
        remedy = f"set OMP_NUM_THREADS={recipe.threads}" if apart[0].startswith("threads") else "use that one"
        raise BadInput(
            f"The run in '{folder}' is of another build ({', '.join(apart)}) and would not end in the same bits: "
            f"{remedy}, or begin the run anew."
        )
    if uncertainty is not None and not recipe.uncertainty:
        raise BadInput(
            f"The run in '{folder}' was begun without --uncertainty, for which some values are held out: begin anew."
        )
    target = output or Path(recipe.output)
    maps = uncertainty or (Path(recipe.uncertainty) if recipe.uncertainty else None)
    inputs = [recipe.input, *(recipe.settings[name] for name in recipe.files)]
    places = Places.of(inputs, force=force)  # the folder may be from anybody: it names inputs, and grants no place
    places.own |= place.claimed()
    images.check_output(target, places=places)
    reporting.check(report, places)
    maps = repeating.check(maps, places)
    try:
        state, notes = place.load(recipe)
        if output or uncertainty:
            recipe = replace(recipe, output=str(target.absolute()), uncertainty=str(maps or ""))
            place.renew(recipe)
    except OSError as error:
        raise BadInput(
            f"The checkpoints in '{folder}' cannot be used ({error.strerror}): make them readable, and the folder writable."
        ) from error
    keeper = Keeper(place, keep=keep_run, every=save_every, begun=True)
    places.tell = keeper.claim
    return carry_out(
        recipe, image, target, keeper, places, state=state, notes=notes, report=report, as_json=json, quiet=quiet
    )
