"""The commands of the tasks, made from their signatures: picture in, settings, picture out."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_origin, get_type_hints

from cyclopts import Group, Parameter

from untaught.cli.asked import Asked, options, signed
from untaught.core.errors import OutOfMemory
from untaught.core.registry import tasks
from untaught.core.types import Role, Unit

if TYPE_CHECKING:
    from untaught.cli.piping import Piped

EVERYDAY = ("preset", "strength", "amount", "mask", "kernel", "blind", "factor", "flash", "guide", "grow")
"""Settings that most people need, in the order in which `--help` has them; the others come last."""
ENGINE, EXPERTS = Group("Settings", sort_key=0), Group("For experts", sort_key=2)


def number(_: Any, tokens: Any) -> float:
    """A number, which may be written as a fraction: 25/255."""
    text = tokens[0].value
    try:
        top, _, bottom = text.partition("/")
        return float(top) / float(bottom or 1)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"'{text}' is no number: write 0.1 or 25/255.") from None


def _parameter(name: str, annotation: Any) -> Any:
    """A task's annotation as the command line needs it: choices are checked by the task, which knows the nearest name."""
    group = ENGINE if name in EVERYDAY else EXPERTS
    marks = getattr(annotation, "__metadata__", ())
    base = annotation.__origin__ if marks else annotation
    if any(isinstance(m, Role) for m in marks):
        return Annotated[str | None, Parameter(group=group)]
    if any(isinstance(m, Unit) and m.name == "full scale" for m in marks):
        return Annotated[base, Parameter(converter=number, n_tokens=1, group=group)]
    if get_origin(base) is Literal:
        # Choices are text here: the task itself refuses a wrong one, and knows the nearest.
        return Annotated[str, Parameter(group=group, negative=())]
    return Annotated[base, Parameter(group=group)]


def command(name: str) -> Any:
    """The command of one task: its own parameters, then where the result goes."""
    one = tasks.get(name)
    hints = get_type_hints(one.compose, include_extras=True, localns={"Job": object})

    def run(picture: Path | None = None, /, *more: Path, **arguments: Any) -> int:
        own = {key: arguments.pop(key) for key in list(arguments) if key in one.settings}
        asked = Asked(**arguments)
        if own.get("axes", "auto") != "auto" and picture is not None:
            from untaught.cli.stacks import restore_stack
            from untaught.core.errors import BadInput

            if more:
                raise BadInput("--axes is of one file, and several are named: restore them one by one.")
            return restore_stack(name, picture, own, asked)
        if own.get("along") == "time" and picture is not None:
            from untaught.cli.along import restore_clip

            return restore_clip(name, [picture, *more], own, asked)
        return several(name, [picture, *more], own, asked) if more else restore(name, picture, own, asked)

    about = Parameter(
        help="The picture to restore: PNG, JPEG, TIFF, WebP, BMP, NPY, AVIF or HEIC; - reads it from standard input."
    )
    also = Parameter(help="More pictures, restored into the folder -o, as by `untaught batch`.")
    parameters = []
    if one.subject is not None:
        parameters += [
            inspect.Parameter("picture", inspect.Parameter.POSITIONAL_ONLY, annotation=Annotated[Path, about]),
            inspect.Parameter("more", inspect.Parameter.VAR_POSITIONAL, annotation=Annotated[Path, also]),
        ]
    own = [p for p in inspect.signature(one.compose).parameters.values() if p.kind is p.KEYWORD_ONLY]
    place = {setting: i for i, setting in enumerate(EVERYDAY)}
    for p in sorted(own, key=lambda p: place.get(p.name, len(place))):
        if p.name != "channel_axis":
            parameters.append(p.replace(annotation=_parameter(p.name, hints[p.name])))
    parameters += options(*(("max_megapixels",) if one.subject is None else ()))
    run.__name__, run.__doc__ = name, one.__doc__
    return signed(run, parameters)


def several(name: str, pictures: list[Any], settings: dict[str, Any], asked: Asked) -> int:
    """Several pictures into a folder: `untaught batch`, of files alone."""
    from untaught.cli.batch import restore_all
    from untaught.core.errors import BadInput

    if asked.output is None:
        raise BadInput(f"{len(pictures)} pictures are named, and no folder for their results: name one with -o.")
    if told := asked.beyond("save_run", "keep_run", "report", "repeat", "uncertainty", "memory", "scheduler"):
        raise BadInput(f"{told} is for one picture, and {len(pictures)} are named: leave it out.")
    same = {n: getattr(asked, n) for n in ("force", "max_megapixels", "json", "quiet", "workers")}
    return restore_all(name, pictures, settings, asked.output, **same)


def restore(name: str, picture: Path | None, settings: dict[str, Any], asked: Asked) -> int:
    """`carry`, of a picture or into a picture that may come or go through a pipe."""
    from untaught.cli import piping

    stores = any(path and path.suffix == ".zarr" for path in (picture, asked.output))
    if stores or asked.memory is not None or asked.scheduler is not None:
        from untaught.cli.tiles import restore_in_tiles

        return restore_in_tiles(name, picture, settings, asked)
    if not piping.is_piped(picture, asked.output):
        try:
            return carry(name, picture, settings, asked)
        except OutOfMemory as error:
            from untaught.cli.tiles import instead

            return instead(error, name, picture, settings, asked)
    with piping.pipe(picture, asked.output, as_json=asked.json) as piped:
        return carry(name, piped.source, settings, replace(asked, output=piped.target), piped)


def carry(name: str, picture: Path | None, settings: dict[str, Any], asked: Asked, piped: Piped | None = None) -> int:
    """Read, run, write. Everything that can be refused is refused before the work starts."""
    from untaught.cli.finishing import carry_out
    from untaught.io import measurements
    from untaught.io.images.places import Places
    from untaught.io.recipes import Recipe
    from untaught.session.keeping import Keeper
    from untaught.session.writing import Outputs, default_output

    image = None if picture is None else tasks.get(name).read(picture, max_megapixels=asked.max_megapixels)
    files = tasks.get(name).files(settings)
    target = asked.output or default_output(name, picture)
    source = measurements.file_of(picture) if picture is not None else None
    places = Places.of([source, *files.values()], force=asked.force)
    keeper = Keeper.beside(target, asked.save_run, places, keep=asked.keep_run, every=asked.save_every)
    keeper.able = piped is None  # what came through a pipe is gone when a run is resumed
    outputs = Outputs(places, target, asked.report, asked.uncertainty)
    recipe = outputs.named(replace(Recipe.now(name, settings, image=image, files=files), repeat=asked.repeat))
    gives = piped is not None and piped.gives
    code = carry_out(recipe, image, outputs, keeper, asked, shown="standard output" if gives else "")
    if piped is not None and gives:
        piped.give(places.went[target])
    return code
