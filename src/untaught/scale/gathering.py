"""Which pictures a command means, and what their results are called: the same on every machine that is asked."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from untaught.core.errors import BadInput
from untaught.io.images.picture import FORMATS, SUFFIXES
from untaught.io.images.write import suffix

_WILD = re.compile(r"[*?[]")


@dataclass(frozen=True)
class Item:
    """A picture, and the name of its result in the folder of results, with "/" between folders."""

    source: Path
    name: str


def gather(named: Iterable[str | Path], folder: Path) -> list[Item]:
    """The pictures of files, folders and patterns ("scans/**/*.tif"), in the order of their names.

    A result is called as its picture, in the same folders below the pattern's first wild part, below a folder, or below what all
    named files have in common. Results that are in `folder` already are no pictures to restore. `BadInput` where nothing is found,
    where two results would have one name, and where a result would lie on a picture.
    """
    files: list[Path] = []
    found: dict[Path, Path] = {}
    for one in map(str, named):
        if os.path.lexists(one) and not os.path.isdir(one):
            files.append(Path(one))
            continue
        root, places = _below(one)
        before = len(found)
        found |= {path: path.relative_to(root) for path in places if not _is_in(path, folder)}
        if len(found) == before:
            raise BadInput(f"'{one}' names no picture: check the name, and put patterns in quotes.")
    if files:
        common = Path(os.path.commonpath([os.path.abspath(file.parent) for file in files]))
        found |= {file: Path(os.path.abspath(file)).relative_to(common) for file in files}
    items = [Item(source, _called(source, name)) for source, name in found.items()]
    items.sort(key=lambda item: item.name)
    _check(items, folder)
    return items


def _below(pattern: str) -> tuple[Path, list[Path]]:
    """(the folder below which names count, the files) of a folder or a pattern."""
    if os.path.isdir(pattern):
        inside = sorted(Path(pattern).rglob("*"))
        return Path(pattern), [path for path in inside if path.suffix.lower() in SUFFIXES and path.is_file()]
    parts = Path(pattern).parts
    fixed = next((i for i, part in enumerate(parts) if _WILD.search(part)), len(parts))
    root = Path(*parts[:fixed])
    return root, [Path(path) for path in glob.glob(pattern, recursive=True) if os.path.isfile(path)]


def _called(source: Path, name: Path) -> str:
    return (name if name.suffix.lower() in FORMATS else name.with_name(name.name + suffix(source))).as_posix()


def _is_in(path: Path, folder: Path) -> bool:
    return folder.resolve() in path.resolve().parents


def _check(items: Sequence[Item], folder: Path) -> None:
    sources = {item.source.resolve(): item.source for item in items}
    names: dict[str, Path] = {}
    for item in items:
        if (other := names.setdefault(item.name, item.source)) is not item.source:
            raise BadInput(
                f"The results of '{other}' and of '{item.source}' would both be '{item.name}': restore them into two folders."
            )
        if (folder / item.name).resolve() in sources:
            raise BadInput(
                f"'{folder / item.name}' is a picture, which is never overwritten: name another folder with -o."
            )


@dataclass(frozen=True)
class Part:
    """number of count, "3/16": every `count`-th picture, from the `number`-th on, so that parts are alike."""

    number: int = 1
    count: int = 1

    @classmethod
    def of(cls, text: str) -> Part:
        """As it is written; `BadInput` for anything but whole numbers from 1/1 on."""
        if (match := re.fullmatch(r"(\d+)/(\d+)", text)) and 1 <= int(match[1]) <= int(match[2]):
            return cls(int(match[1]), int(match[2]))
        raise BadInput(f"--part {text} is no part: write 3/16 for the third of sixteen.")

    def __call__(self, items: Sequence[Item]) -> Sequence[Item]:
        return items[self.number - 1 :: self.count]

    @property
    def mark(self) -> str:
        """What it adds to names of files that every part has for itself."""
        return "" if self.count == 1 else f"-{self.number}-of-{self.count}"
