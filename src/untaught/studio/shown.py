"""What is shown of pictures and jobs, and handed out of them: previews, tiles, moments, results, maps, reports."""

from __future__ import annotations

import asyncio
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException

from untaught.core.errors import BadInput
from untaught.studio import messages as m
from untaught.studio.jobs import Jobs
from untaught.studio.pictures import Pictures, Upload
from untaught.studio.shelf import Entry

FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
MANY = 500  # results in one file at most
EXTENSIONS = {"PNG": "png", "JPEG": "jpg", "TIFF": "tif", "WEBP": "webp", "NPY": "npy"}


def routes(jobs: Jobs, pictures: Pictures) -> APIRouter:
    """All of them are GETs by an id."""
    router = APIRouter()

    @router.get("/api/pictures/{id}/{kind}.jpg")
    async def preview(id: str, kind: str) -> Response:
        if kind not in ("preview", "thumb"):
            raise HTTPException(404)
        return FileResponse(pictures.shown(pictures.get(id), kind), media_type="image/jpeg", headers=FOREVER)

    @router.get("/api/pictures/{id}/tiles/{level}/{column}/{row}.png")
    async def tile_of_picture(id: str, level: int, column: int, row: int) -> Response:
        subject = pictures.get(id)
        return await asyncio.to_thread(_tile, subject, await pictures.kept(subject), level, column, row)

    @router.get("/api/pictures/{id}/mask.png")
    async def mask(id: str) -> Response:
        """The file of a mask as it was handed in, so that the painter can go on with it."""
        found = pictures.get(id)
        if found.role != "mask" or found.about is None or found.about.format != "PNG":
            raise HTTPException(404)
        return FileResponse(pictures.path(found), media_type="image/png", headers=FOREVER)

    @router.get("/api/jobs/{id}/map.{extension}")
    async def map_of(id: str, extension: str) -> Response:
        job = jobs.get(id)
        said = f"There is no map '{extension[:10]}' of this job, which is {job.state}: ask for one first."
        path = _made(jobs.place(job) / f"unsure.{extension}", said, "png", "tif")
        if extension == "png":
            return FileResponse(path, media_type="image/png", headers=FOREVER)
        return FileResponse(path, filename=f"{_stem(job)}.unsure.tif", media_type="image/tiff")

    @router.get("/api/jobs/{id}/frames/{n}.jpg")
    async def frame(id: str, n: int) -> Response:
        path = _made(jobs.place(jobs.get(id)) / f"{n}.jpg", f"The picture {n} is not kept any more: take a newer one.")
        return FileResponse(path, media_type="image/jpeg", headers=FOREVER)

    @router.get("/api/jobs/{id}/tiles/{n}/{level}/{column}/{row}.png")
    def tile_of_job(id: str, n: int, level: int, column: int, row: int) -> Response:
        """Of the result, or of a moment that is kept in full depth; n: the number of its picture."""
        job = jobs.get(id)
        name = "result" if job.result is not None and job.result.n == n else str(n)
        subject = pictures.all.get(job.picture) if job.picture else None
        return _tile(subject, jobs.place(job) / f"{name}.npy", level, column, row)

    @router.get("/api/jobs/{id}/recipe.toml")
    async def recipe_of(id: str) -> Response:
        job = jobs.get(id)
        said = f"The recipe is written when the job is done, and it is {job.state}."
        path = _made(jobs.place(job) / "recipe.toml", said)
        return FileResponse(path, filename=f"{_stem(job)}.untaught.toml", media_type="application/toml")

    @router.get("/api/jobs/{id}/report.{extension}")
    async def report_of(id: str, extension: str) -> Response:
        """How far the result can be trusted, and why: a page, or figures (JSON)."""
        job = jobs.get(id)
        said = f"There is no report '{extension[:10]}' of this job, which is {job.state}."
        path = _made(jobs.place(job) / f"report.{extension}", said, "html", "json")
        return FileResponse(path, filename=f"{_stem(job)}.report.{extension}")

    @router.get("/api/jobs/{id}/result.{extension}")
    async def result(
        id: str,
        extension: str,
        moment: int | None = None,
        brightness: float = 1.0,
        colour: float = 1.0,
        quality: int | None = None,
        side: int | None = None,
        bare: bool = False,
    ) -> Response:
        """In full depth, the result or a kept moment, in the format that the extension names, as `Export` says."""
        job = jobs.get(id)
        if extension not in EXTENSIONS.values():
            raise BadInput(f"There is no result as '{extension[:10]}': it is one of {', '.join(EXTENSIONS.values())}.")
        for name, value, low, high in (
            ("brightness", brightness, 0, 1), ("colour", colour, 0, 1), ("quality", quality, 1, 100), ("side", side, 1, 10**6),
        ):  # fmt: skip
            if value is not None and not low <= value <= high:
                raise BadInput(f"{name} = {value:g} is not what it can be: from {low} to {high}.")
        target = await _encoded(job, extension, moment, m.Export(brightness, colour, quality, side, bare))
        at = "" if moment is None else f".{moment}"
        return FileResponse(target, filename=f"{_stem(job)}.untaught{at}.{extension}")

    @router.get("/api/zip")
    async def all_of(ids: Annotated[str, Query(alias="jobs")]) -> Response:
        """The results of several jobs in one file, each in the format that it came in."""
        made: dict[str, Path] = {}
        for job in [jobs.get(id) for id in dict.fromkeys(ids.split(",")[:MANY])]:
            source = pictures.all.get(job.picture) if job.picture else None
            ending = EXTENSIONS.get(source.about.format if source and source.about else "PNG", "png")
            name, stem = f"{_stem(job)}.untaught.{ending}", _stem(job)
            while name in made:
                stem += "-2"
                name = f"{stem}.untaught.{ending}"
            made[name] = await _encoded(job, ending)
        file = tempfile.TemporaryFile(dir=jobs.shelf.folder)  # noqa: SIM115 - it is gone when it has been sent
        await asyncio.to_thread(_packed, file, made)
        length, date = file.tell(), time.strftime("%Y-%m-%d")
        headers = {"Content-Length": str(length), "Content-Disposition": f'attachment; filename="untaught-{date}.zip"'}
        return StreamingResponse(_read(file), media_type="application/zip", headers=headers)

    async def _encoded(job: Entry, extension: str, moment: int | None = None, how: m.Export | None = None) -> Path:
        """The file of a result; of what was tried on the way to one that is as somebody wants it, only the last is kept."""
        place, how = jobs.place(job), how or m.Export()
        samples = place / ("result.npy" if moment is None else f"{moment}.npy")
        if not samples.is_file():
            what = "result" if moment is None else f"picture in full depth of moment {moment}"
            raise BadInput(f"There is no {what} of this job, which is {job.state}.")
        own = (
            ""
            if how == m.Export()
            else f".as-{how.brightness:.3f}-{how.colour:.3f}-{how.quality}-{how.side}-{how.bare}"
        )
        target = place / f"{samples.stem}{own}.out.{extension}"
        if not target.is_file():
            for other in place.glob("*.as-*.out.*"):
                other.unlink(missing_ok=True)
            source = pictures.all.get(job.picture) if job.picture else None
            like = str(pictures.path(source)) if source else None
            beside = str(place / ("recipe.toml" if moment is None else "none"))
            await jobs.link.call(m.EncodeResult(str(samples), like, beside, str(target), job.opaque, how))
        return target

    def _tile(subject: Upload | None, samples: Path, level: int, column: int, row: int) -> Response:
        """A tile as the eye is shown the picture that was handed in, so that before and after compare."""
        from untaught.studio.previews import Eye
        from untaught.studio.tiles import profile, tile

        about = subject.about if subject else None
        eye = Eye(*about.shown, about.stretched) if about and about.shown else None
        icc = profile(pictures.shown(subject, "preview")) if subject else None
        return Response(tile(samples, eye, level, column, row, icc), media_type="image/png", headers=FOREVER)

    return router


def _packed(file: IO[bytes], made: dict[str, Path]) -> None:
    """As they are: pictures are compressed already."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as pack:
        for name, path in made.items():
            pack.write(path, name)
    file.seek(0, 2)


def _read(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while some := file.read(1 << 18):
            yield some


def _made(path: Path, said: str, *endings: str) -> Path:
    """A file of a job that is there, and ends in one of these, if they are given; otherwise `BadInput`: what is said."""
    if (endings and path.suffix[1:] not in endings) or not path.is_file():
        raise BadInput(said)
    return path


def _stem(job: Entry) -> str:
    """Of a download's name: what was handed in, without its ending."""
    stem = Path(job.name).stem if "." in job.name else job.name
    return stem.replace(",", "").replace(" ", "-")[:80] or "picture"
