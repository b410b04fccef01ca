"""One life of a job: composed of a recipe, run or resumed, kept while it lasts, and ended. Faces watch it, and say how it went."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from untaught.core.errors import BadInput, UntaughtError, why
from untaught.core.registry import tasks
from untaught.session import uncertainty
from untaught.session.writing import Ending

if TYPE_CHECKING:
    from untaught.io.images import Image
    from untaught.io.recipes import Recipe
    from untaught.session.keeping import Keeper
    from untaught.solver.iterate import Iterate


class Session:
    """for iterate in session: ...; session.end(). Who leaves the loop stops the run, and has the best picture so far.

    recipe: what is done; with steps it ends there at the latest. image: what is restored. keeper: where the run is kept. state,
    notes: of a run that goes on, from `keeping.resumed`. asking: where the result is unsure, as `uncertainty.plan` says.

    Raises `BadInput`, before any step, for what the task refuses, and for a run that is kept in that place already.
    """

    def __init__(
        self,
        recipe: Recipe,
        image: Image | None,
        keeper: Keeper,
        *,
        state: Any = None,
        notes: tuple[str, ...] = (),
        asking: bool = False,
    ) -> None:
        one = tasks.get(recipe.task)
        self.image, self.keeper, self.notes = image, keeper, notes
        self.job = one.job(image, **recipe.arguments(one.compose))
        recipe = recipe.resolved(self.job, one.compose)
        self.recipe = uncertainty.plan(self.job).recipe(recipe) if asking else recipe
        self.run = uncertainty.begin(self.job, self.recipe)
        if state is None:
            self.recipe, state, more = keeper.take_up(self.recipe)
            self.notes += more
        self.resumed = state is not None
        if self.resumed:
            try:
                self.run.load_state_dict(state)
            except Exception as error:  # the folder may be from somebody else
                raise BadInput(
                    f"The checkpoint in '{keeper.folder.path}' does not fit its run ({why(error)}): begin the run anew."
                ) from error
        keeper.start(self.run, self.recipe)

    def __iter__(self) -> Iterator[Iterate]:
        left = self.recipe.steps - self.run.total if self.recipe.steps else None
        with self.rescued():
            for iterate in islice(self.run, left):
                self.keeper(iterate)
                yield iterate

    def company(self) -> Image | None:
        """What of the picture's file belongs to the result."""
        return self.job.finish.company(self.image) if self.image else None

    def end(self) -> Ending:
        """The run as it is now, to be written: wherever it stopped."""
        return Ending(self)

    @contextlib.contextmanager
    def rescued(self) -> Iterator[None]:
        """An error amid the work is said with how the run goes on, where there is something to go on with."""
        try:
            yield
        except Exception as error:
            if self.keeper.kept or self.run.over:
                raise UntaughtError(f"The run failed ({why(error)}). {self.keeper.rescue()}".strip()) from error
            raise
