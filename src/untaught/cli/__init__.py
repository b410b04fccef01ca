"""The command line. It sees only iterates; the tasks' commands are generated from their typed signatures.

Nothing is imported here that takes time: an interrupt in the first second is obeyed as any other.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main(arguments: list[str] | None = None) -> None:
    """Entry point: exit code 0, 2 for a refusal (one sentence on the error stream), 130 when interrupted."""
    from untaught.cli.interrupts import Interrupts

    with Interrupts() as interrupts:
        from untaught.cli.streams import steady
        from untaught.core import threads

        threads.prepare()  # before anything loads torch
        with steady() as streams:
            try:
                code = _obey(arguments)
            except BaseException as error:
                # An interrupt amid an import may come out of it as any other error.
                if not isinstance(error, KeyboardInterrupt) and not (interrupts.seen and isinstance(error, Exception)):
                    raise
                code = complain(f"interrupted. {error if isinstance(error, KeyboardInterrupt) else ''}".strip(), 130)
    sys.exit(code or streams.code)


def _obey(arguments: list[str] | None) -> int:
    import logging
    import re

    from cyclopts import CycloptsError

    from untaught.cli.commands import app
    from untaught.core.errors import UntaughtError, memory_told

    logging.basicConfig(level=logging.WARNING, format="untaught: %(message)s")
    words = ["./-" if word == "-" else word for word in (sys.argv[1:] if arguments is None else arguments)]
    try:  # a lone dash would be taken for an option
        with memory_told():
            return app(words, exit_on_error=False, print_error=False, result_action="return_value") or 0
    except UntaughtError as error:
        return complain(str(error))
    except CycloptsError as error:
        said = " ".join(str(error).split())
        missing = re.fullmatch(r'Command "(\w+)" parameter PICTURE requires an argument\.', said)
        return complain(f"Which picture? For example: untaught {missing[1]} photo.jpg" if missing else said)


def __getattr__(name: str) -> Any:
    if name == "app":
        from untaught.cli.commands import app

        return app
    raise AttributeError(name)


def complain(sentence: str, code: int = 2) -> int:
    print(f"untaught: {sentence}", file=sys.stderr)
    return code
