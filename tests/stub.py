"""The typed face of the package, `src/untaught/__init__.pyi`: every public name, and every task's signature.

    python tests/stub.py            # whether it is current
    python tests/stub.py --write    # make it anew

Made from where the names live and from the signatures of the tasks. `import untaught` loads names when they are first used, which
no type checker can follow.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import untaught
from untaught.core.registry import tasks
from untaught.tasks import Task, role

PLACE = Path(untaught.__file__).with_suffix(".pyi")
HEAD = '''"""The public names and their types; made by `python tests/stub.py --write`."""

from collections.abc import Callable
from os import PathLike
from typing import Any, Literal, ParamSpec, Protocol

from numpy.typing import ArrayLike, NDArray

'''
TASK = '''
P = ParamSpec("P")

class _Task(Protocol[P]):
    """Called it gives an array; `job` is the job behind it, of which nothing is run yet."""

    def __call__(self, *args: P.args, **settings: P.kwargs) -> NDArray[Any]: ...
    def job(self, *args: P.args, **settings: P.kwargs) -> Job: ...

def _task(compose: Callable[P, Job]) -> _Task[P]: ...
'''
PICTURE = "ArrayLike | PathLike[str]"


def stub() -> str:
    homes = untaught._HOMES
    lines = [f"from untaught.{home} import {', '.join(f'{n} as {n}' for n in homes[home])}" for home in sorted(homes)]
    listed = "".join(f'    "{name}",\n' for name in untaught.__all__)
    body = "\n".join(lines) + f"\n\n__version__: str\n__all__ = [\n{listed}]\n"
    return HEAD + body + TASK + "".join(_task(name, tasks.get(name)) for name in tasks.names())


def _task(name: str, task: Task) -> str:
    first = (inspect.getdoc(task.compose) or "").split("\n\n")[0].replace("\n", " ")
    given = "".join(f"    {p},\n" for p in _parameters(task))
    return f'\n@_task\ndef {name}(\n{given}) -> Job:\n    """{first}"""\n'


def _parameters(task: Task) -> list[str]:
    found = [] if task.subject is None else [f"picture: {PICTURE}"]
    named = [p for p in inspect.signature(task.compose).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return [*found, "*", *(f"{p.name}: {_hint(task.settings[p.name])} = {p.default!r}" for p in named)]


def _hint(annotation: Any) -> str:
    match role(annotation):
        case "picture" | "file" | "mask":
            return f"{PICTURE} | None"
        case "data":
            return "Any"
    if get_origin(annotation) is Annotated:
        return _hint(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return " | ".join(map(_hint, get_args(annotation)))
    if annotation is NoneType:
        return "None"
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).removeprefix("typing.")


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PLACE.write_text(stub(), encoding="utf-8")
    else:
        print("current" if PLACE.read_text(encoding="utf-8") == stub() else "out of date: python tests/stub.py --write")
