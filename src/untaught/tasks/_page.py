"""The tables of all tasks as one page: python -m untaught.tasks._page > docs/presets.md"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from importlib import import_module
from typing import Any

from untaught.core.registry import presets
from untaught.tasks._presets import Presets, Way

HEAD = """# Presets

What each preset does, for which jobs: the first line of a task's table that holds for a job and names the preset is taken. Rows
follow each other from left to right; {preset} and {size} are the preset's name and the size of the data. Under the table is
what the rows are, without what they have by default. This page is made of `src/untaught/tasks/*/presets.py`:
`python -m untaught.tasks._page > docs/presets.md`.
"""


def page() -> str:
    return "\n".join([HEAD, *(_task(name, table) for name, table in presets.items())])


def _task(name: str, table: Presets) -> str:
    names = _names(name)
    promises = [f"- `{preset}`: {promise}" for preset, promise in table.items()]
    lines = [_line(cells) for way in table.ways for cells in _cells(way, names)]
    rows = dict.fromkeys(row for way in table.ways for some in way.rows.values() for row in some)
    parts = [_line((names.get(id(row), ""), f"`{said(row)}`", row.source)) for row in rows]
    head, more = _head("for", "preset", "rows", "what is told"), _head("row", "value", "source")
    return "\n".join([f"## {name}", "", *promises, "", *head, *lines, "", *more, *parts, ""])


def _names(task: str) -> dict[int, str]:
    """What a task calls its rows, by identity."""
    module = import_module(f"untaught.tasks.{task}.presets")
    return {id(value): f"`{name}`" for name, value in vars(module).items() if name.isupper()}


def _cells(way: Way, names: dict[int, str]) -> Iterator[tuple[str, ...]]:
    """One line for all presets that take the same rows."""
    for rows in dict.fromkeys(way.rows.values()):
        taken = ", ".join(f"`{name}`" for name, some in way.rows.items() if some == rows)
        notes = [way.note] if way.note else [row.note for row in rows]
        shown = ", ".join(names.get(id(row)) or f"`{said(row)}`" for row in rows)
        yield way.when.words, taken, shown, "; ".join(filter(None, notes))


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _head(*cells: str) -> list[str]:
    return [_line(cells), f"|{'---|' * len(cells)}"]


def said(value: Any) -> str:
    """A value as it would be written, without what it has by default."""
    if isinstance(value, tuple) and value and value == value[:1] * len(value) and len(value) > 3:
        return f"({said(value[0])},) * {len(value)}"
    if isinstance(value, tuple):
        return f"({', '.join(map(said, value))}{',' * (len(value) == 1)})"
    if isinstance(value, float):
        return f"{value:.4g}"
    if not is_dataclass(value):
        return repr(value)
    given = [(f.name, getattr(value, f.name), _default(f)) for f in fields(value) if f.repr]
    return f"{type(value).__name__}({', '.join(f'{name}={said(v)}' for name, v, default in given if v != default)})"


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


if __name__ == "__main__":
    print(page(), end="")
