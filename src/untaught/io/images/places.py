"""Whether a path may be written: one answer, asked before the work and again at the moment of writing.

Never a file that is read. Never a file that is there already, unless this command line says `--force`, or its content is what this
very run wrote there itself. A place that was taken meanwhile is left alone, and what was made goes beside it under a free name.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from untaught.core.errors import BadInput, UntaughtError
from untaught.io.images.picture import FORMATS

TRIES = 1000  # free names that are sought beside a place that was taken


@dataclass
class Places:
    """What one command may write.

    inputs: files that are read: never written, whatever else is said. force: what stands at a place may be replaced. own: marks of
    what this run wrote earlier, which it may replace. tell: hears the mark of everything before it is put in its place.
    went: where that which was meant for a place is, once it is written. aside: a place that was taken is passed by; said: so.
    """

    inputs: tuple[Path, ...] = ()
    force: bool = False
    own: set[str] = field(default_factory=set)
    tell: Callable[[str], None] = lambda _: None
    went: dict[Path, Path] = field(default_factory=dict)
    promised: dict[Path, str] = field(default_factory=dict)
    aside: bool = True
    said: list[str] = field(default_factory=list, init=False)
    lost: str = field(default="", init=False)

    @classmethod
    def of(cls, inputs: Iterable[str | Path | None], *, force: bool, aside: bool = True) -> Places:
        return cls(tuple(Path(path) for path in inputs if path), force, aside=aside)

    def check(self, path: Path, *, option: str = "-o", what: str = "the result", also: tuple[Path, ...] = ()) -> Path:
        """`path`, where `what` can be written, and `also` beside it; else `BadInput`. Nothing is left there."""
        try:
            if path.is_dir():
                raise BadInput(f"'{path}' is a folder: name a file in it, e.g. '{path / f'result{path.suffix}'}'.")
            if not path.parent.is_dir():
                raise BadInput(
                    f"The folder '{path.parent}' does not exist (none is created): make it, or name a file in a "
                    "folder that exists."
                )
            for file in (path, *also):
                self._refuse(file, option, what)
            trial = temporary(path.resolve())
            trial.touch(exist_ok=False)
            trial.unlink()
        except (OSError, RuntimeError, ValueError) as error:  # a ring of links; a null character
            if isinstance(error, UntaughtError):
                raise
            why = getattr(error, "strerror", None) or str(error)
            raise BadInput(f"'{path}' cannot be written ({why}): name another file or folder.") from error
        self.promised |= {file.resolve(): what for file in (path, *also)}
        return path

    def _refuse(self, file: Path, option: str, what: str) -> None:
        if self.reads(file):
            first = option == "-o" and _is_same(file, self.inputs[0])
            which = "is the input itself, which is" if first else "is named twice by this command, whose inputs are"
            raise BadInput(f"'{file}' {which} never overwritten: name another file with {option}.")
        other = self.promised.get(file.resolve())
        if other not in (None, what):
            raise BadInput(
                f"'{file}' is named twice by this command, and would be both {other} and {what}: name another with {option}."
            )
        if file.exists() and not file.is_file():
            raise BadInput(f"'{file}' is a device or a pipe: name a file with {option}.")
        if file.exists() and not self.replaces(file):
            raise BadInput(f"'{file}' exists already: replace it with --force, or name another file with {option}.")
        if self.force and file.exists():  # this very file may be replaced, also when the run is resumed
            self.tell(mark(file))

    def reads(self, path: Path) -> bool:
        """Whether the path is one of the inputs, under whatever name, or a picture in a folder of them."""
        return any(_is_same(path, other) or _is_in(path, other) for other in self.inputs)

    def replaces(self, path: Path) -> bool:
        """Whether what stands there may be replaced."""
        if self.reads(path) or not path.is_file():
            return False
        return self.force or (bool(self.own) and mark(path) in self.own)

    def adopt(self, path: Path) -> None:
        """What stands there now was read, is this command's own table, and may be replaced by a longer one."""
        if path.is_file():
            self.own.add(mark(path))

    def put(self, path: Path, data: bytes, beside: bytes | None = None) -> tuple[str, ...]:
        """Write to the place, whole or not at all, and `beside` to NAME.toml; what is to be said.

        UntaughtError where the system does not take it: what was there is unchanged then.
        """
        at = Path(os.path.realpath(path))  # a link stays one
        made: list[Path] = []
        self.lost = ""
        try:
            made.append(whole(at, data))
            pairs = [(made[0], "")]
            if beside is not None:
                try:
                    made.append(whole(at, beside))
                    pairs.append((made[1], ".toml"))
                except OSError as error:
                    self.lost = error.strerror or str(error)
            for one in made:
                self._remember(one)
            there = self._settle(at, pairs)
        except OSError as error:
            raise UntaughtError(
                f"'{path}' could not be written ({error.strerror}; {len(data)} bytes are needed) and what was there is "
                "unchanged: make room, or name another folder."
            ) from error
        finally:
            for one in made:
                with contextlib.suppress(OSError):  # the folder may have gone as well: the error above says so
                    one.unlink(missing_ok=True)
        sync(at.parent)
        notes: tuple[str, ...] = (
            (f"The recipe could not be written beside '{path.name}' ({self.lost}).",) if self.lost else ()
        )
        return notes + self._went(path, at, there)

    def _went(self, path: Path, at: Path, there: Path) -> tuple[str, ...]:
        self.went[path] = path if there == at else there
        if there == at:
            return ()
        self.said.append(
            f"'{path}' was taken by another file meanwhile, which is left as it is: what was made is '{there}'."
        )
        return (self.said[-1],)

    def move(self, path: Path, made: Path) -> tuple[str, ...]:
        """As `put`, of a whole file that lies on the same disk, and is there no more then."""
        at = Path(os.path.realpath(path))
        try:
            self._remember(made)
            there = self._settle(at, [(made, "")])
        except OSError as error:
            raise UntaughtError(
                f"'{path}' could not be written ({error.strerror}) and what was there is unchanged: name another folder."
            ) from error
        sync(at.parent)
        return self._went(path, at, there)

    def text(self, path: Path, text: str) -> tuple[str, ...]:
        """As `put`, of text; a name of a file that is no UTF-8 is written with escapes."""
        return self.put(path, text.encode("utf-8", "backslashreplace"))

    def _remember(self, made: Path) -> None:
        """Before it is in its place: killed at any moment, a run knows what it wrote."""
        own = mark(made)
        self.tell(own)
        self.own.add(own)

    def _settle(self, at: Path, pairs: list[tuple[Path, str]]) -> Path:
        """Each whole file, with what its name has more, to its place or to the first free one beside it, which is returned."""
        for number in range(TRIES if self.aside else 1):
            there = _numbered(at, number)
            if self._take(there, pairs):
                return there
        raise FileExistsError(errno.EEXIST, "something that may not be replaced is there")

    def _take(self, there: Path, pairs: list[tuple[Path, str]]) -> bool:
        """All of them or none; but what goes beside does not cost the first its place, where the system refuses it."""
        targets = [(made, there.with_name(there.name + more)) for made, more in pairs]
        replaced = [self.replaces(target) for _, target in targets]
        if any(_is_there(t) and not may for (_, t), may in zip(targets, replaced, strict=True)):
            return False
        taken: list[tuple[Path, Path]] = []
        for (made, target), may in zip(targets, replaced, strict=True):
            try:
                if may:
                    os.replace(made, target)
                elif _link(made, target):
                    taken.append((made, target))
                else:
                    for mine, place in taken:
                        os.replace(place, mine)
                    return False
            except OSError as error:
                if made is pairs[0][0]:
                    raise
                self.lost = error.strerror or str(error)
        return True


def write_text(path: Path, text: str, places: Places | None) -> tuple[str, ...]:
    """Text, where a command may write it; without `places`, as a program that names the path wants it. UntaughtError as `put`."""
    return (places or Places(force=True, aside=False)).text(path, text)


def mark(path: Path) -> str:
    """What tells this very file from any other, also from a copy: its bytes, its number on the disk, its time.

    A folder from somebody else cannot claim a file that is here.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        about = os.fstat(file.fileno())
    return f"{digest} {about.st_ino} {about.st_mtime_ns}"


def temporary(path: Path) -> Path:
    """A free name in the folder of `path`; short, whatever the length of the name."""
    return path.with_name(f".untaught-{secrets.token_hex(6)}.tmp")


def whole(at: Path, data: bytes) -> Path:
    """The bytes, on the disk, under a temporary name in the folder of `at`. OSError where that fails, and nothing is left."""
    made = temporary(at)
    try:
        with made.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            made.unlink(missing_ok=True)
        raise
    return made


def sync(folder: Path) -> None:
    """Make the renames last through a power cut, where the system can."""
    with contextlib.suppress(OSError):  # Windows cannot open a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _link(made: Path, target: Path) -> bool:
    """Put it there if nothing is: one call that cannot come between another's; False where something came first."""
    try:
        os.link(made, target)
    except FileExistsError:
        return False
    except (OSError, AttributeError) as error:  # no hard links there (FAT, some networks): reserve the name, then move
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO, errno.ENAMETOOLONG):
            raise
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
        try:
            os.replace(made, target)
        except OSError:
            target.unlink()  # the empty file that reserved the name
            raise
        return True
    os.unlink(made)
    return True


def _numbered(at: Path, number: int) -> Path:
    """NAME.EXT, NAME.1.EXT, NAME.2.EXT, ..."""
    more = f".{number}{at.suffix}" if number else at.suffix
    stem = at.stem
    while number and len(os.fsencode(stem + more)) > 240 and len(stem) > 1:
        stem = stem[:-1]
    return at.with_name(stem + more)


def _is_there(path: Path) -> bool:
    return os.path.lexists(path)


def _is_in(path: Path, folder: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        kind = path.suffix.lower() in FORMATS and path.is_file() and folder.is_dir()
        return kind and folder.resolve() in path.resolve().parents
    return False


def _is_same(path: Path, other: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):  # one of them is not there
        return path.samefile(other)
    return False
