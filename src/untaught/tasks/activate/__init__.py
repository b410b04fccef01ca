"""What a part of a network likes best: y = the mask of that part, A = Phi, E = what the mask picks out, negated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from untaught.core.types import Device, File, Ge, Gt, Seed, Steps
from untaught.tasks import task

if TYPE_CHECKING:
    from untaught.solver.stage import Job


@task
def activate(
    *,
    model: str = "efficientnet_lite0",
    layer: str | None = None,
    channel: Annotated[int | None, Ge(0)] = None,
    neuron: str | None = None,
    window: Annotated[int | None, Ge(1)] = None,
    class_: str | None = None,
    target: Annotated[float | None, Gt(0)] = None,
    disc: bool = False,
    weights: File = None,
    preset: Literal["fast", "paper", "tv", "pixels"] = "fast",
    steps: Steps = None,
    seed: Seed = 0,
    device: Device = "auto",
) -> Job:
    """Make the picture that a class, a channel or a neuron of a classifier likes best. There is no picture to start from.

    Parameters
    ----------
    model
        A classifier by name (`untaught layers` lists them), one of torchvision's where that is installed; in Python also any
        torch.nn.Module of RGB pictures of 224 x 224, or of another size: untaught.classifiers.of_module(module, size=96).
    layer
        Its layer, as `untaught layers --model NAME` lists them or as papers call it (conv4, fc6). Each model has one of its
        own in the middle; a class needs none.
    channel
        A channel of the layer, from 0.
    neuron
        One neuron, as channel,row,column: 7,3,3; of a layer without rows, as channel.
    window
        Only the middle so many rows and columns of the channel (of all channels, where none is named).
    class_
        A class, by its number or by name where a list of names lies beside the weights: "black swan".
    target
        Bring it to this value instead of as high as it goes: the paper uses 300 for a class.
    disc
        Draw in a circle, with grey around it.
    weights
        The model's weights: a file (.safetensors, .npz, .pth) or a folder of such; else the folder that UNTAUGHT_WEIGHTS
        names, or an installed package. Nothing is downloaded.
    preset
        fast: a narrow network. paper: the exact recipe of the Deep Image Prior. tv, pixels: without a network, with total
        variation and with nothing, to compare with.
    """
    from untaught.problem import Problem
    from untaught.problem.likelihoods import Reward
    from untaught.problem.regularisers import TV, Sum
    from untaught.solver.result import Scaled
    from untaught.tasks import _features as parts
    from untaught.tasks._goals import goal
    from untaught.tasks._presets import Facts
    from untaught.tasks.activate.presets import PRESETS, TV_WEIGHT

    notes: list[str] = []
    found = parts.model_of(model, weights, notes)
    if class_ is not None and layer is None:
        found.number(class_)  # refuses, before the layer could, a model without classes
        layer = found.recipe.logits
    name = parts.layer_of(found, layer, notes)
    # At half the size the network costs a quarter, and what excites one model alone, fine grain, cannot be drawn.
    canvas = found.recipe.size // 2 if preset == "fast" else parts.canvas_of(found, preset)
    operator = parts.operator_of(found, name, canvas, disc=disc)
    mask = goal(found, name, channel=channel, neuron=neuron, window=window, class_=class_, notes=notes)
    regulariser = TV_WEIGHT * TV() if preset == "tv" else Sum()
    problem = Problem(mask, operator, Reward(target), regulariser, weight=mask, start=parts.start(canvas, seed))
    facts = Facts(problem, pictures=True, seed=seed, device=device, steps=steps)
    judge = None
    if class_ is not None:
        judge = parts.Judge(
            parts.operator_of(found, name, found.recipe.size), None, found.number(class_), found.classes
        )
    finish = Scaled(parts.Shown(found.recipe.size, "uint8", disc, judge), 0.0, 255.0)
    return PRESETS.job(preset, facts, finish, notes)
