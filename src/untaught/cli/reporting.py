"""`--report`: what a run's own report says, on the disk, and one sentence where it is not good."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from untaught.errors import BadInput, UntaughtError

if TYPE_CHECKING:
    from untaught.images import Image
    from untaught.job import Job, Solution
    from untaught.recipes import Recipe

KINDS = (".html", ".json")


def check(path: Path | None, *, source: Path | str | None, target: Path, force: bool) -> None:
    """`BadInput` where no report can be written there; asked before any work."""
    if path is None:
        return
    if path.suffix.lower() not in KINDS:
        raise BadInput(f"A report is a page or figures, and '{path}' is neither: end its name in .html or .json.")
    if not path.parent.is_dir():
        raise BadInput(f"The folder '{path.parent}' does not exist (none is created): make it, or name another.")
    if path.is_dir():
        raise BadInput(f"'{path}' is a folder: name a file in it, e.g. '{path / 'report.html'}'.")
    taken = [Path(p).resolve() for p in (source, target) if p]
    if path.resolve() in taken:
        raise BadInput(f"'{path}' is the picture itself: name another file for the report.")
    if path.exists() and not force:
        raise BadInput(f"'{path}' exists already: replace it with --force, or name another report.")
    if not os.access(path.parent, os.W_OK):
        raise BadInput(f"'{path}' cannot be written (the folder is not writable): name another folder.")


def judge(path: Path | None, solution: Solution, job: Job, recipe: Recipe, image: Image | None) -> tuple[str, ...]:
    """Write the report where one was asked for; what there is to say of the result."""
    restores = getattr(job.finish, "restores", True)
    if not restores and path is None:
        return ()
    report = replace(solution.report, settings=recipe.facts)
    if path is not None:
        if path.suffix.lower() == ".json":
            text = report.to_json()
        else:
            text = report.to_html(None if image is None else image.pixels, job.result(solution.x))
        _write(path, text)
    if not restores or report.verdict.kind in ("good", "not judged"):
        return ()
    return (f"The result is {report.verdict.sentence}.",)


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    temporary = path.with_name(f".untaught-{secrets.token_hex(6)}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UntaughtError(
            f"The result is written, but its report '{path}' could not be ({error.strerror}): make room, or name another folder."
        ) from error
