"""All commands, by name; those of the tasks are generated from their typed signatures."""

from __future__ import annotations

from cyclopts import App, Group

from untaught import __version__
from untaught.cli.restoring import command
from untaught.core.registry import tasks

app = App(
    name="untaught",
    help="Restore one picture with a network that was never taught anything.",
    version=__version__,
    help_format="markdown",
)
_FIRST, _RESTORE = Group("Start here", sort_key=0), Group("Restore a picture", sort_key=1)
_RUNS, _STUDIES = Group("Runs and recipes", sort_key=2), Group("Look closer", sort_key=3)
_LOOKS = {"activate", "preimage"}  # at networks: nothing is restored
for _name in tasks.names():
    app.command(command(_name), name=_name, group=_STUDIES if _name in _LOOKS else _RESTORE)
for _group, _name, _help in (
    (_FIRST, "demo", "Show what it does, without a file: a sample photo, noise, and the restoration."),
    (_FIRST, "studio", "Open a page on which pictures are restored and watched."),
    (_RESTORE, "batch", "Restore many pictures into a folder, with a manifest and one page of verdicts."),
    (_RESTORE, "mask", "Propose a mask for inpaint: dead pixels, dust, scratches or text."),
    (_RUNS, "explain", "Print the formula of a job, with memory and time."),
    (_RUNS, "run", "Repeat a recipe, or the recipe that a result carries, bit for bit."),
    (_RUNS, "resume", "Finish a run that was interrupted or killed."),
    (_STUDIES, "bench", "Compare presets with classic methods on the same damaged pictures."),
    (_STUDIES, "compare", "Compare networks as priors: equal steps, real and drawn noise."),
    (_STUDIES, "impedance", "How fast a network fits a picture, and how slowly it fits noise."),
    (_STUDIES, "sample", "Draw from the prior: what networks make before they see a picture."),
    (
        _STUDIES,
        "reproduce",
        "Make the figures and tables of the Deep Image Prior paper again, ours beside the published.",
    ),
    (_STUDIES, "layers", "List classifiers, the layers of one, or a picture's classes, for preimage and activate."),
):
    _what = "app" if _name == "bench" else _name  # it has commands of its own
    app.command(f"untaught.cli.{_name}:{_what}", name=_name, help=_help, group=_group)
