"""Rows of a study, frozen dataclasses, as a CSV: written whole or not at all, read again, and gone on with."""

from __future__ import annotations

import csv
import io
import types
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from itertools import dropwhile
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from untaught.core.errors import BadInput
from untaught.io.images.places import Places, write_text

R = TypeVar("R")


class Store(Generic[R]):
    """The table of a study that may be interrupted. rows: those known so far. said: lines on top, what makes it again.

    What is at `path` is read, and replaced by a longer one; `BadInput` where it is another table, or cannot be written.
    """

    def __init__(
        self, path: Path, kind: type[R], key: Callable[[R], Hashable], places: Places, said: Sequence[str] = ()
    ) -> None:
        places.adopt(path)
        places.check(path, option="--csv", what="the table of all rows")
        self.path, self.places, self.said = path, places, said
        self.rows = read(path, kind)
        self.known: dict[Hashable, list[R]] = {}
        for row in self.rows:
            self.known.setdefault(key(row), []).append(row)

    def add(self, key: Hashable, rows: Sequence[R]) -> None:
        """Keep all rows of one key."""
        self.known[key] = list(rows)
        self.rows += rows
        write(self.path, self.rows, self.places, said=self.said)

    def __contains__(self, key: Hashable) -> bool:
        return key in self.known

    @property
    def place(self) -> Path:
        """Where the table is: beside its path, where that was taken meanwhile."""
        return self.places.went.get(self.path, self.path)


def read(path: Path, kind: type[R]) -> list[R]:
    """The rows of a CSV that `write` wrote; none, where there is no file yet."""
    if not path.exists():
        return []
    hints = get_type_hints(kind)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(dropwhile(lambda line: line.startswith("#"), file))
            if table.fieldnames != list(hints):
                raise BadInput(f"'{path}' holds another table than this study's: name another file for --csv.")
            return [kind(**{name: _value(line[name], hint) for name, hint in hints.items()}) for line in table]
    except (TypeError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"'{path}' has a damaged row ({error}): delete it, or name another file for --csv.") from None


def _value(text: str, hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        return None if text == "" else _value(text, get_args(hint)[0])
    if hint is bool:
        return bool(("False", "True").index(text))
    return text if get_origin(hint) else hint(text)  # a literal is a word


def write(
    path: Path,
    rows: Iterable[Any],
    places: Places | None = None,
    *,
    said: Iterable[str] = (),
    more: Callable[[Any], Mapping[str, Any]] = lambda row: {},
) -> None:
    """All rows, of one dataclass, a field a column; None is empty. more: further columns, the same for every row."""
    out = io.StringIO()
    out.writelines(f"# {line}\n" for line in said)
    writer = csv.writer(out, lineterminator="\n")
    for i, row in enumerate(rows):
        further = more(row)
        if i == 0:
            writer.writerow([*(f.name for f in fields(row)), *further])
        writer.writerow([*asdict(row).values(), *further.values()])
    write_text(path, out.getvalue(), places)
