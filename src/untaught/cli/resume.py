"""`untaught resume`: a run that was interrupted or killed, finished to the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from untaught.cli.run import FLAG, Keeper, carry_out
from untaught.errors import BadInput
from untaught.registry import tasks


def resume(
    folder: Path,
    /,
    *,
    max_megapixels: float = 100.0,
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
    force
        Write over an output that was put there by something else, and over an older report.
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
    from untaught import images, threads
    from untaught.checkpoints import Folder
    from untaught.cli import reporting
    from untaught.recipes import Recipe

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
    target = images.check_output(recipe.output, source=recipe.input or None, force=force or place.claimed)
    reporting.check(report, source=recipe.input or None, target=target, force=force)
    try:
        state, notes = place.load(recipe)
    except OSError as error:
        raise BadInput(
            f"The checkpoints in '{folder}' cannot be read ({error.strerror}): make them readable."
        ) from error
    keeper = Keeper(place, keep=keep_run, every=save_every, begun=True)
    return carry_out(recipe, image, target, keeper, state=state, notes=notes, report=report, as_json=json, quiet=quiet)
