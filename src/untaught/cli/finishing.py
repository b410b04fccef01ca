"""A recipe, carried out in a terminal: the session, watched, and what it said as sentences and an exit code."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from untaught.cli.watching import INTERRUPTED, say, show

if TYPE_CHECKING:
    from untaught.cli.asked import Asked
    from untaught.io.images import Image
    from untaught.io.recipes import Recipe
    from untaught.session.keeping import Keeper
    from untaught.session.life import Session
    from untaught.session.writing import Ending, Outputs


def carry_out(
    recipe: Recipe,
    image: Image | None,
    outputs: Outputs,
    keeper: Keeper,
    asked: Asked,
    *,
    state: Any = None,
    notes: tuple[str, ...] = (),
    shown: str = "",
) -> int:
    """Run, from the state if there is one, and write: the exit code.

    An interrupted run leaves its picture so far, and stays kept. shown: what the result's place is called.
    """
    from untaught.session.life import Session

    as_json, quiet = asked.json, asked.quiet
    session = Session(recipe, image, keeper, state=state, notes=notes)
    session.notes += image.notes if image else ()
    if not session.resumed:
        foretell(session, as_json=as_json, quiet=quiet)
    try:
        ending, stopped = show(session.run, session, session.end, as_json=as_json, quiet=quiet)
        interrupted = stopped and not ending.complete
        _write(ending, outputs, quiet=quiet)
        ending.close(keep=interrupted)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(keeper.goes_on if keeper.begun else "") from None
    places = outputs.places
    at = Path(shown) if shown else places.went.get(outputs.result, outputs.result)
    say(ending.solution, tuple(ending.notes), at, as_json=as_json, quiet=quiet)
    if quiet or as_json:
        for sentence in (*ending.errors, *(places.said if quiet else ())):
            print(f"untaught: {sentence}", file=sys.stderr)
    if interrupted:
        return INTERRUPTED
    return 2 if ending.errors else 0


def _write(ending: Ending, outputs: Outputs, *, quiet: bool) -> None:
    """The result, its maps and its report; a sentence where it is not good."""
    places = outputs.places
    ending.write(outputs.put)
    if outputs.maps:
        ending.map(outputs.maps, places)
    restores = ending.job.finish.restores
    if outputs.report or (restores and not quiet):
        report = ending.judge(places, *([outputs.report] if outputs.report else []))
        if report and restores and report.verdict.kind not in ("good", "not judged"):
            ending.notes.append(f"The result is {report.verdict.sentence}.")


def foretell(session: Session, *, as_json: bool, quiet: bool) -> None:
    """Say how long a large picture will take, where that is over 30 s, from a few seconds on parts of it."""
    from untaught.session.explain import forecast
    from untaught.session.keeping import LONG

    once = None if quiet else forecast(session.job)
    seconds = (once or 0.0) * getattr(session.run, "repeat", 1)
    if seconds < LONG:
        return
    if as_json:
        print(json.dumps({"expected_seconds": round(seconds)}), flush=True)
    else:
        span = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
        print(f"untaught: this will take about {span}.", file=sys.stderr, flush=True)
