"""Pre-images and activations, judged on the 8-bit result: by the layer, by the model, and by another model that never saw it.

    python benchmarks/features.py DATA OUT.csv [--task preimage|activate] [--presets fast,pixels,tv] [--steps N]
                                               [--pictures FOLDER [--sheets FOLDER]] [--limit SECONDS]

DATA is the folder of shared pictures; its `weights` hold SqueezeNet, the extra "features" EfficientNet-Lite0. A line is written
as soon as it is measured, and what OUT.csv already holds is not measured again. Pre-images: building.jpg, cosine similarity of
the layer's features, and the place of the original's class. Activations: five classes chosen before anything was measured (four of
them the paper's), the class's place for both models. --sheets draws what --pictures holds, a row for each model and preset.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import untaught
from untaught.bench.features import rank, similarities, top
from untaught.problem.classifiers import Loaded, load
from untaught.reports.labels import grid

FIELDS = (
    "task",
    "model",
    "what",
    "preset",
    "steps",
    "cosine",
    "place",
    "chance",
    "other",
    "other_place",
    "seconds",
    "threads",
)
MODELS = ("efficientnet_lite0", "squeezenet1_0")
CLASSES = {100: "black swan", 99: "goose", 31: "tree frog", 933: "cheeseburger", 985: "daisy"}
LAYERS = {
    "efficientnet_lite0": ("stem", "block2", "block5", "block10", "head", "_fc"),
    "squeezenet1_0": ("conv1", "fire2", "fire5", "fire9", "conv10"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--task", choices=("preimage", "activate"))
    parser.add_argument("--presets", default="fast,pixels,tv")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--sheets", type=Path)
    parser.add_argument("--limit", type=float, default=float("inf"))
    options = parser.parse_args()
    models = {name: load(name, options.data / "weights") for name in MODELS}
    done = set()
    if options.out.exists():
        with options.out.open(newline="") as file:
            done = {(line["task"], line["model"], line["what"], line["preset"]) for line in csv.DictReader(file)}
    begun = time.perf_counter()
    for task, name, what, preset in plan(options):
        if time.perf_counter() - begun > options.limit:
            break
        if (task, name, what, preset) not in done:
            measure(options, models, task, name, what, preset)
    if options.pictures and options.sheets:
        draw(options)


def kept(folder: Path, task: str, name: str, what: str, preset: str) -> Path:
    return folder / f"{task}-{name}-{what.replace(' ', '-')}-{preset}.png"


def draw(options: argparse.Namespace) -> None:
    """A row for each model and preset: the five classes; and for each model's own layers, the pre-images."""
    presets, names = options.presets.split(","), options.models.split(",")
    for task, wanted in (
        ("activate", [(names, list(CLASSES.values()))]),
        ("preimage", [([n], LAYERS[n]) for n in names]),
    ):
        for models, columns in wanted:
            rows = [[kept(options.pictures, task, n, w, p) for w in columns] for n in models for p in presets]
            shown = [[np.asarray(Image.open(path)) if path.exists() else None for path in row] for row in rows]
            if not any(cell is not None for row in shown for cell in row):
                continue
            sheet = grid(shown, columns=columns, names=[f"{n.split('_')[0]} {p}" for n in models for p in presets])
            single = task if task == "activate" else f"{task}-{models[0].split('_')[0]}"
            Image.fromarray(sheet).save(options.sheets / f"{single}.jpg", quality=85)


def plan(options: argparse.Namespace) -> list[tuple[str, str, str, str]]:
    rows = []
    for preset in options.presets.split(","):
        for name in options.models.split(","):
            if options.task != "preimage":
                rows += [("activate", name, title, preset) for title in CLASSES.values()]
            if options.task != "activate":
                rows += [("preimage", name, layer, preset) for layer in LAYERS[name]]
    return rows


def measure(
    options: argparse.Namespace, models: dict[str, Loaded], task: str, name: str, what: str, preset: str
) -> None:
    model, other = models[name], next(other for other in MODELS if other != name)
    settings: dict[str, Any] = {"model": model, "preset": preset, "steps": options.steps}
    begun, cosine = time.perf_counter(), ""
    if task == "activate":
        number = next(i for i, title in CLASSES.items() if title == what)
        job = untaught.activate.job(class_=number, **settings)
    else:
        original = np.asarray(Image.open(options.data / "dip" / "feature_inversion" / "building.jpg").convert("RGB"))
        number = top(model, original, 1)[0][0]
        job = untaught.preimage.job(original, layer=what, **settings)
    run = untaught.Run(job)
    for _ in run:
        pass
    result = job.result(run.solution.x)
    seconds = time.perf_counter() - begun
    if task == "preimage":
        cosine = f"{similarities(model, result, original)[model.layer(what)[0]]:.4f}"
    if options.pictures:
        options.pictures.mkdir(exist_ok=True)
        Image.fromarray(result).save(kept(options.pictures, task, name, what, preset))
    chances = dict(top(model, result, 1000))
    row = (task, name, what, preset, run.total, cosine, rank(model, result, number), f"{chances[number]:.3f}")
    row += (other, rank(models[other], result, number), f"{seconds:.0f}", torch.get_num_threads())
    fresh = not options.out.exists()
    with options.out.open("a", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([FIELDS, row] if fresh else [row])
    print(*row, flush=True)


if __name__ == "__main__":
    main()
