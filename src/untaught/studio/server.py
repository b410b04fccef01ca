"""The routes. No endpoint takes a path; everything is known by an id that this server made."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from fastapi import Body, FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from untaught.core.errors import BadInput, UntaughtError
from untaught.studio import forms, worker
from untaught.studio import messages as m
from untaught.studio.events import Events, Stream
from untaught.studio.guard import Guard, same
from untaught.studio.jobs import Jobs
from untaught.studio.pictures import Pictures, TooLarge, Upload, clean
from untaught.studio.shelf import DAYS, ROOM, Shelf
from untaught.studio.shown import FOREVER, routes
from untaught.studio.views import Example
from untaught.studio.worker import sentence

STATIC = Path(__file__).parent / "static"
UNMEASURED = "The engine ended while it looked at this picture; choose yourself what to do with it, or add it again."


class Studio:
    """All that one server holds. folder: where pictures and runs lie. limit: megapixels.

    days, room: how long results are kept, and how many bytes of them. engine: what runs in the engine's process.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limit: float = 50.0,
        days: float = DAYS,
        room: float = ROOM,
        token: str | None = None,
        engine: Callable[[Any], None] = worker.main,
    ) -> None:
        folder = folder.absolute()  # the engine works elsewhere
        self.folder, self.token = folder, token or secrets.token_urlsafe(24)
        self.pictures = Pictures(folder / "pictures", limit)
        self.events = Events(lambda on: self.jobs.watch(on))
        self.jobs = Jobs(Shelf(folder / "jobs", days, room), self.pictures, self.events.tell, engine)
        self.jobs.on_measured = self.measured
        self.jobs.on_death = self.unmeasured
        self.pictures.load(self.needed())
        self.unmeasured()
        self.thumbnails: dict[str, bytes] = {}

    def needed(self) -> set[str]:
        """The ids of all pictures that jobs are about, or take as guide or mask."""
        ids = {str(v) for j in self.jobs.all.values() for v in (j.picture, *j.settings.values())}
        return ids | {str(p.part) for p in self.pictures.all.values() if p.id in ids and p.part}

    def end(self) -> None:
        """Nothing stays on the disk but jobs and their pictures."""
        self.events.end()
        self.jobs.end()
        for id in set(self.pictures.all) - self.needed():
            self.pictures.drop(id)

    def measured(self, told: m.PictureMeasured) -> None:
        picture = self.pictures.all.get(told.picture)
        if picture is not None:
            said = told.measurement
            picture.measured = replace(said, suggestion=picture.wish or said.suggestion)
            if picture.about is None:  # the answer to its upload will say so
                return
            with suppress(OSError):  # costs only that a restart says that it was not measured
                self.pictures.keep(picture)
            self.events.tell(f"picture:{picture.id}")

    def unmeasured(self) -> None:
        """The engine is gone: whoever waits for what it was measuring is told so."""
        for picture in self.pictures.all.values():
            if picture.role == "picture" and picture.about and picture.measured is None:
                self.measured(m.PictureMeasured(picture.id, m.Measurement((UNMEASURED,), picture.wish, None)))

    async def open(self, picture: Upload) -> Upload:
        """Let the desk look at an upload; nothing is left of one that it refuses."""
        self.pictures.all[picture.id] = picture  # before it is asked: what is measured may be told before its answer
        try:
            path, measured = str(self.pictures.path(picture)), picture.role == "picture"
            picture.about = await self.jobs.link.call(
                m.OpenPicture(picture.id, path, picture.name, self.pictures.limit, measured)
            )
            self.pictures.keep(picture)
        except (UntaughtError, OSError):
            self.pictures.drop(picture.id)
            raise
        return picture

    def resolve(self, task: str, picture: Upload | None, settings: Any) -> dict[str, Any]:
        """Checked settings, whose files are pictures that were handed in; `BadInput` for anything else."""
        checked = forms.check(task, settings)
        for name, value in checked.items():
            what = forms.role(forms.tasks.get(task).settings[name])
            if what is None or not isinstance(value, str):
                continue
            if value not in self.pictures.all:
                if what == "picture":
                    raise BadInput(f"The picture for '{name}' is not here: add it first.")
                forms.word(name, value)
            elif what == "mask" and picture is not None:
                mask, mine = (p.about for p in (self.pictures.get(value), picture))
                if mask and mine and (mask.width, mask.height) != (mine.width, mine.height):
                    raise BadInput(
                        f"The mask is {mask.width} x {mask.height} pixels and the picture {mine.width} x {mine.height}: "
                        "they must be of one size."
                    )
        return checked

    def ordered(self, order: dict[str, Any]) -> tuple[str, Upload | None, dict[str, Any]]:
        """The task, the picture and the checked settings of a job; `UntaughtError` where it cannot be begun."""
        task, id, settings = order.get("task"), order.get("picture"), order.get("settings", {})
        if unknown := set(order) - {"task", "picture", "settings"}:
            raise BadInput(f"A job has no field '{sorted(unknown)[0]}': it has task, picture and settings.")
        if not isinstance(task, str) or task not in forms.tasks.names():
            raise BadInput(f"There is no task '{str(task)[:40]}': it is one of {', '.join(forms.tasks.names())}.")
        needed = forms.tasks.get(task).subject is not None
        if needed and not isinstance(id, str):
            raise BadInput(f"'{task}' needs a picture: add one first.")
        subject = self.pictures.get(str(id)) if needed else None
        checked = self.resolve(task, subject, settings)
        if self.jobs.engine.state == "broken":
            raise UntaughtError(self.jobs.engine.message)
        return task, subject, checked


def create_app(studio: Studio, *, hosts: set[str], port: int) -> Any:
    """The ASGI application. hosts: names that may stand in the Host header beside those of the loopback."""

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        studio.jobs.begin()
        try:
            yield
        finally:
            studio.end()

    app = FastAPI(lifespan=living, docs_url=None, redoc_url=None, openapi_url=None)
    cookie = f"untaught-{port}"
    jobs, pictures = studio.jobs, studio.pictures

    @app.exception_handler(UntaughtError)
    async def refused(request: Request, error: UntaughtError) -> JSONResponse:
        status = 413 if isinstance(error, TooLarge) else 400 if isinstance(error, BadInput) else 422
        return JSONResponse({"message": str(error)}, status)

    @app.exception_handler(OSError)
    async def full(request: Request, error: OSError) -> JSONResponse:
        return JSONResponse({"message": sentence(error)}, 507)

    @app.exception_handler(HTTPException)
    async def missing(request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"message": f"There is nothing here ({error.detail})."}, error.status_code)

    @app.post("/api/enter")
    async def enter(token: Annotated[str, Body(embed=True, max_length=200)]) -> Response:
        if not same(token, studio.token):
            raise HTTPException(401, "the key is of another studio: open the address that this one printed")
        response = JSONResponse({})
        response.set_cookie(cookie, token, httponly=True, samesite="strict", path="/")
        return response

    @app.get("/api/tasks")
    def tasks() -> dict[str, Any]:
        from untaught.studio.examples import EXAMPLES

        found = forms.schemas()
        known = {t["name"] for t in found}
        keeps = {"days": jobs.shelf.days, "bytes": jobs.shelf.room}
        examples = [Example(n, w, t).plain() for n, (w, t) in EXAMPLES.items() if t in known][:3]
        return {"tasks": found, "examples": examples, "limit": pictures.limit, "bytes": pictures.most, "keeps": keeps}

    @app.get("/api/examples/{name}.jpg")
    async def thumbnail(name: str) -> Response:
        if name not in studio.thumbnails:
            _known_example(name)
            studio.thumbnails[name] = await jobs.link.call(m.MakeThumbnail(name))
        return Response(studio.thumbnails[name], media_type="image/jpeg", headers=FOREVER)

    @app.post("/api/examples/{name}")
    async def example(name: str) -> dict[str, Any]:
        words, task = _known_example(name)
        made: m.ExampleMade = await jobs.link.call(m.MakeExample(name))
        picture = await pictures.take(_once(made.data), f"example, {words}", "picture")
        picture.wish = task
        if made.mask is not None:
            mask = await studio.open(await pictures.take(_once(made.mask), "its mask", "mask"))
            picture.mask = mask.id
        return (await studio.open(picture)).public().plain()

    @app.post("/api/pictures")
    async def upload(request: Request, role: str = "picture") -> dict[str, Any]:
        name = clean(request.headers.get("x-file-name"))
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > pictures.most:
            raise TooLarge(
                f"{name} has {int(declared) / 1e6:.0f} MB, and at most {pictures.most / 1e6:.0f} MB are taken: start again "
                f"with --max-megapixels {2 * pictures.limit:g}, or cut out a part of it."
            )
        role = role if role in ("picture", "mask", "guide", "data") else "picture"
        return (await studio.open(await pictures.take(request.stream(), name, role))).public().plain()

    @app.get("/api/pictures/{id}")
    async def picture(id: str) -> dict[str, Any]:
        return pictures.get(id).public().plain()

    @app.post("/api/pictures/{id}/part")
    async def part(id: str, square: Annotated[dict[str, int], Body()]) -> dict[str, Any]:
        """A square of the picture, in its own samples, as a picture to try something on."""
        from untaught.studio.tiles import cut

        whole = pictures.get(id)
        data = cut(await pictures.kept(whole), *(square.get(name, -1) for name in ("left", "top", "side")))
        picture = await pictures.take(_once(data), f"part of {whole.name}", "picture")
        picture.part = id
        return (await studio.open(picture)).public().plain()

    @app.post("/api/pictures/{id}/propose/{kind}")
    async def propose(id: str, kind: str) -> dict[str, Any]:
        """A mask of what seems to be damaged, to be corrected in the painter."""
        subject = pictures.get(id)
        data = await jobs.link.call(m.ProposeMask(str(pictures.path(subject)), kind))
        return (await studio.open(await pictures.take(_once(data), f"proposal, {kind}", "mask"))).public().plain()

    @app.get("/api/events")
    async def events() -> Response:
        return StreamingResponse(
            aiter(Stream(studio.events, jobs, pictures)),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    @app.post("/api/seconds")
    async def seconds(order: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """How long a job of that task, picture and settings would take on this computer, or one of a square of the picture; null
        where nobody knows. And the sentence with which it would be refused, by the server or the engine; null where it would not.
        """
        side = order.pop("side", None)
        if side is not None and not (isinstance(side, int) and 0 < side < 10**6):
            raise BadInput(f"side = {side!r} is not what it can be: the pixels of a square's side.")
        try:
            task, subject, checked = studio.ordered(order)
        except UntaughtError as error:
            return m.Prospect(refusal=str(error)).plain()
        samples, file, kind = None, "", ""
        if subject is not None:
            samples, file = str(await pictures.kept(subject)), str(pictures.path(subject))
            kind = subject.about.format if subject.about else ""
        call = m.ForetellJob(task, samples, file, kind, pictures.paths(checked), str(studio.folder / "speeds"), side)
        try:
            foretold: m.Prospect = await jobs.link.call(call)
        except UntaughtError:  # the engine ended over it, or met what it does not know: no word against the job
            return m.Prospect().plain()
        return {**foretold.plain(), "refusal": foretold.refusal and pictures.named(foretold.refusal)}

    @app.post("/api/recipes")
    async def recipe(request: Request) -> dict[str, Any]:
        """A recipe as the settings of a form; one that names files is refused, since files are handed in here."""
        from untaught.io.recipes import Recipe

        text = (await request.body())[:100_000].decode("utf-8", "replace")
        found = Recipe.from_toml(text, "This file")
        if found.files:
            names = ", ".join(found.files)
            raise BadInput(f"This recipe names files of a disk ({names}): choose the task and add those here.")
        known = {k: v for k, v in found.settings.items() if k not in forms.HIDDEN}
        return {"task": found.task, "settings": forms.check(found.task, known)}

    @app.post("/api/jobs")
    async def begin(order: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        task, subject, checked = studio.ordered(order)
        job = jobs.add(task, subject.id if subject else None, subject.name if subject else task, checked)
        return job.public().plain()

    @app.post("/api/jobs/{id}/unsure")
    async def unsure(id: str) -> dict[str, Any]:
        """A job that asks where the result of this one is unsure; its map is at its own /map.png and /map.tif."""
        return jobs.unsure(jobs.get(id)).public().plain()

    @app.post("/api/jobs/{id}/again/{how}")
    async def again(id: str, how: str) -> dict[str, Any]:
        job = jobs.get(id)
        settings = jobs.again(job, how)
        if how not in ("softer", "sharper", "seed") or settings is None:
            raise BadInput(f"'{job.task}' knows nothing to change for '{how}'.")
        return jobs.add(job.task, job.picture, job.name, settings).public().plain()

    @app.post("/api/jobs/{id}/{order}")
    async def order(id: str, order: str) -> dict[str, Any]:
        known = {"pause": jobs.pause, "resume": jobs.go_on, "stop": jobs.stop, "cancel": jobs.cancel}
        if order not in known:
            raise HTTPException(404)
        job = jobs.get(id)
        known[order](job)
        return job.public().plain()

    @app.delete("/api/jobs/{id}")
    async def remove(id: str) -> dict[str, Any]:
        jobs.remove(jobs.get(id))
        return {}

    def _known_example(name: str) -> tuple[str, str]:
        from untaught.studio.examples import EXAMPLES

        if name not in EXAMPLES:
            raise HTTPException(404)
        return EXAMPLES[name]

    app.include_router(routes(jobs, pictures))
    app.mount("/", StaticFiles(directory=STATIC, html=True))
    ours = {"127.0.0.1", "localhost", "[::1]", *hosts}
    return Guard(app, hosts=ours, token=studio.token, cookie=cookie)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
