"""A folder of pictures, restored one by one: what is done already stays, what fails is an entry, and the rest goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from untaught.core.errors import BadInput, UntaughtError
from untaught.core.registry import tasks
from untaught.io.images.places import Places
from untaught.scale.crew import Crew, Died, suited
from untaught.scale.gathering import Item, Part
from untaught.scale.manifest import FAILED, Manifest, Outcome
from untaught.scale.picture import Piece, Restoring

PAGE = "report.html"
TRIALS = 8  # pictures that are looked at before any work, until one can be restored


class Batch:
    """for entry in batch: ...; batch.page(). `stop` ends it within seconds, and what is finished is kept.

    task, settings: of every picture. items: all pictures, of which `part` are this command's. folder: where results go, made where
    it is not there. workers: processes, None for what suits the machine; results do not depend on it. force: files in the results'
    places are replaced. retry: what failed before is tried again.

    Raises `BadInput`, before any work, for settings that the task refuses, for a folder that cannot be written, and for one that
    holds results of other settings.
    """

    def __init__(
        self,
        task: str,
        settings: dict[str, Any],
        items: list[Item],
        folder: Path,
        *,
        part: Part | None = None,
        workers: int | None = None,
        force: bool = False,
        retry: bool = False,
        max_megapixels: float = 100.0,
    ) -> None:
        if workers is not None and workers < 1:
            raise BadInput(f"--workers {workers} leaves nobody to work: give 1 or more.")
        part = part or Part()
        tasks.get(task).check(settings)
        _make(folder)
        self.manifest = Manifest(folder, part)
        self.restoring = Restoring(task, settings, folder, force, max_megapixels)
        other = None if force or not items else self.manifest.apart(task, self.restoring.blank(items[0]).settings)
        if other is not None:
            said = ", ".join(f"{name} {value}" for name, value in other.settings.items()) or "the defaults"
            raise BadInput(
                f"'{folder}' holds results of {other.task} with other settings ({said}): name another folder with -o, or replace "
                "them with --force."
            )
        self.mine = list(part(items))
        self.left = [item for item in self.mine if force or not self.manifest.settled(item, retry=retry)]
        most = suited(len(self.left), *self._trial())
        workers = workers or most
        self.crew = Crew(max(1, min(workers, len(self.left))), self.restoring, self._told)

    def _trial(self) -> tuple[str, float]:
        """(device, bytes) of the first picture's job. `BadInput` for what is said of two alike: it is about settings."""
        from untaught.io import images
        from untaught.solver.memory import needed

        task, said = tasks.get(self.restoring.task), ""
        for item in self.left[:TRIALS]:
            try:
                image = images.read(item.source, max_megapixels=self.restoring.max_megapixels)
            except UntaughtError:
                continue
            try:
                job = task.job(image, **self.restoring.own(item))
                return job.stages[0].device, needed(job)
            except UntaughtError as error:
                if str(error) == said or len(self.left) == 1:
                    raise
                said = str(error)
        return "cpu", 0.0

    def __iter__(self) -> Iterator[Outcome]:
        pieces = (Piece(item, frozenset(self.manifest.marks[item.name])) for item in self.left)
        for piece, entry in self.crew.answers(pieces):
            if isinstance(entry, Died):
                entry = replace(self.restoring.blank(piece.item), state=FAILED, error=str(entry))
            if entry is not None:
                self.manifest.add(entry)
                yield entry

    def _told(self, piece: Piece, what: tuple[str, str]) -> None:
        self.manifest.claim(*what)

    def stop(self) -> None:
        self.crew.stop()

    def counts(self) -> Counter[str]:
        """How many of this command's pictures are done, and how many failed, by now; `doubtful` of those that are done."""
        kept = [e for item in self.mine if (e := self.manifest.entries.get(item.name))]
        return Counter(
            [e.state for e in kept] + ["doubtful" for e in kept if e.verdict in ("doubtful", "out of reach")]
        )

    def page(self) -> Path:
        """The report of the whole folder, of all parts: the doubtful ones first. UntaughtError where it cannot be written."""
        from untaught.scale.overview import html

        path, manifest = self.manifest.folder / PAGE, self.manifest
        places = Places(own=set(manifest.marks[PAGE]), tell=lambda mark: manifest.claim(PAGE, mark))
        places.text(path, html(manifest.folder, Manifest.read(manifest.folder)))
        return places.went[path]


def _make(folder: Path) -> None:
    """The folder of results; its own parent has to be there, since a name with a slip in it is no wish for folders."""
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError as error:
        raise BadInput(f"'{folder}' is a file, and there are several results: name a folder with -o.") from error
    except OSError as error:
        raise BadInput(f"The folder '{folder}' cannot be made ({error.strerror}): name another with -o.") from error
