"""`-`: a picture from standard input, a result to standard output; in between they are files as any other."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from untaught.core.errors import BadInput, UntaughtError

PIPE = Path("-")


def is_piped(picture: Path | None, output: Path | None) -> bool:
    return PIPE in (picture, output)


class Piped:
    """folder: where the files are while the command lasts."""

    def __init__(self, folder: Path, picture: Path | None, output: Path | None) -> None:
        from untaught.io.images.write import suffix

        self.source = self._taken(folder) if picture == PIPE else picture
        self.gives = output in (None, PIPE)
        ending = ".png" if self.source is None else suffix(self.source)
        self.target = folder / f"stdout{ending}" if output is None or self.gives else output

    @staticmethod
    def _taken(folder: Path) -> Path:
        from untaught.io.images.write import suffix

        if sys.stdin is None or sys.stdin.isatty():
            raise BadInput("A picture is expected on standard input, which is a terminal: pipe one in, or name a file.")
        with (folder / "stdin").open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        path = folder / "stdin"
        return path.rename(folder / f"stdin{suffix(path)}")

    def give(self, path: Path) -> None:
        """The file, to standard output."""
        sys.stdout.flush()
        try:
            with path.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            sys.stdout.flush()  # which falls silent
        except OSError as error:
            raise UntaughtError(
                f"Standard output did not take the result ({error.strerror}): name a file with -o."
            ) from error


@contextlib.contextmanager
def pipe(picture: Path | None, output: Path | None, *, as_json: bool) -> Iterator[Piped]:
    """`BadInput`, in words of the pipe, where it holds no picture, or there is none for the result."""
    if output in (None, PIPE) and as_json:
        raise BadInput("--json and the result would both go to standard output: name a file with -o.")
    if output in (None, PIPE) and (sys.stdout is None or sys.stdout.isatty()):
        raise BadInput(
            "The result would go to standard output, which is a terminal: name a file with -o, or pipe it on."
        )
    with tempfile.TemporaryDirectory(prefix="untaught-") as name:
        try:
            yield Piped(Path(name), picture, output)
        except UntaughtError as error:
            said = str(error)
            for ending in (".png", ".jpg", ".tif", ".webp", ".npy", ""):
                said = said.replace(f"'{Path(name) / f'stdin{ending}'}'", "Standard input")
            raise type(error)(said) from error
