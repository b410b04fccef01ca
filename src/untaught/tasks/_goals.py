"""Which measurements of a layer are to be high, as a mask: a class, a channel, a neuron, a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untaught.core.errors import BadInput

if TYPE_CHECKING:
    from torch import Tensor

    from untaught.problem.classifiers import Loaded


def goal(
    model: Loaded,
    layer: str,
    *,
    channel: int | None,
    neuron: str | None,
    window: int | None,
    class_: str | int | None,
    notes: list[str],
) -> Tensor:
    """The mask, (1, *shape of the layer), 1 where a measurement is wanted; what it is of is told in `notes`.

    Exactly one of a class, a neuron, or a channel and a window together.
    """
    import torch

    named = [class_ is not None, neuron is not None, channel is not None or window is not None]
    if sum(named) != 1:
        what = "Nothing is named that" if not any(named) else "Two different things are named that"
        raise BadInput(f"{what} the picture should activate: give a class, a neuron, or a channel and (or) a window.")
    shape = model.layers[layer][1]
    mask = torch.zeros((1, *shape))
    if class_ is not None:
        number = model.number(class_)
        if layer != model.recipe.logits:
            raise BadInput(
                f"The classes are the channels of '{model.recipe.logits}', not of '{layer}': leave layer out."
            )
        mask[:, number] = 1
        notes.append(f"the goal is the class {model.title(number)}")
    elif neuron is not None:
        at = _numbers(neuron)
        if len(at) != len(shape):
            wanted = "channel,row,column" if len(shape) == 3 else "channel"
            raise BadInput(f"A neuron of '{layer}', which is {_sides(shape)}, is named as {wanted}, not as {neuron}.")
        _check(at, shape, layer)
        mask[(0, *at)] = 1
        notes.append(f"the goal is the neuron {neuron} of '{layer}'")
    else:
        _check([channel or 0], shape, layer)
        if window is not None and len(shape) != 3:
            raise BadInput(f"'{layer}' has no rows and columns, and so no window of them: name a channel alone.")
        spans = [slice(max(0, (n - (window or n)) // 2), (n - (window or n)) // 2 + (window or n)) for n in shape[1:]]
        mask[(slice(None), slice(None) if channel is None else channel, *spans)] = 1
        which = "all channels" if channel is None else f"channel {channel}"
        where = "" if window is None else f", within the middle {window} x {window},"
        notes.append(f"the goal is {which}{where} of '{layer}', which is {_sides(shape)}")
    return mask


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in str(text).strip("() ").split(",")]
    except ValueError:
        raise BadInput(f"'{text}' is no neuron: write channel,row,column, e.g. 7,3,3.") from None


def _check(at: list[int], shape: tuple[int, ...], layer: str) -> None:
    for which, i, n in zip(("channel", "row", "column"), at, shape, strict=False):
        if not 0 <= i < n:
            raise BadInput(f"'{layer}' has no {which} {i}: it has {n}, counted from 0.")


def _sides(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
