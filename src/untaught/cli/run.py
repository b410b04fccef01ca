"""`untaught run`: a recipe, from a file or from a result, carried out again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from untaught.cli.asked import Asked, taking
from untaught.cli.finishing import carry_out
from untaught.core.errors import BadInput
from untaught.core.registry import tasks


@taking(
    "repeat",
    "memory",
    "workers",
    "scheduler",
    output="Where the result goes; NAME.untaught.EXT if not given.",
    uncertainty="Where the maps of how far it may be off go; NAME.uncertainty.tif beside it, if the recipe has them.",
)
def run(recipe: Path, /, asked: Asked, *, input: Path | None = None) -> int:
    """Repeat a recipe: bit for bit on the same input and build.

    Parameters
    ----------
    recipe
        A recipe (.toml), or a result that carries one.
    input
        The picture to restore, instead of the recipe's own (which is sought beside the recipe, then here).
    """
    from untaught.core import threads
    from untaught.io import images
    from untaught.io.images.places import Places
    from untaught.io.recipes import Recipe
    from untaught.session.keeping import Keeper
    from untaught.session.writing import Outputs, default_output

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
        image = task.read(source, max_megapixels=asked.max_megapixels)
    named = task.files(settings)
    target = asked.output or default_output(old.task, source)
    places = Places.of([source, recipe, *named.values()], force=asked.force)
    keeper = Keeper.beside(target, asked.save_run, places, keep=asked.keep_run, every=asked.save_every)
    maps = asked.uncertainty
    if maps is None and old.uncertainty:
        maps = target.with_name(f"{target.stem}.uncertainty.tif")
    outputs = Outputs(places, target, asked.report, maps)
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
    return carry_out(new, image, outputs, keeper, asked, notes=tuple(notes))


def find(name: str, recipe: Path) -> Path:
    """The recipe's input: where it says, beside the recipe, or here; `BadInput` where it is at none of them."""
    from untaught.io.measurements import file_of

    for place in (recipe.parent / name, Path(name)):
        if file_of(place).exists():
            return place
    raise BadInput(f"The recipe's input '{name}' is neither beside '{recipe}' nor here: name it with --input.")
