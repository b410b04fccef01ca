"""A recipe, carried out: watched, kept on the disk, written. Whatever fails after the work, its result is saved first."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from untaught.cli.watching import INTERRUPTED, say, watch
from untaught.core.errors import BadInput, UntaughtError
from untaught.core.registry import tasks

if TYPE_CHECKING:
    from untaught.cli.keeping import Keeper
    from untaught.io.images import Image
    from untaught.io.images.places import Places
    from untaught.io.recipes import Recipe
    from untaught.solver.job import Job, Solution

T = TypeVar("T")


@dataclass
class Ending:
    """What comes after the last step, each part by itself: one that fails costs a sentence, and neither the result nor the rest.

    notes: what there is to say. errors: of them, those about files that were asked for and are not there.
    """

    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def attempt(self, what: str, make: Callable[[], T], otherwise: T, *, asked: bool = False) -> T:
        """What `make` makes; where it raises, `otherwise`, and that `what` is missing."""
        try:
            return make()
        except Exception as error:
            logging.getLogger("untaught").debug(what, exc_info=True)
            sentence = str(error) if isinstance(error, UntaughtError) else f"{what} ({why(error)})."
            self.notes.append(sentence)
            if asked:
                self.errors.append(sentence)
            return otherwise


def why(error: BaseException) -> str:
    """The first line of an error; its kind, where it has nothing to say."""
    return ((str(error).splitlines() or [""])[0].rstrip(".") or type(error).__name__)[:200]


def carry_out(
    recipe: Recipe,
    image: Image | None,
    target: Path,
    keeper: Keeper,
    places: Places,
    *,
    state: Any = None,
    notes: tuple[str, ...] = (),
    report: Path | None = None,
    shown: str = "",
    as_json: bool = False,
    quiet: bool = False,
) -> int:
    """Run, from the state if there is one, and write: the exit code. A recipe with steps ends there at the latest.

    An interrupted run leaves its picture so far, and stays kept. shown: what the target is called.
    """
    from untaught.cli import repeating

    one = tasks.get(recipe.task)
    job = one.job(image, **recipe.arguments(one.compose))
    run = repeating.begin(job, recipe)
    resolved = recipe.resolved(job, one.compose)
    if state is None:
        state, more = keeper.take_up(resolved)
        notes += more
    if state is not None:
        try:
            run.load_state_dict(state)
        except Exception as error:  # the folder may be from somebody else
            raise BadInput(
                f"The checkpoint in '{keeper.folder.path}' does not fit its run ({why(error)}): begin the run anew with --force."
            ) from error
    keeper.start(run, resolved)
    if state is None:
        foretell(job, recipe.repeat, as_json=as_json, quiet=quiet)
    limit = recipe.steps - run.total if recipe.steps else None
    goes_on = f"The run is kept: {keeper.folder} continues it."
    try:
        try:
            solution, interrupted = watch(run, as_json=as_json, quiet=quiet, watchers=(keeper,), limit=limit)
        except Exception as error:
            if keeper.kept or run.over:
                raise UntaughtError(f"The run failed ({why(error)}). {keeper.rescue()}".strip()) from error
            raise
        complete = run.over and run.stage + 1 == len(job.stages)
        interrupted = interrupted and not complete
        ending = Ending([*notes, *(image.notes if image else ()), *solution.notes])
        done = ending.attempt(
            "The recipe of the result could not be made",
            lambda: keeper.recipe.finished(steps=run.total, complete=complete, notes=solution.notes),
            None,
        )
        _write(ending, solution, job, done, image, target, keeper, places)
        for what, part in repeating.parts(solution, job, recipe, places):
            ending.notes += ending.attempt(what, part, (), asked=True)
        _judge(ending, report, solution, job, done or keeper.recipe, image, places, quiet=quiet)
        if ending.errors and (kept := keeper.rescue()):
            ending.notes.append(kept)
        else:
            keep = keeper.keep or interrupted
            ending.notes += ending.attempt("The kept run could not be cleared away", lambda: keeper.end(keep=keep), ())
            if interrupted and keeper.begun:
                ending.notes.append(goes_on)
    except KeyboardInterrupt:
        if keeper.begun:
            raise KeyboardInterrupt(goes_on) from None
        raise
    say(
        solution,
        tuple(ending.notes),
        Path(shown) if shown else places.went.get(target, target),
        as_json=as_json,
        quiet=quiet,
    )
    if quiet or as_json:
        for sentence in (*ending.errors, *(places.said if quiet else ())):
            print(f"untaught: {sentence}", file=sys.stderr)
    if interrupted:
        return INTERRUPTED
    return 2 if ending.errors else 0


def _write(
    ending: Ending,
    solution: Solution,
    job: Job,
    recipe: Recipe | None,
    image: Image | None,
    target: Path,
    keeper: Keeper,
    places: Places,
) -> None:
    """The result on the disk; else UntaughtError, and the run is kept, since it may be hours of work."""
    from untaught.io import images

    text = None
    if recipe is not None:
        text = ending.attempt("The result is without its recipe, which could not be written", recipe.to_toml, None)
    like = image
    if image:
        like = ending.attempt(
            "What came with the picture is not in the result", lambda: job.finish.company(image), None
        )
    try:
        pixels = job.result(solution.x)
        ending.notes += ending.attempt("What the result does could not be said", lambda: job.remarks(solution.x), ())
        ending.notes += images.write(target, pixels, like, recipe=text, places=places)
    except Exception as error:
        said = str(error) if isinstance(error, UntaughtError) else f"The result could not be written ({why(error)})."
        raise UntaughtError(f"{said} {keeper.rescue()}".strip()) from error


def _judge(
    ending: Ending,
    path: Path | None,
    solution: Solution,
    job: Job,
    recipe: Recipe,
    image: Image | None,
    places: Places,
    *,
    quiet: bool,
) -> None:
    from untaught.cli import reporting

    if quiet and path is None:
        return
    what = (
        "The result was not judged" if path is None else f"The result is written, but its report '{path}' could not be"
    )
    nothing: tuple[str, ...] = ()
    judged = ending.attempt(
        what, lambda: reporting.judge(path, solution, job, recipe, image, places), nothing, asked=path is not None
    )
    ending.notes += judged


def foretell(job: Job, runs: int = 1, *, as_json: bool, quiet: bool) -> None:
    """Say how long a large picture will take, where that is over 30 s, from a few seconds on parts of it."""
    from untaught.cli.keeping import LONG
    from untaught.session.explain import forecast

    once = None if quiet else forecast(job)
    seconds = (once or 0.0) * runs
    if seconds < LONG:
        return
    if as_json:
        print(json.dumps({"expected_seconds": round(seconds)}), flush=True)
    else:
        span = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
        print(f"untaught: this will take about {span}.", file=sys.stderr, flush=True)
