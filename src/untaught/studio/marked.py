"""What on the disk is the studio's: folders that carry its mark. Nothing else is ever looked into, written to or removed."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from untaught.core.errors import BadInput

MARK = ".untaught-studio"


def room(folder: Path) -> Path:
    """A folder for marked ones, made if need be; what else lies in it is left alone. `BadInput` where it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with os.scandir(folder):
            return folder
    except OSError as error:
        raise BadInput(
            f"The folder '{folder}' cannot be used ({error.strerror}): name another with --folder."
        ) from error


def make(place: Path) -> Path:
    """A new folder, which says whose it is before anything else is in it. OSError where that cannot be."""
    place.mkdir()
    try:
        with (place / MARK).open("x") as file:
            file.write(place.name)  # a copy under another name is not the studio's
    except OSError:
        (place / MARK).unlink(missing_ok=True)
        place.rmdir()
        raise
    return place


def mine(place: Path) -> bool:
    """Whether this is a folder that `make` made."""
    try:
        return not place.is_symlink() and (place / MARK).read_text() == place.name
    except (OSError, ValueError):
        return False


def among(folder: Path) -> list[Path]:
    """The marked ones of a room."""
    return [place for place in folder.iterdir() if mine(place)]


def remove(place: Path) -> None:
    """A marked folder with all that is in it, the mark last; links in it are cut and not followed."""
    if not mine(place):
        return
    for path in place.iterdir():
        if path.name == MARK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()
    shutil.rmtree(place, ignore_errors=True)


def put(path: Path, text: str) -> None:
    """Write a text so that a kill, or a disk that is full, leaves the earlier one whole. OSError where it cannot be kept."""
    trial = path.with_name(path.name + ".part")
    with trial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(trial, path)


def size(place: Path) -> int:
    """The bytes of all files below."""
    found = 0
    for path in place.rglob("*"):
        with contextlib.suppress(OSError):
            found += path.lstat().st_size
    return found
