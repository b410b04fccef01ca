"""Which pictures look the same to a network: y = Phi(x0), A = Phi."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from untaught.core.types import Device, File, Picture, Seed, Steps
from untaught.tasks import task

if TYPE_CHECKING:
    from untaught.solver.stage import Job


@task
def preimage(
    picture: Picture,
    *,
    model: str = "efficientnet_lite0",
    layer: str | None = None,
    weights: File = None,
    preset: Literal["fast", "paper", "tv", "pixels"] = "fast",
    steps: Steps = None,
    seed: Seed = 0,
    device: Device = "auto",
) -> Job:
    """Find a picture that a layer of a classifier cannot tell from this one: what the layer knows, and what it has lost.

    Parameters
    ----------
    picture
        The picture, a file or an array (h, w) or (h, w, 3). The model sees its middle, scaled; so does the result.
    model
        A classifier by name (`untaught layers` lists them), one of torchvision's where that is installed; in Python also any
        torch.nn.Module of RGB pictures of 224 x 224, or of another size: untaught.classifiers.of_module(module, size=96).
    layer
        Its layer, as `untaught layers --model NAME` lists them or as papers call it (conv4, fc6). Each model has one of its
        own in the middle.
    weights
        The model's weights: a file (.safetensors, .npz, .pth) or a folder of such; else the folder that UNTAUGHT_WEIGHTS
        names, or an installed package. Nothing is downloaded.
    preset
        fast: a narrow network. paper: the exact recipe of the Deep Image Prior. tv, pixels: without a network, with total
        variation and with nothing, to compare with.
    """
    import torch

    from untaught.io import arrays
    from untaught.problem import Problem
    from untaught.problem.regularisers import TV, Sum
    from untaught.solver.result import Scaled
    from untaught.tasks import _features as parts
    from untaught.tasks._presets import Facts
    from untaught.tasks.preimage.presets import PRESETS, TV_WEIGHT

    notes: list[str] = []
    found = parts.model_of(model, weights, notes)
    name = parts.layer_of(found, layer, notes)
    size, canvas = found.recipe.size, parts.canvas_of(found, preset)
    x0, dtype = parts.seen(picture, size)
    plain = parts.operator_of(found, name, size)
    with torch.no_grad():
        data = plain(x0)
    # A layer's values have a scale of their own, and the weight must carry over from one to the next.
    regulariser = TV_WEIGHT * float(data.square().mean()) * TV() if preset == "tv" else Sum()
    operator = parts.operator_of(found, name, canvas)
    problem = Problem(data, operator, regulariser=regulariser, start=parts.start(canvas, seed))
    facts = Facts(problem, pictures=True, seed=seed, device=device, steps=steps)
    notes.append(f"the picture was made to look like the original to the layer '{name}' at {size} x {size}")
    full = arrays.full_scale(x0.new_empty(0).numpy().astype(dtype))
    judge = parts.Judge(plain, data, parts.class_of(found, x0), found.classes)
    finish = Scaled(parts.Shown(size, dtype, judge=judge), 0.0, full)
    return PRESETS.job(preset, facts, finish, notes)


preimage.local = False  # a layer sees all of a picture at once
