"""The command line. It sees only iterates; the tasks' commands are generated from their typed signatures."""

from __future__ import annotations

import logging
import sys

from cyclopts import App, CycloptsError, Group

from untaught import __version__, threads
from untaught.cli.restoring import command
from untaught.cli.watching import INTERRUPTED
from untaught.errors import UntaughtError, memory_told
from untaught.registry import tasks

app = App(
    name="untaught",
    help="Restore one picture with a network that was never taught anything.",
    version=__version__,
    help_format="markdown",
)
_FIRST, _RESTORE = Group("Start here", sort_key=0), Group("Restore a picture", sort_key=1)
_RUNS, _STUDIES = Group("Runs and recipes", sort_key=2), Group("Look closer", sort_key=3)
for _name in tasks.names():
    app.command(command(_name), name=_name, group=_RESTORE)
for _group, _name, _help in (
    (_FIRST, "demo", "Show what it does, without a file: a sample photo, noise, and the restoration."),
    (_FIRST, "studio", "Open a page on which pictures are restored and watched."),
    (_RESTORE, "mask", "Propose a mask for inpaint: dead pixels, dust, scratches or text."),
    (_RUNS, "explain", "Print the formula of a job, with memory and time."),
    (_RUNS, "run", "Repeat a recipe, or the recipe that a result carries, bit for bit."),
    (_RUNS, "resume", "Finish a run that was interrupted or killed."),
    (_STUDIES, "bench", "Compare presets with classic methods on the same damaged pictures."),
    (_STUDIES, "compare", "Compare networks as priors: equal steps, real and drawn noise."),
    (_STUDIES, "impedance", "How fast a network fits a picture, and how slowly it fits noise."),
    (_STUDIES, "sample", "Draw from the prior: what networks make before they see a picture."),
    (_STUDIES, "layers", "List classifiers, the layers of one, or a picture's classes, for preimage and activate."),
):
    _what = "app" if _name == "bench" else _name  # it has commands of its own
    app.command(f"untaught.cli.{_name}:{_what}", name=_name, help=_help, group=_group)


def main(arguments: list[str] | None = None) -> None:
    """Entry point: exit code 0, 2 for a refusal (one sentence on the error stream), 130 when interrupted."""
    threads.prepare()
    logging.basicConfig(level=logging.WARNING, format="untaught: %(message)s")
    try:
        with memory_told():
            code = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except UntaughtError as error:
        code = complain(str(error))
    except CycloptsError as error:
        code = complain(" ".join(str(error).split()))
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        code = 1
    sys.exit(code or 0)


def complain(sentence: str) -> int:
    print(f"untaught: {sentence}", file=sys.stderr)
    return 2
