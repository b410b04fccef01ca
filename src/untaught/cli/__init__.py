"""The command line. It sees only iterates; the tasks' commands are generated from their typed signatures."""

from __future__ import annotations

import logging
import sys

from cyclopts import App, CycloptsError

from untaught import __version__
from untaught.cli.restoring import command
from untaught.cli.watching import INTERRUPTED
from untaught.errors import UntaughtError
from untaught.registry import tasks

app = App(
    name="untaught",
    help="Restore one picture with a network that was never taught anything.",
    version=__version__,
    help_format="markdown",
)
for _name in tasks.names():
    app.command(command(_name), name=_name)
app.command(
    "untaught.cli.demo:demo", help="Show what it does, without a file: a sample photo, noise, and the restoration."
)
app.command("untaught.cli.bench:bench", help="Compare presets with classic methods on the same noisy pictures.")
app.command("untaught.cli.explain:explain", help="Print the formula of a job, with memory and time.")
app.command("untaught.cli.sample:sample", help="Draw from the prior: what networks make before they see a picture.")
app.command("untaught.cli.impedance:impedance", help="How fast a network fits a picture, and how slowly it fits noise.")
app.command("untaught.cli.compare:compare", help="Compare networks as priors: equal steps, real and drawn noise.")
app.command(
    "untaught.cli.layers:layers", help="List the classifiers for preimage and activate, the layers of one, a picture's classes."
)
app.command("untaught.cli.mask:mask", help="Propose a mask for inpaint: dead pixels, dust, scratches or text.")
app.command("untaught.cli.run:run", help="Repeat a recipe, or the recipe that a result carries, bit for bit.")
app.command("untaught.cli.studio:studio", help="Open a page on which pictures are restored and watched.")
app.command("untaught.cli.resume:resume", help="Finish a run that was interrupted or killed.")


def main(arguments: list[str] | None = None) -> None:
    """Entry point: exit code 0, 2 for a refusal (one sentence on the error stream), 130 when interrupted."""
    logging.basicConfig(level=logging.WARNING, format="untaught: %(message)s")
    try:
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
