"""A run, kept on the disk while it lasts: which ones are, and what a disk that fails costs them (nothing)."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from untaught.core.errors import BadInput, UntaughtError

if TYPE_CHECKING:
    from untaught.calibration.series import Series
    from untaught.io.checkpoints import Folder
    from untaught.io.images.places import Places
    from untaught.io.recipes import Recipe
    from untaught.solver.run import Iterate, Run

LONG = 30.0  # seconds: a run that is expected to last longer is kept without being asked


@dataclass
class Keeper:
    """A watcher that keeps the run in a folder every so many seconds; what fails is said at the end, and the run goes on.

    asked: from the start, and not only once the run is seen to be a long one. keep: also when it has ended well. force:
    another run that is kept there may be replaced. begun: whether the folder is this run's already. able: whether it could be
    resumed at all, which wants an input that is still there.
    """

    folder: Folder
    asked: bool = False
    keep: bool = False
    every: float = 10.0
    force: bool = False
    begun: bool = False
    able: bool = True
    marks: set[str] = field(default_factory=set)
    tried: int = 0
    errors: list[str] = field(default_factory=list)
    run: Run | Series = field(init=False)
    recipe: Recipe = field(init=False)

    @classmethod
    def beside(cls, target: Path, folder: Path | None, places: Places, *, keep: bool, every: float) -> Keeper:
        """In `folder`, or in OUTPUT.run; `BadInput` where files that are of no run are in the way."""
        from untaught.io.checkpoints import Folder

        place = Folder(folder or target.with_name(target.name + ".run"))
        place.check()
        keeper = cls(place, folder is not None or keep, keep, every, places.force)
        if not places.force and place.holds:  # this very run, whose own output may be replaced; or it will be refused
            places.own |= place.claimed()
        places.tell = keeper.claim
        return keeper

    def take_up(self, recipe: Recipe) -> tuple[Any, tuple[str, ...]]:
        """The state in which this very run was left here, if it was, and what is to be said; `BadInput` for another run."""
        if self.begun or self.force or not self.able or not self.folder.holds:
            return None, ()
        try:
            kept = self.folder.recipe()
        except BadInput as error:
            raise self.folder.refuse() from error
        if kept.key != recipe.key or kept.steps != recipe.steps or kept.differences(recipe):
            raise self.folder.refuse()
        try:
            state, notes = self.folder.load(recipe)
            self.folder.renew(recipe)
        except BadInput as error:  # every state is damaged
            return None, (f"{error} It began anew.",)
        except OSError as error:
            raise BadInput(
                f"'{self.folder.path}' cannot be used ({error.strerror}): name another with --save-run."
            ) from error
        self.begun = True
        return state, (*notes, f"It had been kept in '{self.folder.path}'; --force begins anew.")

    def start(self, run: Run | Series, recipe: Recipe) -> None:
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
                f"The run cannot be kept in '{self.folder.path}' ({error.strerror}): name another folder with --save-run."
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
        if not self.able:
            return False
        self.tried += 1
        try:
            if not self.begun:
                self._begin()
            self.folder.save(self.run, self.recipe)
        except (OSError, UntaughtError) as error:
            self.errors.append(getattr(error, "strerror", None) or str(error))
            return False
        return True

    def rescue(self) -> str:
        """Keep the run after something failed at its end: how it goes on, or "" and nothing is left behind."""
        with contextlib.suppress(Exception):  # a second failure must not hide the first
            if self.save() or self.kept:
                return f"The run is kept: {self.folder} continues it."
        with contextlib.suppress(Exception):
            if not self.folder.ours:
                self.folder.path.rmdir()  # which takes an empty one alone
            elif not self.folder.holds:
                self.folder.remove()
        return ""

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
        if self.errors:
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
