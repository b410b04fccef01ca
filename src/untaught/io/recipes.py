"""How a picture was made, in a few readable lines of TOML that travel with it: `untaught run` repeats them."""

from __future__ import annotations

import hashlib
import inspect
import json
import platform
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

import tomli_w

from untaught.core.errors import BadInput, unknown, why

if TYPE_CHECKING:
    from untaught.io.images import Image
    from untaught.solver.stage import Job

FORMAT = 1
_HEAD = "# How this picture was made. `untaught run` on this text, or on the picture that carries it, makes it again.\n"
_ODD = re.compile("[\ud800-\udfff]")  # half a character: how Python has the bytes of a name that are no UTF-8
_ESCAPED = re.compile("[\ufdd0-\ufdd7][\ufdd0-\ufddf]{2}")
_FIELDS: dict[str, type] = {
    "recipe": int,
    "task": str,
    "steps": int,
    "complete": bool,
    "threads": int,
    "notes": list,
    "output": str,
    "input": dict,
    "settings": dict,
    "versions": dict,
    "files": dict,
    "repeat": int,
    "uncertainty": str,
}
_OPTIONAL = {"output", "files", "repeat", "uncertainty"}


@dataclass(frozen=True)
class Recipe:
    """Everything that the bits of a result depend on.

    settings: the task's keyword arguments, None left out. input: the name of the file, and sha256 of its bytes; both are
    empty for a task without a picture. files: the sha256 of every further file, by the setting that names it.
    versions, threads: of the build. steps: how many were taken, and complete: whether the run ended there by itself.
    output: only for a run that is still to be finished. repeat: how many runs the result is the mean of. uncertainty: where its
    maps go, or lie; for them some measurements are held out, and so they belong to the recipe.
    """

    task: str
    settings: dict[str, Any]
    input: str
    sha256: str
    versions: dict[str, str]
    threads: int
    steps: int = 0
    complete: bool = False
    notes: tuple[str, ...] = ()
    output: str = ""
    files: dict[str, str] = field(default_factory=dict)
    repeat: int = 1
    uncertainty: str = ""

    @classmethod
    def now(
        cls,
        task: str,
        settings: dict[str, Any],
        *,
        image: Image | None = None,
        files: dict[str, Path] | None = None,
        output: str = "",
    ) -> Recipe:
        """The recipe of a run that begins here and now. image: what it restores. files: what its settings name."""
        import torch

        # Bits depend on the widest instructions, too.
        versions = {
            "untaught": version("untaught"),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": version("numpy"),
            "scikit-image": version("scikit-image"),
            "cpu": torch.backends.cpu.get_cpu_capability(),
        }
        also = {name: str(path.resolve()) for name, path in (files or {}).items()}
        digests = {name: _digest(Path(path), name) for name, path in also.items()}
        source, sha256 = ("", "") if image is None else (str(image.source or ""), image.sha256)
        threads = torch.get_num_threads()
        return cls(task, {**settings, **also}, source, sha256, versions, threads, output=output, files=digests)

    def resolved(self, job: Job, compose: Callable[..., Job]) -> Recipe:
        """With every default written out, the device that "auto" became, and the number of steps where it is fixed."""
        own = {p.name: p.default for p in inspect.signature(compose).parameters.values() if p.kind is p.KEYWORD_ONLY}
        settings = {**own, **self.settings}
        first = job.stages[0]
        if "device" in own:
            settings["device"] = first.device
        if "steps" in own and len(job.stages) == 1 and first.fixed is not None:
            settings["steps"] = first.fixed
        return replace(
            self, settings={name: str(v) if isinstance(v, Path) else v for name, v in settings.items() if v is not None}
        )

    def finished(self, *, steps: int, complete: bool, notes: tuple[str, ...]) -> Recipe:
        """As it travels with the result: what happened, and nothing of where the files lay."""
        settings = {name: Path(v).name if name in self.files else v for name, v in self.settings.items()}
        return replace(
            self,
            input=Path(self.input).name,
            settings=settings,
            output="",
            steps=steps,
            complete=complete,
            notes=(*self.notes, *notes),
            uncertainty=Path(self.uncertainty).name if self.uncertainty else "",
        )

    @property
    def facts(self) -> dict[str, Any]:
        """What a report says of where a result comes from."""
        return {
            "task": self.task,
            "input": {"name": self.input, "sha256": self.sha256},
            "settings": self.settings,
            "versions": {**self.versions, "threads": self.threads},
            "files": self.files,
        }

    @property
    def key(self) -> str:
        """What ties a checkpoint to its run: the picture, the task and its settings."""
        runs = [self.repeat, bool(self.uncertainty)] if self.repeat > 1 or self.uncertainty else []
        return hashlib.sha256(
            json.dumps([self.task, self.settings, self.sha256, self.files, *runs], sort_keys=True).encode()
        ).hexdigest()

    def differences(self, other: Recipe) -> list[str]:
        """What is another build there than here, as "torch 2.12.0 there, 2.13.0 here"."""
        names = sorted({*self.versions, *other.versions})
        apart = [(name, self.versions.get(name, "none"), other.versions.get(name, "none")) for name in names]
        apart.append(("threads", str(self.threads), str(other.threads)))
        return [f"{name} {mine} there, {others} here" for name, mine, others in apart if mine != others]

    def arguments(self, compose: Callable[..., Job]) -> dict[str, Any]:
        """The settings, as the task's function takes them; `BadInput` for one that it does not know, or of another type."""
        hints = get_type_hints(compose, localns={"Job": object})
        known = [p.name for p in inspect.signature(compose).parameters.values() if p.kind is p.KEYWORD_ONLY]
        for name, value in self.settings.items():
            if name not in known:
                raise unknown(f"setting of '{self.task}'", name, known)
            if not _fits(value, hints[name]):
                raise BadInput(
                    f"The recipe's setting {name} = {value!r} is of the wrong type for '{self.task}': correct it."
                )
        return dict(self.settings)

    def to_toml(self) -> str:
        table = {
            "recipe": FORMAT,
            "task": self.task,
            "steps": self.steps,
            "complete": self.complete,
            "threads": self.threads,
            "notes": list(self.notes),
            **({"output": self.output} if self.output else {}),
            **({"repeat": self.repeat} if self.repeat > 1 else {}),
            **({"uncertainty": self.uncertainty} if self.uncertainty else {}),
            "input": {"name": self.input, "sha256": self.sha256},
            "settings": {name: v for name, v in self.settings.items() if v is not None},
            "versions": self.versions,
            **({"files": self.files} if self.files else {}),
        }
        return _HEAD + _ODD.sub(lambda found: _escaped(found[0]), tomli_w.dumps(table))

    @classmethod
    def from_toml(cls, text: str, where: str = "this text") -> Recipe:
        """The recipe that `to_toml` wrote; `BadInput`, naming `where`, for anything else."""

        def refuse(why: str) -> BadInput:
            return BadInput(f"{where} holds no whole recipe ({why}): take it from the result again.")

        try:
            table = tomllib.loads(text)
            _check_numbers(table)
            table = _unescaped(table)
        except (
            ValueError,
            RecursionError,
            MemoryError,
        ) as error:  # ValueError: TOML's own, and what is out of all bounds
            raise refuse(why(error)) from error
        if table.get("recipe", FORMAT) != FORMAT:
            raise BadInput(
                f"{where} is a recipe of format {table['recipe']}, and this untaught reads format {FORMAT}: "
                "use the version that wrote it."
            )
        _check(table, _FIELDS, _OPTIONAL, refuse)
        if str(table["settings"].get("operator", "")).startswith("module:"):
            raise BadInput(
                f"{where} asks for the code of '{table['settings']['operator'][7:]}', which a recipe may not run: call it yourself."
            )
        _check(table["input"], {"name": str, "sha256": str}, set(), refuse)
        for kind in ("versions", "files"):
            for name, value in table.get(kind, {}).items():
                if not isinstance(value, str):
                    raise refuse(f"'{name}' under [{kind}] is no text")
        for name in table.get("files", {}):
            if not isinstance(table["settings"].get(name), str):
                raise refuse(f"'{name}' under [files] is no setting that names a file")
        if not all(isinstance(note, str) for note in table["notes"]):
            raise refuse("a note is no text")
        if table["steps"] < 0 or table["threads"] < 1 or table.get("repeat", 1) < 1:
            raise refuse(
                f"steps = {table['steps']}, threads = {table['threads']} and repeat = {table.get('repeat', 1)}"
            )
        return cls(
            table["task"],
            table["settings"],
            table["input"]["name"],
            table["input"]["sha256"],
            table["versions"],
            table["threads"],
            table["steps"],
            table["complete"],
            tuple(table["notes"]),
            table.get("output", ""),
            table.get("files", {}),
            table.get("repeat", 1),
            table.get("uncertainty", ""),
        )

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """The recipe in a TOML file; `BadInput` where there is none."""
        try:
            from untaught.io.images.read import read_text

            return cls.from_toml(read_text(path), f"'{path}'")
        except OSError as error:
            raise BadInput(
                f"The recipe '{path}' cannot be read ({error.strerror}): check the name and the folder."
            ) from error
        except UnicodeDecodeError as error:
            raise BadInput(
                f"'{path}' holds no recipe, but bytes that are no text: name a recipe (.toml) or a result."
            ) from error


def _digest(path: Path, name: str) -> str:
    """The sha256 of a file that a setting names; `BadInput` for what has no end or cannot be read."""
    if path.exists() and not path.is_file():
        raise BadInput(f"{name} = '{path}' is a folder, a device or a pipe: name a file.")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_numbers(value: Any) -> None:
    """ValueError for a whole number of more than 64 bits, which TOML has not and nothing here reckons with."""
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            _check_numbers(one)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("a whole number is beyond 64 bits")


def _escaped(character: str) -> str:
    """A part of a file's name that is no text, in TOML's own escapes for three characters that Unicode gives to nobody."""
    return "".join(f"\\uFDD{digit}" for digit in f"{ord(character) - 0xD800:03X}")


def _unescaped(value: Any) -> Any:
    """What a recipe says, with such parts as Python has them. ValueError for text that can name no file."""
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("a text has a null character in it")
        return _ESCAPED.sub(
            lambda found: chr(0xD800 + int("".join(f"{ord(c) - 0xFDD0:X}" for c in found[0]), 16)), value
        )
    if isinstance(value, dict):
        return {_unescaped(name): _unescaped(one) for name, one in value.items()}
    return [_unescaped(one) for one in value] if isinstance(value, list) else value


def _check(
    table: dict[str, Any], fields: dict[str, type], optional: set[str], refuse: Callable[[str], BadInput]
) -> None:
    for name in table:
        if name not in fields:
            raise refuse(f"the field '{name}' is unknown")
    for name, kind in fields.items():
        if name not in table and name not in optional:
            raise refuse(f"the field '{name}' is missing")
        if name in table and type(table[name]) is not kind:
            raise refuse(f"the field '{name}' is {table[name]!r}")


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value read from TOML is of the type; the task itself judges the range, and which names there are."""
    if get_origin(hint) in (Union, UnionType):
        return any(_fits(value, one) for one in get_args(hint))
    if get_origin(hint) is Literal:
        return type(value) in {type(one) for one in get_args(hint)}
    if hint is float:
        return type(value) in (int, float)
    return hint is Any or (hint is NoneType and value is None) or (isinstance(hint, type) and type(value) is hint)
