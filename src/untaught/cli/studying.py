"""What the commands of the studies share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def check_table(path: Path | None, taken: Iterable[Path | None], *, force: bool) -> None:
    """Refuse before the work a table that could not be written after it, or would replace another file of the command."""
    from untaught.errors import BadInput

    if path is None:
        return
    if any(other is not None and path.resolve() == other.resolve() for other in taken):
        raise BadInput(f"'{path}' is named twice by this command: give the table a file of its own.")
    if path.is_dir() or not path.parent.is_dir():
        raise BadInput(f"'{path}' cannot be written: name a file in a folder that exists.")
    if path.exists() and not force:
        raise BadInput(f"'{path}' exists already: replace it with --force, or name another file.")
