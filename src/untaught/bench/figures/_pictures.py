"""The paper's pictures, or scikit-image's in their place; and its recipes on them, at full size or light enough for a CPU."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from untaught.bench import summary
from untaught.bench.case import Case
from untaught.bench.cases import eight, picture, plain
from untaught.bench.figures._base import DB, DIP, Made, Panel, Reproduced, Runner, Size, Track
from untaught.bench.impedance import reduced
from untaught.bench.networks import centre
from untaught.core.registry import comparisons, networks, tasks

if TYPE_CHECKING:
    from untaught.solver.stage import Job, Solve


@dataclass(frozen=True)
class Light:
    """What becomes of a recipe on a CPU: so many steps of another network. lr: of Adam, where the recipe's own wants more steps.

    full, full_lr: of the figures whose networks differ, that of the full size, and its own rate.
    """

    steps: int
    net: str = "hourglass:down=32,32,32,32,32"
    lr: float | None = None
    full: str = "preset"
    full_lr: float | None = None


def photo(size: Size, path: str, instead: str) -> tuple[str, NDArray]:
    """(name, 8-bit samples) of a picture of the paper, or of scikit-image's where the folder has it not."""
    if size.data is not None and (file := size.data / path).exists():
        return plain(file.stem), eight(picture(file))
    from skimage import data

    return instead, np.asarray(getattr(data, instead)())


def small(pixels: NDArray, side: int) -> NDArray:
    """The whole picture with at most so many pixels a side, 8 bit."""
    return np.rint(255 * reduced(pixels, side)).astype(np.uint8) if max(pixels.shape[:2]) > side else pixels


def cases(task: str, wanted: Mapping[str, str], size: Size, side: int, **options: Any) -> list[Case]:
    """Damaged pictures for a comparison: of each path, or what stands in for it, the middle `side` pixels."""
    from PIL import Image

    published = None if size.data is None else size.data / "published"
    with tempfile.TemporaryDirectory() as folder:
        paths, own = [], 0
        for path, instead in wanted.items():
            name, pixels = photo(size, path, instead)
            own += name != instead
            pixels = centre(pixels, size.pixels(side))
            paths.append(Path(folder) / f"{Path(path).stem if name != instead else name}.png")
            Image.fromarray(pixels).save(paths[-1])
        if size.full and own and published is not None and published.is_dir() and task != "upscale":
            options["noisy_from"] = published
        return comparisons.get(task).cases(paths, {"pairs": None, "reference": [], **options})


def job_of(task: str, given: Any, settings: Mapping[str, Any], size: Size, light: Light) -> Job:
    """The paper's recipe of a task at that size: as it is, or in its light form; with fewer steps for a trial."""
    from untaught.core.parsing import parse
    from untaught.solver.stopping import After

    job: Job = tasks.get(task).job(given, **settings, preset="paper", seed=size.seed, device=size.device)
    net, lr = (light.full, light.full_lr) if size.full else (light.net, light.lr)

    def changed(stage: Solve) -> Solve:
        method, steps = stage.method, size.taken(stage.steps or light.steps, light.steps)
        prior = (
            method.prior if net == "preset" else method.prior.with_net(parse(net, dict(networks.items()), "network"))
        )
        adam = method.optimiser if lr is None else replace(method.optimiser, lr=lr)  # type: ignore[type-var]
        stop = method.stop if size.full and size.steps is None else After(steps)
        return stage.changed(prior=prior, optimiser=adam, stop=stop)

    return replace(job, stages=tuple(changed(stage) for stage in job.stages))  # type: ignore[arg-type]


def told(job: Job, light: Light, size: Size) -> str:
    """The size of the picture, the network and the steps of a job, for a cell of the table."""
    net = (light.full if light.full != "preset" else "the paper's network") if size.full else light.net
    steps = sum(stage.steps or 0 for stage in job.stages)
    return f"{' x '.join(map(str, job.problem.image_shape[2:]))}, {net}, {steps} steps"


def published(task: str, level: str, name: str) -> dict[str, tuple[float, str]]:
    """By method, a published figure of a picture, and the size that it was measured at."""
    return {
        line["method"]: (float(line["psnr"]), f"{line['height']} x {line['width']}")
        for line in summary.tabulated()
        if (line["task"], line["level"], line["picture"]) == (task, level, plain(Path(name).stem))
    }


def scored(
    task: str, case: Case, size: Size, light: Light, *, classics: Sequence[str] = (), moments: Iterable[int] = ()
) -> Panel:
    """A panel of a damaged picture whose clean one is known: the input, classics, the Deep Image Prior, the clean one; published
    figures beside ours. With moments the trajectory is noted, and the network's picture at those steps is shown."""
    comparison = comparisons.get(task)
    known, shape = published(task, case.level, case.name), " x ".join(map(str, case.clean.shape[:2]))
    names = {"tv": "TV", "bicubic": "bicubic", "nlm": "NLM", "no prior": "no prior", "bm3d": "CBM3D"}

    def make(run: Runner) -> Made:
        given, left = case.input(size.seed), dict(known)
        rows: list[Reproduced] = []
        pictures: dict[str, NDArray] = {}

        def add(method: str, result: NDArray, at: str, seconds: float | None = None, label: str = "") -> None:
            decibels = comparison.score(result, case.clean)[0]
            theirs, their_size = left.pop("DIP" if method == DIP else names.get(method, method), (None, ""))
            rows.append(
                Reproduced(case.name, plain(case.name), method, DB, round(decibels, 3), at, theirs, their_size, seconds)
            )
            pictures[f"{label or method}\n{decibels:.2f} dB"] = result

        add(comparison.start, comparison.show(given, case), shape)
        told_all = {**case.told, "clean": case.clean}
        for name in classics:
            classic = comparison.baselines[name]
            if classic.missing is None:
                add(name, comparison.run(classic, given, told_all), shape)
        job = job_of(task, given, case.told, size, light)
        track = Track()
        if at := tuple(moments):
            most = max(1, sum(stage.steps or 0 for stage in job.stages))
            track = Track(case.clean / 255, tuple(m for m in at if m < most), max(1, most // 1000))
        solution = run(job, track)
        for step, x in track.kept["pictures"].items():
            add(f"{DIP}, network at step {step}", job.result(x), shape, label=f"step {step}")
        add(DIP, job.result(solution.x), told(job, light, size), round(solution.seconds, 1))
        pictures["clean"] = case.clean
        for method, (theirs, their_size) in left.items():
            rows.append(Reproduced(case.name, plain(case.name), method, DB, None, "", theirs, their_size))
        return Made(rows, pictures, track.curves)

    return Panel(case.name, make)
