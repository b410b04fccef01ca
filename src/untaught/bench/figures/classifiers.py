"""Figure 9 and activation maximisation: what a classifier's layers keep of a picture, and what its classes look like to it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from numpy.typing import NDArray

from untaught.bench.features import rank, similarities, top
from untaught.bench.figures._base import DIP, Figure, Made, Panel, Reproduced, Runner, Size, Track
from untaught.bench.figures._pictures import photo
from untaught.core.errors import BadInput
from untaught.core.registry import tasks
from untaught.reports import labels

LAYERS = {"alexnet": ("conv1", "conv3", "conv5"), "efficientnet_lite0": ("stem", "block5", "block10")}
CLASSES = {100: "black swan", 933: "cheeseburger"}


def model(size: Size, *names: str) -> Any:
    """The first of these classifiers whose weights are here: in the paper's folder, or installed."""
    from untaught.problem.classifiers import load

    said = ""
    for name in names:
        for weights in (None if size.data is None else size.data / "weights", None):
            try:
                return load(name, weights)
            except BadInput as error:
                said = str(error)
    raise BadInput(f"This figure needs a trained classifier. {said}")


def _inverted(size: Size) -> list[Panel]:
    found = model(size, "alexnet", "efficientnet_lite0")
    name, pixels = photo(size, "dip/feature_inversion/building.jpg", "coffee")
    layers = LAYERS[found.recipe.name]
    presets = {"no prior": ("pixels", 150), "TV": ("tv", 150), DIP: ("paper" if size.full else "fast", 150)}

    def make(layer: str, method: str, run: Runner) -> Made:
        preset, few = presets[method]
        steps = size.taken(3100, few)
        job = tasks.get("preimage").job(
            pixels, model=found, layer=layer, preset=preset, steps=steps, seed=size.seed, device=size.device
        )
        solution = run(job, Track(every=10))
        result = job.result(solution.x)
        alike = similarities(found, result, pixels)[found.layer(layer)[0]]
        at = f"{found.recipe.name}, {steps} steps"
        what, seconds = "cosine of the layer's features to the picture's", round(solution.seconds, 1)
        row = Reproduced(f"{layer}, {method}", name, f"{layer}, {method}", what, round(alike, 4), at, seconds=seconds)
        return Made([row], {"picture": pixels, "result": result})

    return [Panel(f"{layer}, {method}", partial(make, layer, method)) for layer in layers for method in presets]


def _excited(size: Size) -> list[Panel]:
    found = model(size, "efficientnet_lite0", "squeezenet1_0")

    def make(number: int, word: str, run: Runner) -> Made:
        steps = size.taken(3100, 300)
        preset = "paper" if size.full else "fast"
        job = tasks.get("activate").job(
            model=found, class_=str(number), preset=preset, steps=steps, seed=size.seed, device=size.device
        )
        solution = run(job, Track(every=10))
        result, at = job.result(solution.x), f"{found.recipe.name}, {steps} steps"
        chance = dict(top(found, result, 1000))[number]
        seconds = round(solution.seconds, 1)
        rows = [
            Reproduced(
                word, word, found.recipe.name, "probability of the class", round(chance, 4), at, seconds=seconds
            ),
            Reproduced(word, word, found.recipe.name, "place of the class of 1000", rank(found, result, number), at),
        ]
        return Made(rows, {f"{word}\np = {chance:.3f}": result})

    return [Panel(word, partial(make, number, word)) for number, word in CLASSES.items()]


def _layers(made: Mapping[str, Made]) -> NDArray:
    whole: dict[str, dict[str, NDArray]] = {}
    for name, m in made.items():
        layer, method = name.split(", ")
        whole.setdefault(method, {})[layer] = m.pictures["result"]
    columns = list(next(iter(whole.values())))
    rows = [[mine.get(layer) for layer in columns] for mine in whole.values()]
    return labels.grid(rows, columns=columns, names=list(whole))


def _one_row(made: Mapping[str, Made]) -> NDArray:
    shown = {label: x for m in made.values() for label, x in m.pictures.items()}
    return labels.grid([list(shown.values())], columns=list(shown))


FIGURES = (
    Figure(
        "fig9",
        "figure 9",
        "Natural pre-images of a classifier's layers",
        "Each picture looks to that layer as the photo does. Without a prior it is noise, with total variation "
        "patches; a network's is natural, and shows what the layer has lost: in deep layers where things are, and "
        "their detail.",
        _inverted,
        _layers,
    ),
    Figure(
        "activation",
        "IJCV 2020",
        "What a classifier takes for a class",
        "The picture that excites one class most, with the network as the only prior.",
        _excited,
        _one_row,
    ),
)
