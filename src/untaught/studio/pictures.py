"""What was handed in: each in a folder of its own, counted while it arrives, known by an id that nobody can guess."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from untaught.core.errors import BadInput, UntaughtError
from untaught.studio import marked
from untaught.studio.checked import made
from untaught.studio.messages import Measurement, PictureAbout
from untaught.studio.views import PictureView

MARGIN = 4 << 20  # bytes beside the pixels: profiles, EXIF, previews
WIDE = 8  # bytes of a pixel at most: RGBA of 16 bit


class TooLarge(UntaughtError):
    """More bytes than any picture within the limit would have."""


@dataclass
class Upload:
    """One upload. about: what the desk says of it, once it has looked. measured: what was found, once it is known."""

    id: str
    name: str
    bytes: int
    file: str
    role: str = "picture"
    about: PictureAbout | None = None
    measured: Measurement | None = None
    wish: str | None = None  # the task that an example is for
    mask: str | None = None  # the id of the mask that comes with an example
    part: str | None = None  # the id of the picture that this is a part of

    def public(self) -> PictureView:
        return PictureView(**{f.name: getattr(self, f.name) for f in fields(PictureView)})


class Pictures:
    """The folder of uploads. limit: megapixels."""

    def __init__(self, folder: Path, limit: float) -> None:
        self.folder, self.limit = marked.room(folder), limit
        self.all: dict[str, Upload] = {}

    @property
    def most(self) -> int:
        """Bytes of an upload at most."""
        return int(self.limit * 1e6 * WIDE) + MARGIN

    def path(self, picture: Upload) -> Path:
        return self.folder / picture.id / picture.file

    def paths(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Settings as the engine takes them: with paths in the place of the ids of pictures."""
        ours = {k: self.all[v] for k, v in settings.items() if isinstance(v, str) and v in self.all}
        return settings | {k: str(self.path(picture)) for k, picture in ours.items()}

    def named(self, text: str) -> str:
        """What the engine says, with the name that a person knows in the place of each picture's path."""
        for picture in self.all.values():
            text = text.replace(str(self.path(picture)), picture.name)
        return text

    def shown(self, picture: Upload, kind: str) -> Path:
        """What the eye is shown of it: its preview, or its thumb."""
        return self.folder / picture.id / f"{kind}.jpg"

    def samples(self, picture: Upload) -> Path:
        """Its samples as they were read, for tiles."""
        return self.folder / picture.id / "samples.npy"

    async def kept(self, picture: Upload) -> Path:
        """The same, once they are there: they are kept when the picture is seen already, and before it is measured."""
        path = self.samples(picture)
        while picture.role == "picture" and picture.measured is None and not path.exists() and picture.id in self.all:
            await asyncio.sleep(0.05)
        return path

    def get(self, id: str) -> Upload:
        if id not in self.all:
            raise BadInput("This picture is not here any more: add it again.")
        return self.all[id]

    async def take(self, chunks: AsyncIterator[bytes], name: str, role: str) -> Upload:
        """Write what arrives to the disk. `TooLarge`, `BadInput` with a sentence; then nothing of it is left."""
        from untaught.io.images.picture import FORMATS, sniff, unread

        id = secrets.token_urlsafe(12)
        place, count, head = self.folder / id, 0, b""
        trial, whole = place / "part", False
        try:
            marked.make(place)
            with trial.open("xb") as file:
                async for chunk in chunks:
                    count += len(chunk)
                    if count > self.most:
                        raise TooLarge(
                            f"{name} has more than {self.most / 1e6:.0f} MB, which no picture of {self.limit:g} megapixels "
                            f"needs: start again with --max-megapixels {2 * self.limit:g}, or cut out a part of it."
                        )
                    head = (head + chunk[: 256 - len(head)]) if len(head) < 256 else head
                    file.write(chunk)
            if count == 0:
                raise BadInput(f"{name} is empty (0 bytes): fetch it again, or choose another file.")
            kind = sniff(head)
            if kind is None:
                raise unread(name, head)
            suffix = next((s for s, k in FORMATS.items() if k == kind), f".{kind.lower()}")
            trial.rename(place / f"picture{suffix}")
            whole = True
        except OSError as error:
            raise UntaughtError(
                f"{name} could not be kept ({error.strerror}): make room in the studio's folder and add it again."
            ) from error
        finally:
            if not whole:
                marked.remove(place)
        return Upload(id, name, count, f"picture{suffix}", role)

    def keep(self, picture: Upload) -> None:
        self.all[picture.id] = picture
        marked.put(self.folder / picture.id / "about.json", json.dumps(asdict(picture)))

    def drop(self, id: str) -> None:
        self.all.pop(id, None)
        marked.remove(self.folder / id)

    def load(self, wanted: set[str]) -> None:
        """Take up again what an earlier server left, of those ids; the rest of what is ours is removed."""
        for place in marked.among(self.folder):
            try:
                picture = made(Upload, json.loads((place / "about.json").read_text(encoding="utf-8")))
                if place.name in wanted and picture.id == place.name and self.path(picture).is_file():
                    self.all[picture.id] = picture
            except (OSError, ValueError, TypeError):
                pass
            if place.name not in self.all:
                self.drop(place.name)


def clean(name: str | None) -> str:
    """A client's file name, only to be shown and to name downloads after: no folders, nothing that does not print."""
    last = re.split(r"[/\\]", unquote(name or ""))[-1]
    kept = "".join(c for c in last if c.isprintable() and c not in '<>:"|?*').strip(" .")
    return kept[-100:] or "picture"
