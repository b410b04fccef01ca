"""What every command that restores takes beside its own: where files go, how the run is kept, what is printed."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from cyclopts import Group, Parameter

FILES = Group("Files", sort_key=1)
OUTPUT = (
    "Where the result goes; NAME.untaught.EXT if not given. - is standard output, in the picture's own format, and what is "
    "meant where the picture comes from standard input."
)
MEMORY = (
    "2GB: work in tiles, within so much memory, whatever the size of the picture; a command that was ended goes on."
)
SCHEDULER = "A Dask scheduler, such as tcp://host:8786, whose workers make the tiles; they see the same files."
REPEAT = "How many runs with seeds from --seed on; the result is their mean, and how they differ is said."
UNCERTAINTY = (
    "A TIFF (.tif) with pages of floats in the units of the picture: its standard deviation, the lower and the upper end of "
    "intervals that hold 90 %, and with --repeat the deviation between runs; beside it a picture (.png). Counts, operators and "
    "presets without a network are restored some 15 times for it."
)


def option(text: str, alias: str | None = None) -> Parameter:
    return Parameter(help=text, alias=alias, group=FILES, negative=())


@dataclass(frozen=True, kw_only=True)
class Asked:
    output: Annotated[Path | None, option(OUTPUT, "-o")] = None
    force: Annotated[bool, option("Write over an existing file (never over the input).")] = False
    max_megapixels: Annotated[float, option("The largest picture that is read.")] = 100.0
    json: Annotated[bool, option("Print every iterate as a line of JSON instead of a progress bar.")] = False
    quiet: Annotated[bool, option("Print nothing but errors.", "-q")] = False
    save_run: Annotated[
        Path | None, option("Keep the run here while it lasts, for `resume`; long ones: OUTPUT.run.")
    ] = None
    keep_run: Annotated[bool, option("Keep that folder when the run has ended, too.")] = False
    save_every: Annotated[float, option("Seconds between two checkpoints.")] = 10.0
    report: Annotated[Path | None, option("How far the result can be trusted: a page (.html) or figures (.json).")] = (
        None
    )
    memory: Annotated[str | None, option(MEMORY)] = None
    workers: Annotated[int | None, option("With --memory: processes; as many as suit the machine.")] = None
    scheduler: Annotated[str | None, option(SCHEDULER)] = None
    repeat: Annotated[int, option(REPEAT)] = 1
    uncertainty: Annotated[Path | None, option(UNCERTAINTY)] = None

    def beyond(self, *names: str) -> str | None:
        """The first of these options that was given, as it is written."""
        return next((f"--{n.replace('_', '-')}" for n in names if getattr(self, n) != getattr(Asked, n)), None)


_FIELDS = fields(Asked)


def options(*without: str, **texts: str) -> list[inspect.Parameter]:
    """They as parameters of a command, some of them left out, some in other words."""
    hints, found = get_type_hints(Asked, include_extras=True), []
    for f in _FIELDS:
        hint = hints[f.name]
        if f.name in texts:
            hint = Annotated[hint.__origin__, option(texts[f.name], *(hint.__metadata__[0].alias or ()))]
        if f.name not in without:
            found.append(inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=hint))
    return found


def taking(*without: str, **texts: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """A command whose second argument is an `Asked`, with its options in that argument's place."""

    def of(command: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(command)
        def run(first: Any, /, **named: Any) -> int:
            asked = Asked(**{f.name: named.pop(f.name) for f in _FIELDS if f.name in named})
            return command(first, asked, **named)

        own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.name != "asked"]
        return signed(run, [*own, *options(*without, **texts)])

    return of


def signed(command: Any, parameters: list[inspect.Parameter]) -> Any:
    """The command, as one that takes these parameters."""
    command.__signature__ = inspect.Signature(parameters)
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command
