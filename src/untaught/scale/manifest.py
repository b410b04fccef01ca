"""What became of each picture of a folder: JSON lines, one an entry, added as they come. The last one of a name counts.

`manifest.jsonl` lies beside the results, one for each part of a divided work, since machines that share a folder must not write to
one file. The marks of files that a command wrote itself, and so may replace, lie in `.untaught-written` beside it.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from untaught.core.errors import BadInput
from untaught.scale.gathering import Item, Part

DONE, FAILED = "done", "failed"


@dataclass(frozen=True)
class Outcome:
    """Of one picture.

    input: its path; sha256, bytes, modified (nanoseconds): of its file. output: its result's name, below the manifest's folder.
    state: "done" or "failed"; error: why it failed. task, settings: as they were asked for; recipe: all that the bits depend on.
    verdict: its kind; why: in a sentence. seconds: of the work. size: (height, width) of the result. thumbnail: a small picture of
    before and after. notes: what was said of it.
    """

    input: str
    output: str
    state: str
    task: str
    settings: dict[str, Any]
    sha256: str = ""
    bytes: int = 0
    modified: int = 0
    seconds: float = 0.0
    error: str = ""
    verdict: str = ""
    why: str = ""
    size: tuple[int, ...] = ()
    thumbnail: str = ""
    notes: tuple[str, ...] = ()
    recipe: dict[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if value not in ("", (), {}, None)})

    @classmethod
    def of(cls, table: dict[str, Any]) -> Outcome:
        """TypeError for what is no entry."""
        known = {f.name for f in fields(cls)}
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items() if k in known}
        return cls(**given)


def stand(path: Path) -> tuple[int, int]:
    """(bytes, nanoseconds of its last change) of a file, which tell whether it is still the same; zeros where it is gone."""
    try:
        about = path.stat()
    except OSError:
        return 0, 0
    return about.st_size, about.st_mtime_ns


class Manifest:
    """All entries of a folder, of every part; new ones go to the part's own file.

    Raises `BadInput` where a file of that name is something else, or the folder cannot be written.
    """

    def __init__(self, folder: Path, part: Part) -> None:
        self.folder = folder
        self.path = folder / f"manifest{part.mark}.jsonl"
        self.written = folder / f".untaught-written{part.mark}"
        self.entries = {entry.output: entry for entry in self.read(folder)}
        self.marks: dict[str, set[str]] = defaultdict(set)
        for file in folder.glob(".untaught-written*"):
            for table in _lines(file):
                self.marks[str(table.get("name"))].add(str(table.get("mark")))
        try:
            for path in (self.path, self.written):
                path.open("a").close()
        except OSError as error:
            raise BadInput(f"'{folder}' cannot be written ({error.strerror}): name another folder with -o.") from error

    @staticmethod
    def read(folder: Path) -> list[Outcome]:
        """The entries that are on the disk by now, of all parts, the last one of each name."""
        found = {}
        for file in sorted(folder.glob("manifest*.jsonl")):
            for table in _lines(file):
                try:
                    found[str(table["output"])] = Outcome.of(table)
                except (KeyError, TypeError) as error:
                    raise BadInput(
                        f"'{file}' is no manifest of results: move it, or name another folder with -o."
                    ) from error
        return list(found.values())

    def add(self, entry: Outcome) -> None:
        _append(self.path, entry.line())
        self.entries[entry.output] = entry

    def claim(self, name: str, mark: str) -> None:
        """What is about to be put in the place of that name is this command's own; on the disk before it is there."""
        _append(self.written, json.dumps({"name": name, "mark": mark}))
        self.marks[name].add(mark)

    def settled(self, item: Item, *, retry: bool) -> bool:
        """Whether nothing is left to do: its result is there, or, without `retry`, it failed; and its file is as it was then."""
        entry = self.entries.get(item.name)
        if entry is None or (entry.bytes, entry.modified) != stand(item.source):
            return False
        return (self.folder / item.name).exists() if entry.state == DONE else not retry

    def apart(self, task: str, settings: dict[str, Any]) -> Outcome | None:
        """A result that is there of another task, or of other settings."""
        kept = (e for e in self.entries.values() if e.state == DONE and (self.folder / e.output).exists())
        return next((e for e in kept if (e.task, e.settings) != (task, settings)), None)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """What a file of JSON lines says; a line that was cut off is as if it had not been. `BadInput` for another file."""
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            table = json.loads(line)
        except ValueError:
            table = {} if line[:1] in (b"", b"{") else None
        if not isinstance(table, dict):
            raise BadInput(f"'{path}' is no file of ours (line {number}): move it, or name another folder with -o.")
        if table:
            yield table


def _append(path: Path, line: str) -> None:
    """On the disk when it returns; after a line that was cut off, on one of its own."""
    with path.open("ab+") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(line.encode("utf-8", "backslashreplace") + b"\n")
        file.flush()
        os.fsync(file.fileno())
