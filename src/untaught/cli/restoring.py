"""The commands of the tasks, made from their signatures: picture in, settings, picture out."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_origin, get_type_hints

from cyclopts import Group, Parameter

from untaught.core.registry import tasks
from untaught.core.types import Role, Unit

if TYPE_CHECKING:
    from untaught.cli.piping import Piped

OUTPUT = (
    "Where the result goes; NAME.untaught.EXT if not given. - is standard output, in the picture's own format, and what is "
    "meant where the picture comes from standard input."
)
REPEAT = "How many runs with seeds from --seed on; the result is their mean, and how they differ is said."
UNCERTAINTY = (
    "A TIFF (.tif) with pages of floats in the units of the picture: its standard deviation, the lower and the upper end of "
    "intervals that hold 90 %, and with --repeat the deviation between runs; beside it a picture (.png)."
)
FILES, ENGINE = Group("Files", sort_key=1), Group("Settings", sort_key=0)


def number(_: Any, tokens: Any) -> float:
    """A number, which may be written as a fraction: 25/255."""
    text = tokens[0].value
    try:
        top, _, bottom = text.partition("/")
        return float(top) / float(bottom or 1)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"'{text}' is no number: write 0.1 or 25/255.") from None


def _parameter(annotation: Any) -> Any:
    """A task's annotation as the command line needs it: choices are checked by the task, which knows the nearest name."""
    marks = getattr(annotation, "__metadata__", ())
    base = annotation.__origin__ if marks else annotation
    if any(isinstance(m, Role) for m in marks):
        return Annotated[str | None, Parameter(group=ENGINE)]
    if any(isinstance(m, Unit) and m.name == "full scale" for m in marks):
        return Annotated[base, Parameter(converter=number, n_tokens=1, group=ENGINE)]
    if get_origin(base) is Literal:
        # Choices are text here: the task itself refuses a wrong one, and knows the nearest.
        return Annotated[str, Parameter(group=ENGINE, negative=())]
    return Annotated[base, Parameter(group=ENGINE)]


def command(name: str) -> Any:
    """The command of one task: its own parameters, then where the result goes."""
    one = tasks.get(name)
    hints = get_type_hints(one.compose, include_extras=True, localns={"Job": object})

    def run(picture: Path | None = None, /, **arguments: Any) -> int:
        own = {key: arguments.pop(key) for key in list(arguments) if key in one.settings}
        return restore(name, picture, own, **arguments)

    kind = inspect.Parameter.KEYWORD_ONLY
    about = Parameter(help="The picture to restore: PNG, JPEG, TIFF, WebP or NPY; - reads it from standard input.")
    parameters = []
    if one.subject is not None:
        parameters.append(
            inspect.Parameter("picture", inspect.Parameter.POSITIONAL_ONLY, annotation=Annotated[Path, about])
        )
    for p in inspect.signature(one.compose).parameters.values():
        if p.kind is not p.KEYWORD_ONLY or p.name == "channel_axis":
            continue
        parameters.append(p.replace(annotation=_parameter(hints[p.name])))
    for key, annotation, default, alias, text in (
        ("output", Path | None, None, "-o", OUTPUT),
        ("force", bool, False, None, "Write over an existing file (never over the input)."),
        ("max_megapixels", float, 100.0, None, "The largest picture that is read."),
        ("json", bool, False, None, "Print every iterate as a line of JSON instead of a progress bar."),
        ("quiet", bool, False, "-q", "Print nothing but errors."),
        ("save_run", Path | None, None, None, "Keep the run here while it lasts, for `resume`; long ones: OUTPUT.run."),
        ("keep_run", bool, False, None, "Keep that folder when the run has ended, too."),
        ("save_every", float, 10.0, None, "Seconds between two checkpoints."),
        ("report", Path | None, None, None, "How far the result can be trusted: a page (.html) or figures (.json)."),
        ("repeat", int, 1, None, REPEAT),
        ("uncertainty", Path | None, None, None, UNCERTAINTY),
    ):
        if key == "max_megapixels" and one.subject is None:
            continue
        parameters.append(
            inspect.Parameter(
                key,
                kind,
                default=default,
                annotation=Annotated[annotation, Parameter(alias=alias, help=text, group=FILES, negative=())],
            )
        )
    run.__name__, run.__doc__ = name, one.__doc__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run


def restore(
    name: str,
    picture: Path | None,
    settings: dict[str, Any],
    *,
    output: Path | None = None,
    json: bool = False,
    **more: Any,
) -> int:
    """`carry`, of a picture or into a picture that may come or go through a pipe."""
    from untaught.cli import piping

    if not piping.is_piped(picture, output):
        return carry(name, picture, settings, output=output, json=json, **more)
    with piping.pipe(picture, output, as_json=json) as piped:
        return carry(name, piped.source, settings, output=piped.target, json=json, piped=piped, **more)


def carry(
    name: str,
    picture: Path | None,
    settings: dict[str, Any],
    *,
    max_megapixels: float = 100.0,
    output: Path | None = None,
    force: bool = False,
    json: bool = False,
    quiet: bool = False,
    save_run: Path | None = None,
    keep_run: bool = False,
    save_every: float = 10.0,
    report: Path | None = None,
    repeat: int = 1,
    uncertainty: Path | None = None,
    piped: Piped | None = None,
) -> int:
    """Read, run, write. Everything that can be refused is refused before the work starts."""
    from untaught.cli.finishing import carry_out
    from untaught.cli.run import default_output
    from untaught.io import images
    from untaught.io.images.places import Places
    from untaught.io.recipes import Recipe
    from untaught.session.keeping import Keeper
    from untaught.session.writing import Outputs

    image = None if picture is None else images.read(picture, max_megapixels=max_megapixels)
    files = tasks.get(name).files(settings)
    target = output or default_output(name, picture)
    places = Places.of([picture, *files.values()], force=force)
    keeper = Keeper.beside(target, save_run, places, keep=keep_run, every=save_every)
    keeper.able = piped is None  # what came through a pipe is gone when a run is resumed
    outputs = Outputs(places, target, report, uncertainty)
    recipe = outputs.named(replace(Recipe.now(name, settings, image=image, files=files), repeat=repeat))
    gives = piped is not None and piped.gives
    shown = "standard output" if gives else ""
    code = carry_out(recipe, image, outputs, keeper, shown=shown, as_json=json, quiet=quiet)
    if piped is not None and gives:
        piped.give(places.went[target])
    return code
