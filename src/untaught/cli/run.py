"""`untaught run`: a recipe, from a file or from a result, carried out again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from untaught.cli.finishing import carry_out
from untaught.core.errors import BadInput
from untaught.core.registry import tasks

FLAG = Parameter(negative=())


def run(
    recipe: Path,
    /,
    *,
    input: Path | None = None,
    max_megapixels: float = 100.0,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    force: Annotated[bool, FLAG] = False,
    save_run: Path | None = None,
    keep_run: Annotated[bool, FLAG] = False,
    save_every: float = 10.0,
    report: Path | None = None,
    uncertainty: Path | None = None,
    json: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> int:
    """Repeat a recipe: bit for bit on the same input and build.

    Parameters
    ----------
    recipe
        A recipe (.toml), or a result that carries one.
    input
        The picture to restore, instead of the recipe's own (which is sought beside the recipe, then here).
    max_megapixels
        The largest picture that is read.
    output
        Where the result goes; NAME.untaught.EXT if not given.
    force
        Write over an existing file (never over the input).
    save_run
        Keep the run in this folder while it lasts, so that `untaught resume` can finish it.
    keep_run
        Keep that folder when the run has ended, too.
    save_every
        Seconds between two checkpoints.
    report
        How far the result can be trusted, and why: a page (.html) or figures (.json).
    uncertainty
        Where the maps of how far the picture may be off go; NAME.uncertainty.tif beside the result, if the recipe has them.
    json
        Print every iterate as a line of JSON instead of a progress bar.
    quiet
        Print nothing but errors.
    """
    from untaught.core import threads
    from untaught.io import images
    from untaught.io.images.places import Places
    from untaught.io.recipes import Recipe
    from untaught.session.keeping import Keeper
    from untaught.session.writing import Outputs

    if recipe.suffix.lower() == ".toml":
        old = Recipe.read(recipe)
    else:
        text = images.read_recipe(recipe)
        if text is None:
            raise BadInput(f"'{recipe}' carries no recipe: name a result of untaught, or a recipe (.toml).")
        old = Recipe.from_toml(text, f"'{recipe}'")
    threads.settle(old.threads)
    task = tasks.get(old.task)
    settings = {**old.settings, **{name: str(find(str(old.settings[name]), recipe)) for name in old.files}}
    image, source = None, None
    if task.subject is None:
        if input:
            raise BadInput(f"The recipe's task '{old.task}' takes no picture: leave --input out.")
    else:
        source = input or find(old.input, recipe)
        image = images.read(source, max_megapixels=max_megapixels)
    named = task.files(settings)
    target = output or default_output(old.task, source)
    places = Places.of([source, recipe, *named.values()], force=force)
    keeper = Keeper.beside(target, save_run, places, keep=keep_run, every=save_every)
    if uncertainty is None and old.uncertainty:
        uncertainty = target.with_name(f"{target.stem}.uncertainty.tif")
    outputs = Outputs(places, target, report, uncertainty)
    new = Recipe.now(old.task, settings, image=image, files=named)
    notes = [f"Another build than the recipe's ({', '.join(d)}): bits may differ." for d in [old.differences(new)] if d]
    if new.sha256 != old.sha256:
        notes.append(f"'{source}' is another picture than the recipe's '{Path(old.input).name}' (its sha256 differs).")
    notes += [
        f"'{settings[name]}' is another file than the recipe's {name} (its sha256 differs)."
        for name in old.files
        if new.files.get(name) != old.files[name]
    ]
    new = outputs.named(replace(new, repeat=old.repeat, steps=0 if old.complete else old.steps))
    return carry_out(new, image, outputs, keeper, notes=tuple(notes), as_json=json, quiet=quiet)


def default_output(task: str, source: Path | None) -> Path:
    """NAME.untaught.EXT beside the input; TASK.untaught.png here, where there is none."""
    from untaught.io import images

    return Path(f"{task}.untaught.png") if source is None else images.default_output(source)


def find(name: str, recipe: Path) -> Path:
    """The recipe's input: where it says, beside the recipe, or here; `BadInput` where it is at none of them."""
    for place in (recipe.parent / name, Path(name)):
        if place.exists():
            return place
    raise BadInput(f"The recipe's input '{name}' is neither beside '{recipe}' nor here: name it with --input.")
