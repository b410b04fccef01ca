"""What a classifier says of finished pictures: their classes, and how alike two are to each of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from untaught.tasks._features import seen

if TYPE_CHECKING:
    from untaught.problem.classifiers import Loaded


def top(model: Loaded, picture: Any, count: int = 5) -> list[tuple[int, float]]:
    """The classes that the model sees in a picture, the likeliest first, as (number, probability)."""
    import torch

    with torch.no_grad():
        chances = model(seen(picture, model.recipe.size)[0])[0].softmax(0)
    found = chances.topk(min(count, len(chances)))
    return [(int(i), float(p)) for p, i in zip(*found, strict=True)]


def rank(model: Loaded, picture: Any, number: int) -> int:
    """The place of a class among all, from 1."""
    import torch

    with torch.no_grad():
        values = model(seen(picture, model.recipe.size)[0])[0]
    return int((values > values[number]).sum()) + 1


def similarities(model: Loaded, a: Any, b: Any) -> dict[str, float]:
    """The cosine of the angle between the features of two pictures, by layer: 1 where the layer cannot tell them apart."""
    import torch

    both = torch.cat([seen(picture, model.recipe.size)[0] for picture in (a, b)])
    found = {}
    for name, _, answer in model.answers(both):
        x, y = answer.double().flatten(1)
        found[name] = float((x @ y) / (x.norm() * y.norm()).clamp_min(1e-12))
    return found
