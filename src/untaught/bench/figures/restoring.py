"""What is looked at: a JPEG on its way from shapes to blocks, a dark photo with its flash as the code, detail made stronger."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.bench.figures._base import DB, DIP, Figure, Made, Panel, Reproduced, Runner, Size, Track
from untaught.bench.figures._pictures import Light, job_of, photo, small, told
from untaught.bench.metrics import psnr
from untaught.bench.networks import centre
from untaught.core.registry import tasks
from untaught.reports import labels

SNAIL = Light(900, "hourglass:down=8,16,32,64,128,skip=0,0,0,4,4")
MOMENTS = (50, 150, 400, 900, 2400)
LIT = Light(150, "hourglass:down=16,16,32,32,32,upsample=nearest", lr=0.01)


def _jpeg(size: Size) -> list[Panel]:
    name, pixels = photo(size, "dip/denoising/snail.jpg", "chelsea")
    clean = None
    if name == "chelsea":
        clean = centre(pixels, size.pixels(192))
        pixels = _compressed(clean)
    pixels = centre(pixels, size.pixels(192))

    def make(run: Runner) -> Made:
        job = job_of("dejpeg", pixels, {}, size, SNAIL)
        track, at = Track(moments=MOMENTS, every=10), told(job, SNAIL, size)
        solution = run(job, track)
        shown: dict[str, NDArray] = {"as decoded": pixels}
        shown |= {f"step {step}": job.result(x) for step, x in track.kept["pictures"].items()}
        shown["average"] = job.result(solution.x)
        rows, seconds = [], round(solution.seconds, 1)
        for method, x in shown.items():
            given = DB if clean is not None else "apart from the JPEG, RMS of 255"
            value = psnr(x, clean) if clean is not None else float(np.sqrt(np.mean((x - pixels.astype(float)) ** 2)))
            rows.append(Reproduced("jpeg", name, method, given, round(value, 3), at, seconds=seconds))
        return Made(rows, shown | ({"clean": clean} if clean is not None else {}))

    return [Panel("jpeg", make)]


def _compressed(clean: NDArray) -> NDArray:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(clean).save(file, "JPEG", quality=10)
    return np.asarray(Image.open(file).convert("RGB"))


def _flash(size: Size) -> list[Panel]:
    name, dark = photo(size, "dip/flash_no_flash/cave01_01_noflash.jpg", "coffee")
    bright = photo(size, "dip/flash_no_flash/cave01_00_flash.jpg", "coffee")[1]
    side = size.pixels(160)
    dark, bright = small(dark, side), small(bright, side)
    clean = None
    if name == "coffee":  # what a dark room leaves of it; the flash keeps shapes and loses colours
        clean = np.rint(0.4 * dark).astype(np.uint8)
        noise = np.random.default_rng(size.seed).normal(0, 12, dark.shape)
        dark = np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)
        bright = np.repeat(bright.mean(-1, keepdims=True), 3, -1).astype(np.uint8)

    def make(run: Runner) -> Made:
        job = job_of("flash", dark, {"flash": bright}, size, LIT)
        solution, at = run(job, Track(every=10)), told(job, LIT, size)
        result, seconds = job.result(solution.x), round(solution.seconds, 1)
        rows = []
        for method, x in (("no flash", dark), (DIP, result)):
            grain = float(np.mean(np.abs(np.diff(x.astype(float), axis=1))))
            what, value = ("mean step between neighbours, of 255", grain) if clean is None else (DB, psnr(x, clean))
            rows.append(Reproduced("flash", name, method, what, round(value, 3), at, seconds=seconds))
        shown = {"no flash": dark, "flash": bright, DIP: result}
        return Made(rows, shown | ({"clean": clean} if clean is not None else {}))

    return [Panel("flash", make)]


def _enhanced(size: Size) -> list[Panel]:
    from untaught.tasks.enhance.presets import MOMENTS as NAMED

    name, pixels = photo(size, "set9/image_F16_512rgb.png", "astronaut")
    picture = centre(pixels, size.pixels(160, 512))

    def make(detail: str, moment: int, run: Runner) -> Made:
        preset = "paper" if size.full else "fast"
        steps = size.taken(moment, moment)
        job = tasks.get("enhance").job(
            picture, detail=detail, preset=preset, steps=steps, seed=size.seed, device=size.device
        )
        solution = run(job, Track(every=10))
        base = np.moveaxis(solution.x[0].cpu().numpy(), 0, -1)
        base = np.rint(255 * base.clip(0, 1)).astype(np.uint8)
        strength = float(np.std(picture.astype(float) - base))
        at = f"{picture.shape[0]} x {picture.shape[1]}, {steps} steps"
        what = "deviation of the detail, of 255"
        row = Reproduced(detail, name, detail, what, round(strength, 2), at, seconds=round(solution.seconds, 1))
        return Made([row], {"the photo": picture, "base": base, "result": job.result(solution.x)})

    return [Panel(detail, partial(make, detail, moment)) for detail, moment in NAMED.items()]


def _bases(made: Mapping[str, Made]) -> NDArray:
    one = next(iter(made.values())).pictures["the photo"]
    rows: list[list[Any]] = [[one, *(m.pictures["base"] for m in made.values())]]
    rows.append([None, *(m.pictures["result"] for m in made.values())])
    columns = ["the photo", *(f"{name}: {m.rows[0].at.split(', ')[1]}" for name, m in made.items())]
    caption = "Above the base that the network has drawn by then, below the photo plus what the base lacks."
    return labels.grid(rows, columns=columns, caption=caption)


FIGURES = (
    Figure(
        "fig3",
        "figure 3",
        "A JPEG's blocks, removed and fitted again",
        "The network is fitted to the pixels of a JPEG. It draws the picture before the blocks, so that there is a "
        "moment, in the paper at about 2400 steps, at which the blocks are gone; with many more steps they come "
        "back.",
        _jpeg,
    ),
    Figure(
        "fig10",
        "figure 10",
        "A dark photo and its flash",
        "z is the photo with flash: what that shows is easy to say. The result has the light of the dark photo and "
        "the shapes of the other.",
        _flash,
    ),
    Figure(
        "enhancement",
        "IJCV 2020",
        "Detail made stronger",
        "After few steps the network has drawn a coarse picture; what the photo has beyond it is its detail, and "
        "more of that is added: texture alone where the base is late, larger shapes where it is early.",
        _enhanced,
        _bases,
    ),
)
