"""A recipe, carried out: watched, kept on the disk, written. `untaught run` takes it from a file or from a result."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from untaught.cli.watching import INTERRUPTED, say, watch
from untaught.errors import BadInput, UntaughtError
from untaught.registry import tasks

if TYPE_CHECKING:
    from untaught.checkpoints import Folder
    from untaught.images import Image
    from untaught.recipes import Recipe
    from untaught.run import Iterate, Job, Run
    from untaught.series import Series

FLAG = Parameter(negative=())
LONG = 30.0  # seconds: a run that is expected to last longer is kept without being asked


@dataclass
class Keeper:
    """A watcher that keeps the run in a folder every so many seconds; what fails is said at the end, and the run goes on.

    asked: from the start, and not only once the run is seen to be a long one. keep: also when it has ended well. force:
    what stands at the output's place may be replaced. begun: whether the folder is this run's already.
    """

    folder: Folder
    asked: bool = False
    keep: bool = False
    every: float = 10.0
    force: bool = False
    begun: bool = False
    tried: int = 0
    errors: list[str] = field(default_factory=list)
    run: Run | Series = field(init=False)
    recipe: Recipe = field(init=False)

    @classmethod
    def beside(cls, target: Path, folder: Path | None, *, keep: bool, every: float, force: bool) -> Keeper:
        """In `folder`, or in OUTPUT.run; `BadInput` where another run is kept there."""
        from untaught.checkpoints import Folder

        place = Folder(folder or target.with_name(target.name + ".run"))
        place.check(force=force)
        return cls(place, folder is not None or keep, keep, every, force)

    def start(self, run: Run | Series, recipe: Recipe) -> None:
        """Before the first step; `BadInput` where keeping was asked for and the folder cannot be written."""
        self.run, self.recipe, self.due = run, recipe, time.monotonic() + self.every
        try:
            if self.asked and not self.begun:
                self._begin()
        except OSError as error:
            raise BadInput(
                f"The run cannot be kept in '{self.folder.path}' ({error.strerror}): name another folder with --save-run."
            ) from error

    def __call__(self, iterate: Iterate) -> None:
        if time.monotonic() >= self.due:
            if self.begun or (self.long and not self.run.over):  # one that is over is about to be written
                self.save()
            self.due = time.monotonic() + self.every

    @property
    def long(self) -> bool:
        """Whether the run will last over 30 s, by its steps so far; one that does not know its end is taken to."""
        run = self.run
        return run.steps is None or run.seconds + (run.steps - run.step) * run.seconds / max(1, run.total) > LONG

    def save(self) -> bool:
        """Keep the run now. A failure is remembered and not raised, since the last good state is still there."""
        self.tried += 1
        try:
            if not self.begun:
                self._begin()
            self.folder.save(self.run, self.recipe)
        except OSError as error:
            self.errors.append(error.strerror or str(error))
            return False
        return True

    @property
    def kept(self) -> bool:
        """Whether there is a state on the disk, be it of an earlier step."""
        return self.begun and bool(self.folder.states())

    def claim(self) -> None:
        """What is written to the output from here on is this run's, which a resumed one may replace."""
        if self.begun:
            with contextlib.suppress(OSError):
                self.folder.claim()

    def end(self, *, keep: bool) -> tuple[str, ...]:
        """After the result is written: what is left to say."""
        notes: tuple[str, ...] = ()
        if self.begun and keep:
            self.save()
        elif self.begun:
            try:
                self.folder.remove()
            except OSError as error:
                notes = (f"'{self.folder.path}' could not be removed ({error.strerror}); nothing in it is needed.",)
        if self.errors:
            notes += (
                f"{len(self.errors)} of {self.tried} checkpoints could not be written to '{self.folder.path}' "
                f"({self.errors[-1]}): the run went on without.",
            )
        return notes

    def _begin(self) -> None:
        self.folder.begin(self.recipe)
        self.begun = True
        if self.force:
            self.folder.claim()


def carry_out(
    recipe: Recipe,
    image: Image | None,
    target: Path,
    keeper: Keeper,
    *,
    state: Any = None,
    notes: tuple[str, ...] = (),
    report: Path | None = None,
    as_json: bool = False,
    quiet: bool = False,
) -> int:
    """Run, from the state if there is one, and write: the exit code. A recipe with steps ends there at the latest.

    An interrupted run leaves its picture so far, and stays kept.
    """
    from untaught import images
    from untaught.cli import repeating, reporting

    one = tasks.get(recipe.task)
    job = one.job(image, **recipe.arguments(one.compose))
    run = repeating.begin(job, recipe)
    if state is not None:
        run.load_state_dict(state)
    keeper.start(run, recipe.resolved(job, one.compose))
    if state is None:
        foretell(job, recipe.repeat, as_json=as_json, quiet=quiet)
    goes_on = f"The run is kept: {keeper.folder} continues it."
    limit = recipe.steps - run.total if recipe.steps else None
    try:
        solution, interrupted = watch(run, as_json=as_json, quiet=quiet, watchers=(keeper,), limit=limit)
        complete = run.over and run.stage + 1 == len(job.stages)
        interrupted = interrupted and not complete
        keeper.claim()
        done = keeper.recipe.finished(steps=run.total, complete=complete, notes=solution.notes)
        try:
            company = getattr(job.finish, "company", None)  # what of the file does not belong to the result
            like = company(image) if company and image else image
            written = images.write(target, job.result(solution.x), like, recipe=done.to_toml())
            written += repeating.write(solution, job, recipe)
        except UntaughtError as error:  # hours of work are not lost with a disk that is full at the end
            raise UntaughtError(f"{error} {goes_on}" if keeper.save() or keeper.kept else str(error)) from error
    except KeyboardInterrupt:
        if keeper.begun:
            print(f"untaught: {goes_on}", file=sys.stderr)
        raise
    judged = () if quiet and report is None else reporting.judge(report, solution, job, done, image)
    notes = (
        *notes,
        *(image.notes if image else ()),
        *solution.notes,
        *job.remarks(solution.x),
        *written,
        *judged,
        *keeper.end(keep=keeper.keep or interrupted),
    )
    if interrupted and keeper.begun:
        notes += (goes_on,)
    say(solution, notes, target, as_json=as_json, quiet=quiet)
    return INTERRUPTED if interrupted else 0


def foretell(job: Job, runs: int = 1, *, as_json: bool, quiet: bool) -> None:
    """Say how long a large picture will take, where that is over 30 s, from a few seconds on parts of it."""
    from untaught.studies.explain import forecast

    once = None if quiet else forecast(job)
    seconds = (once or 0.0) * runs
    if seconds < LONG:
        return
    if as_json:
        print(json.dumps({"expected_seconds": round(seconds)}), flush=True)
    else:
        span = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
        print(f"untaught: this will take about {span}.", file=sys.stderr, flush=True)


def run(
    recipe: Path,
    /,
    *,
    input: Path | None = None,
    max_megapixels: float = 100.0,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    force: Annotated[bool, FLAG] = False,
    save_run: Path | None = None,
    keep_run: Annotated[bool, FLAG] = False,
    save_every: float = 10.0,
    report: Path | None = None,
    uncertainty: Path | None = None,
    json: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> int:
    """Repeat a recipe: bit for bit on the same input and build.

    Parameters
    ----------
    recipe
        A recipe (.toml), or a result that carries one.
    input
        The picture to restore, instead of the recipe's own (which is sought beside the recipe, then here).
    max_megapixels
        The largest picture that is read.
    output
        Where the result goes; NAME.untaught.EXT if not given.
    force
        Write over an existing file (never over the input).
    save_run
        Keep the run in this folder while it lasts, so that `untaught resume` can finish it.
    keep_run
        Keep that folder when the run has ended, too.
    save_every
        Seconds between two checkpoints.
    report
        How far the result can be trusted, and why: a page (.html) or figures (.json).
    uncertainty
        Where the maps of how far the picture may be off go; NAME.uncertainty.tif beside the result, if the recipe has them.
    json
        Print every iterate as a line of JSON instead of a progress bar.
    quiet
        Print nothing but errors.
    """
    from untaught import images, threads
    from untaught.cli import repeating, reporting
    from untaught.recipes import Recipe

    if recipe.suffix.lower() == ".toml":
        old = Recipe.read(recipe)
    else:
        text = images.read_recipe(recipe)
        if text is None:
            raise BadInput(f"'{recipe}' carries no recipe: name a result of untaught, or a recipe (.toml).")
        old = Recipe.from_toml(text, f"'{recipe}'")
    threads.settle(old.threads)
    task = tasks.get(old.task)
    settings = {**old.settings, **{name: str(find(str(old.settings[name]), recipe)) for name in old.files}}
    image, source = None, None
    if task.subject is None:
        if input:
            raise BadInput(f"The recipe's task '{old.task}' takes no picture: leave --input out.")
    else:
        source = input or find(old.input, recipe)
        image = images.read(source, max_megapixels=max_megapixels)
    target = images.check_output(output or default_output(old.task, source), source=source, force=force)
    reporting.check(report, source=source, target=target, force=force)
    if uncertainty is None and old.uncertainty:
        uncertainty = target.with_name(f"{target.stem}.uncertainty.tif")
    uncertainty = repeating.check(uncertainty, source=source, target=target, force=force)
    keeper = Keeper.beside(target, save_run, keep=keep_run, every=save_every, force=force)
    new = Recipe.now(old.task, settings, image=image, files=task.files(settings), output=str(target.absolute()))
    notes = [f"Another build than the recipe's ({', '.join(d)}): bits may differ." for d in [old.differences(new)] if d]
    if new.sha256 != old.sha256:
        notes.append(f"'{source}' is another picture than the recipe's '{Path(old.input).name}' (its sha256 differs).")
    notes += [
        f"'{settings[name]}' is another file than the recipe's {name} (its sha256 differs)."
        for name in old.files
        if new.files.get(name) != old.files[name]
    ]
    new = replace(new, repeat=old.repeat, uncertainty=str(uncertainty or ""), steps=0 if old.complete else old.steps)
    return carry_out(new, image, target, keeper, notes=tuple(notes), report=report, as_json=json, quiet=quiet)


def default_output(task: str, source: Path | None) -> Path:
    """NAME.untaught.EXT beside the input; TASK.untaught.png here, where there is none."""
    from untaught import images

    return Path(f"{task}.untaught.png") if source is None else images.default_output(source)


def find(name: str, recipe: Path) -> Path:
    """The recipe's input: where it says, beside the recipe, or here; `BadInput` where it is at none of them."""
    for place in (recipe.parent / name, Path(name)):
        if place.exists():
            return place
    raise BadInput(f"The recipe's input '{name}' is neither beside '{recipe}' nor here: name it with --input.")
