"""Every full-size recipe of the paper, one after the other: the tables in one go, in pieces of a few minutes.

    python benchmarks/recipes.py DATA FOLDER [--minutes 9] [--device cuda] [--only denoise,upscale] [--list]

DATA is the folder of shared pictures. FOLDER gets a picture for each finished run, `recipes.csv` (our PSNR and SSIM beside the
published ones), and the state of the run that is under way: the same command goes on there, and does nothing once all is done.
About 117 000 steps: hours on a GPU, weeks on two CPU cores.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from untaught.bench.summary import published
from untaught.bench.table import hardware
from untaught.core.allocator import keep_memory
from untaught.core.machine import resolve_device
from untaught.core.registry import comparisons, tasks
from untaught.io import images
from untaught.solver.run import Run

HEADER = ("run", "steps", "seconds", "psnr", "ssim", "published DIP", "hardware")


@dataclass(frozen=True)
class Recipe:
    """name: of its row and picture. task, picture, settings: of the job, preset "paper". case: what scores it, if anything can."""

    name: str
    task: str
    picture: Any
    settings: dict[str, Any]
    case: Any = None


def recipes(data: Path) -> Iterator[Recipe]:
    """The tables' runs (scored), then the figures' (looked at)."""

    def scored(task: str, folder: str, names: tuple[str, ...], **options: Any) -> Iterator[Recipe]:
        paths = [data / folder / name for name in names]
        for case in comparisons.get(task).cases(paths, {"pairs": None, "reference": [], **options}):
            name = f"{task} {Path(case.name).stem} {case.level}"
            yield Recipe(name, task, case.input(0), dict(case.told), case)

    nine = ("image_F16_512rgb.png", "image_House256rgb.png", "image_Peppers512rgb.png", "kodim03.png")
    for level in (25, 50):
        yield from scored("denoise", "set9", nine, sigma=level / 255, noisy_from=data / "published")
    eleven = ("barbara.png", "house.png", "montage.png", "peppers256.png")
    yield from scored("inpaint", "inpaint11", eleven, missing=0.5, noisy_from=data / "published")
    for factor in (4.0, 8.0):
        yield from scored("upscale", "set5", ("baby_GT.bmp", "bird_GT.bmp", "butterfly_GT.bmp"), factor=factor)
        yield from scored("upscale", "set14", ("comic.bmp", "foreman.bmp", "monarch.bmp", "zebra.bmp"), factor=factor)
    dip = data / "dip"
    for name, recipe in (("kate", "text"), ("vase", "hole"), ("library", "region")):
        mask = str(dip / "inpainting" / f"{name}_mask.png")
        settings = {"mask": mask, "mask_keeps": True, "recipe": recipe}
        yield Recipe(f"inpaint {name}", "inpaint", dip / "inpainting" / f"{name}.png", settings)
    yield Recipe("dejpeg snail", "dejpeg", dip / "denoising" / "snail.jpg", {})
    flash = dip / "flash_no_flash"
    yield Recipe("flash cave", "flash", flash / "cave01_01_noflash.jpg", {"flash": str(flash / "cave01_00_flash.jpg")})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--only", default="")
    parser.add_argument(
        "--steps", type=int, help="fewer steps than the paper's: a trial, and its rows are no reproduction"
    )
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    keep_memory()
    device, end = resolve_device(options.device), time.monotonic() + 60 * options.minutes
    wanted = [r for r in recipes(options.data) if not options.only or r.task in options.only.split(",")]
    if options.list:
        print("\n".join(r.name for r in wanted))
        return
    options.folder.mkdir(exist_ok=True)
    table = options.folder / "recipes.csv"
    done = _done(table)
    for recipe in wanted:
        if recipe.name in done:
            continue
        row = carry_on(recipe, options.folder, device, options.steps, end)
        if row is None:
            print(f"{recipe.name} goes on next time")
            return
        with table.open("a", newline="") as file:
            if not done:
                csv.writer(file).writerow(HEADER)
            csv.writer(file).writerow(row)
        done.add(recipe.name)
        print(*row, sep=", ", flush=True)
    print(f"all {len(wanted)} are done: {table}")


def carry_on(recipe: Recipe, folder: Path, device: str, steps: int | None, end: float) -> list[Any] | None:
    """The finished row, or None where the time was up and the run was kept."""
    job = tasks.get(recipe.task).job(recipe.picture, **recipe.settings, preset="paper", device=device, steps=steps)
    run, state, taken = Run(job), folder / f"{recipe.name}.pt", 0.0
    if state.exists():
        kept = torch.load(state, weights_only=True, map_location=device)
        run.load_state_dict(kept["run"])
        taken = kept["taken"]
    begun = time.perf_counter()
    for _ in run:
        if time.monotonic() > end and not run.over:
            half = state.with_suffix(".part")
            torch.save({"run": run.state_dict(), "taken": taken + time.perf_counter() - begun}, half)
            half.replace(state)
            return None
    result = job.result(run.solution.x)
    seconds = taken + time.perf_counter() - begun
    images.write(folder / f"{recipe.name.replace(' ', '-').replace('%', 'percent')}.png", result)
    state.unlink(missing_ok=True)
    psnr, ssim, known = "", "", ""
    if recipe.case is not None:
        psnr, ssim = (f"{v:.3f}" for v in comparisons.get(recipe.task).score(result, recipe.case.clean))
        known = published(recipe.case, recipe.task).get("DIP, published", "")
    return [recipe.name, run.total, f"{seconds:.0f}", psnr, ssim, known, hardware(device)]


def _done(table: Path) -> set[str]:
    if not table.exists():
        return set()
    with table.open(newline="") as file:
        return {row["run"] for row in csv.DictReader(file)}


if __name__ == "__main__":
    main()
