"""`untaught resume`: a run that was interrupted or killed, finished to the same bits where the build is the same."""

from __future__ import annotations

from pathlib import Path

from untaught.cli.asked import Asked, taking
from untaught.cli.finishing import carry_out
from untaught.core.errors import BadInput
from untaught.core.registry import tasks


@taking(
    "repeat",
    "save_run",
    "memory",
    "workers",
    "scheduler",
    output="Where the result goes, instead of where it was to go when the run began.",
    force="Write over files that were put there by something else (never over the input).",
    uncertainty="Where the maps of how far the picture may be off go, instead, if the run has them.",
)
def resume(folder: Path, /, asked: Asked) -> int:
    """Finish a run that was interrupted or killed, as if it had never been.

    Parameters
    ----------
    folder
        Where the run is kept: OUTPUT.run, or what --save-run named.
    """
    from untaught.io.checkpoints import Folder
    from untaught.io.images.places import Places
    from untaught.session.keeping import Keeper, resumed
    from untaught.session.writing import Outputs

    place = Folder(folder)
    recipe = place.recipe()
    image = tasks.get(recipe.task).read(recipe.input, max_megapixels=asked.max_megapixels) if recipe.input else None
    if asked.uncertainty is not None and not recipe.uncertainty:
        raise BadInput(
            f"The run in '{folder}' was begun without --uncertainty, for which some values are held out: begin anew."
        )
    inputs = [recipe.input, *(recipe.settings[name] for name in recipe.files)]
    # The folder may be from anybody: it names inputs, and grants no place.
    places = Places.of(inputs, force=asked.force)
    places.own |= place.claimed()
    maps = asked.uncertainty or (Path(recipe.uncertainty) if recipe.uncertainty else None)
    outputs = Outputs(places, asked.output or Path(recipe.output), asked.report, maps)
    recipe, state, notes = resumed(place, outputs.named(recipe), image)
    keeper = Keeper(place, keep=asked.keep_run, every=asked.save_every, begun=True)
    places.tell = keeper.claim
    return carry_out(recipe, image, outputs, keeper, asked, state=state, notes=notes)
