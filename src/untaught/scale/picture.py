"""One picture of many, in a process of its own: the session of any single command, and an entry of what became of it."""

from __future__ import annotations

import contextlib
import io
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from untaught.core.errors import UntaughtError, memory_told, why
from untaught.core.registry import tasks
from untaught.scale.crew import Contact
from untaught.scale.gathering import Item
from untaught.scale.manifest import DONE, FAILED, Outcome, stand
from untaught.tasks import role

THUMBNAILS = "report.files"
SIDE = 220  # pixels of a thumbnail


@dataclass(frozen=True)
class Piece:
    """own: marks of files that an earlier command left in the picture's places, and which may be replaced."""

    item: Item
    own: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Restoring:
    """What a process does with every piece: the entry of its picture, or None where it was stopped before its end."""

    task: str
    settings: dict[str, Any]
    folder: Path
    force: bool
    max_megapixels: float

    def __call__(self, piece: Piece, contact: Contact) -> Outcome | None:
        begun = time.monotonic()
        entry = self.blank(piece.item)
        try:
            with memory_told():
                made = self._restored(piece, contact, entry)
        except EOFError:
            raise
        except Exception as error:
            said = str(error) if isinstance(error, UntaughtError) else f"It could not be restored ({why(error)})."
            made = replace(entry, state=FAILED, error=said)
        return made and replace(made, seconds=round(time.monotonic() - begun, 3))

    def own(self, item: Item) -> dict[str, Any]:
        """The settings for a picture: in those that name a file {name} stands for its name without the ending, as in
        masks/{name}.png."""
        hints, name = tasks.get(self.task).settings, item.name.removesuffix(Path(item.name).suffix)
        return {
            k: v.replace("{name}", name) if isinstance(v, str) and role(hints[k]) else v
            for k, v in self.settings.items()
        }

    def blank(self, item: Item) -> Outcome:
        size, modified = stand(item.source)
        settings = {name: str(v) if isinstance(v, Path) else v for name, v in self.settings.items() if v is not None}
        return Outcome(str(item.source), item.name, DONE, self.task, settings, bytes=size, modified=modified)

    def _restored(self, piece: Piece, contact: Contact, entry: Outcome) -> Outcome | None:
        from untaught.io import images
        from untaught.io.images.places import Places
        from untaught.io.recipes import Recipe
        from untaught.session.keeping import Keeper
        from untaught.session.life import Session
        from untaught.session.writing import Outputs

        source, target = piece.item.source, self.folder / piece.item.name
        image = images.read(source, max_megapixels=self.max_megapixels)
        settings = self.own(piece.item)
        files = tasks.get(self.task).files(settings)
        target.parent.mkdir(parents=True, exist_ok=True)
        places = Places.of([source, *files.values()], force=self.force, aside=False)
        keeper = Keeper.beside(target, None, places, keep=False, every=10.0)
        keeps, places.own = places.tell, places.own | piece.own

        def tell(mark: str) -> None:
            keeps(mark)
            contact.tell((piece.item.name, mark))

        places.tell = tell
        outputs = Outputs(places, target)
        recipe = outputs.named(Recipe.now(self.task, settings, image=image, files=files))
        session = Session(recipe, image, keeper)
        for _ in session:
            if contact.stopped and not session.run.over:
                if keeper.begun:
                    keeper.save()
                return None
        ending = session.end()
        ending.notes += image.notes
        ending.write(outputs.put)
        report = ending.judge(places) if ending.job.finish.restores else None
        ending.close()
        return replace(
            entry, sha256=image.sha256, size=tuple(ending.result.shape[:2]), notes=tuple(ending.notes),
            verdict=report.verdict.kind if report else "", why=report.verdict.sentence if report else "",
            recipe=ending.recipe.facts if ending.recipe else {},
            thumbnail=_thumbnail(self.folder, entry.output, image.pixels, ending.result, places),
        )  # fmt: skip


def _thumbnail(folder: Path, name: str, before: Any, after: Any, places: Any) -> str:
    """Its name below the folder, before and after side by side; "" where none could be made, which costs nothing else."""
    path = folder / THUMBNAILS / (name.replace("/", "__") + ".jpg")
    with contextlib.suppress(Exception):
        path.parent.mkdir(exist_ok=True)
        places.put(path, _side_by_side(before, after))
        return places.went[path].relative_to(folder).as_posix()
    return ""


def _side_by_side(*pictures: Any) -> bytes:
    from PIL import Image as Pillow

    from untaught.reports.drawing import array, smaller

    small = []
    for picture in pictures:
        pixels = array(picture)
        if pixels is None:
            raise ValueError("no picture to be seen")
        one = Pillow.fromarray(smaller(pixels)).convert("RGB")
        k = SIDE / max(one.size)
        small.append(one.resize([max(1, round(k * n)) for n in one.size], Pillow.Resampling.LANCZOS if k < 1 else 0))
    whole = Pillow.new(
        "RGB", (sum(s.width for s in small) + 4 * (len(small) - 1), max(s.height for s in small)), "white"
    )
    across = 0
    for one in small:
        whole.paste(one, (across, 0))
        across += one.width + 4
    out = io.BytesIO()
    whole.save(out, "JPEG", quality=80)
    return out.getvalue()
