"""A run, kept on the disk while it lasts: which ones are, what a disk that fails costs them (nothing), and how they go on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from untaught.core import threads
from untaught.core.errors import BadInput, UntaughtError
from untaught.core.registry import tasks
from untaught.io.checkpoints import Damaged, Folder
from untaught.io.recipes import Recipe

if TYPE_CHECKING:
    from untaught.calibration.repeated import RepeatedRuns
    from untaught.io.images import Image
    from untaught.io.images.places import Places
    from untaught.solver.iterate import Iterate
    from untaught.solver.loop import Run

LONG = 30.0  # seconds: a run that is expected to last longer is kept without being asked
ELSEWHERE = "name another folder with --save-run"


def resumed(folder: Folder, recipe: Recipe, image: Image | None) -> tuple[Recipe, Any, tuple[str, ...]]:
    """(recipe, state or None, what is to be said) of the run that is kept there, to go on here and now. recipe: its own,
    perhaps with other outputs.

    `BadInput` where the inputs are not those with which it began, or no state can be used.
    """
    threads.settle(recipe.threads)
    now = Recipe.now(recipe.task, recipe.settings, image=image, files=tasks.get(recipe.task).files(recipe.settings))
    if now.sha256 != recipe.sha256:
        raise BadInput(
            f"'{recipe.input}' is another picture than when the run in '{folder.path}' began (its sha256 differs): put the "
            "old one back, or begin the run anew."
        )
    for name, digest in recipe.files.items():
        if now.files.get(name) != digest:
            raise BadInput(
                f"'{recipe.settings[name]}' is not the {name} with which the run in '{folder.path}' began (its sha256 "
                "differs, or it is gone): put the old one back, or begin the run anew."
            )
    try:
        recipe, state, notes = _going_on(folder, recipe, now)
        if recipe != folder.recipe():
            folder.renew(recipe)
    except OSError as error:
        raise BadInput(
            f"The checkpoints in '{folder.path}' cannot be used ({error.strerror}): make them readable, and the folder writable."
        ) from error
    return recipe, state, notes


def _going_on(folder: Folder, kept: Recipe, now: Recipe) -> tuple[Recipe, Any, tuple[str, ...]]:
    """As `resumed`. On another build it goes on as well, since a night's work is worth more than its last bits; the recipe says so,
    too, for nobody can repeat such a run to the bit."""
    state, notes = folder.load(kept)
    if (apart := kept.differences(now)) and state is not None:
        said = f"The run went on with another build ({', '.join(apart)}): its bits are not those of one run."
        kept, notes = replace(kept, notes=(*kept.notes, said)), (*notes, said)
    return replace(kept, versions=now.versions, threads=now.threads), state, notes


@dataclass
class Keeper:
    """Keeps the run in a folder every so many seconds; what fails is said, and the run goes on.

    asked: from the start, and not only once the run is seen to be a long one. keep: also when it has ended well. force:
    another run that is kept there may be replaced. begun: whether the folder is this run's already. able: whether it could be
    resumed at all, which wants an input that is still there. elsewhere, continues: what a person can do where the folder cannot be
    written, and to go on; None is the command. told: hears at once of every state, the step and "" or what was wrong; without
    it, that is summed up at the end.
    """

    folder: Folder
    asked: bool = False
    keep: bool = False
    every: float = 10.0
    force: bool = False
    begun: bool = False
    able: bool = True
    elsewhere: str = ELSEWHERE
    continues: str | None = None
    told: Callable[[int, str], None] | None = None
    marks: set[str] = field(default_factory=set)
    tried: int = 0
    errors: list[str] = field(default_factory=list)
    run: Run | RepeatedRuns = field(init=False)
    recipe: Recipe = field(init=False)

    @classmethod
    def beside(cls, target: Path, folder: Path | None, places: Places, *, keep: bool, every: float) -> Keeper:
        """In `folder`, or in OUTPUT.run; `BadInput` where files that are of no run are in the way."""
        place = Folder(folder or target.with_name(target.name + ".run"))
        place.check()
        keeper = cls(place, folder is not None or keep, keep, every, places.force)
        if not places.force and place.holds:  # this very run, whose own output may be replaced; or it will be refused
            places.own |= place.claimed()
        places.tell = keeper.claim
        return keeper

    def take_up(self, recipe: Recipe) -> tuple[Recipe, Any, tuple[str, ...]]:
        """As `resumed`, of this very run if it was left here, at its first step if not; `BadInput` for another run."""
        if self.begun or self.force or not self.able or not self.folder.holds:
            return recipe, None, ()
        try:
            kept = self.folder.recipe()
        except BadInput as error:
            raise self.folder.refuse() from error
        if kept.key != recipe.key or kept.steps != recipe.steps:
            raise self.folder.refuse()
        try:
            whole, state, notes = _going_on(self.folder, kept, recipe)
            recipe = replace(recipe, notes=whole.notes)
            self.folder.renew(recipe)
        except Damaged as error:
            return recipe, None, (f"{error} It began anew.",)
        except OSError as error:
            raise BadInput(f"'{self.folder.path}' cannot be used ({error.strerror}): {self.elsewhere}.") from error
        self.begun = True
        return recipe, state, (*notes, f"It had been kept in '{self.folder.path}'; --force begins anew.")

    def start(self, run: Run | RepeatedRuns, recipe: Recipe) -> None:
        """Before the first step; `BadInput` where keeping was asked for and the folder cannot be written."""
        self.run, self.recipe, self.due = run, recipe, time.monotonic() + self.every
        try:
            if self.asked and not self.able:
                raise BadInput(
                    "A run whose picture comes through a pipe cannot be kept: save the picture to a file first."
                )
            if self.asked and not self.begun:
                self._begin()
        except OSError as error:
            raise BadInput(
                f"The run cannot be kept in '{self.folder.path}' ({error.strerror}): {self.elsewhere}."
            ) from error

    def __call__(self, iterate: Iterate) -> None:
        if time.monotonic() >= self.due:
            if self.begun or (self.able and self.long and not self.run.over):  # one that is over is about to be written
                self.save()
            self.due = time.monotonic() + self.every

    @property
    def long(self) -> bool:
        """Whether the run will last over 30 s, by its steps so far; one that does not know its end is taken to."""
        run = self.run
        return run.steps is None or run.seconds + (run.steps - run.step) * run.seconds / max(1, run.total) > LONG

    def save(self) -> bool:
        """Keep the run now. A failure is remembered and not raised, since the last good state is still there."""
        if not self.able or self.run.total == 0:
            return False
        self.tried += 1
        wrong = ""
        try:
            if not self.begun:
                self._begin()
            self.folder.save(self.run, self.recipe)
        except (OSError, UntaughtError) as error:
            wrong = getattr(error, "strerror", None) or str(error)
            self.errors.append(wrong)
        if self.told:
            self.told(self.run.total, wrong)
        return not wrong

    def rescue(self) -> str:
        """Keep the run after something failed at its end: how it goes on, or "" and nothing is left behind."""
        with contextlib.suppress(Exception):  # a second failure must not hide the first
            if self.save() or self.kept:
                return self.goes_on
        with contextlib.suppress(Exception):
            if not self.folder.ours:
                self.folder.path.rmdir()  # which takes an empty one alone
            elif not self.folder.holds:
                self.folder.remove()
        return ""

    @property
    def goes_on(self) -> str:
        """How a person goes on with what is kept, in a sentence."""
        return f"The run is kept: {self.continues or f'{self.folder} continues it'}."

    @property
    def kept(self) -> bool:
        """Whether there is a state on the disk, be it of an earlier step."""
        return self.begun and bool(self.folder.states())

    def claim(self, mark: str) -> None:
        """What is about to be written is this run's own, and may be replaced when it is resumed."""
        self.marks.add(mark)
        if self.begun:
            with contextlib.suppress(OSError):
                self.folder.claim(self.marks)

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
        if self.errors and not self.told:
            notes += (
                f"{len(self.errors)} of {self.tried} checkpoints could not be written to '{self.folder.path}' "
                f"({self.errors[-1]}): the run went on without.",
            )
        return notes

    def _begin(self) -> None:
        self.folder.begin(self.recipe)
        self.begun = True
        if self.marks:
            self.folder.claim(self.marks)
