"""What is known of a classifier, and what it is once its weights are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from untaught.core.errors import BadInput, unknown

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Classifier:
    """A network that was taught to tell classes apart, as a value without weights.

    build: makes the module, (b, 3, h, w) -> (b, classes); False asks for the convolutions alone, True for all of it.
    size: the side of the square it was taught with. mean, std: what is taken off RGB in [0, 1], and divided by, first.
    logits: the layer whose channels are the classes, before anything that could hide their gradient.
    layer: the one that is taken where none is named, somewhere in the middle.
    head: how the names of the weights begin that a file of features alone lacks.
    aliases: other names of layers, as papers call them.
    stems: how files of its weights are called in a folder. installed: where a package has put them; extra: which one.
    source: the paper.
    """

    name: str
    build: Callable[[bool], nn.Module]
    source: str
    stems: tuple[str, ...]
    logits: str
    layer: str = ""
    head: str = "classifier."
    size: int = 224
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    aliases: dict[str, str] = field(default_factory=dict)
    installed: Callable[[], Path | None] | None = None
    extra: str | None = None
    classes: tuple[str, ...] = ()

    def normalise(self, x: Tensor) -> Tensor:
        """RGB in [0, 1], (b, 3, h, w), as the network was taught to see it."""
        mean, std = (torch.tensor(v, dtype=x.dtype, device=x.device).view(1, -1, 1, 1) for v in (self.mean, self.std))
        return (x - mean) / std


@dataclass(frozen=True, eq=False)
class Loaded:
    """A classifier with its weights, in evaluation mode. classes: one name a class, or none where no list was found.

    whole: False where the weights end with the convolutions. weights: where they came from, for notes.
    """

    recipe: Classifier
    module: nn.Module
    weights: str
    whole: bool = True
    classes: tuple[str, ...] = ()

    def __call__(self, x: Tensor) -> Tensor:
        """The classes' values, (b, classes), of RGB pictures in [0, 1], (b, 3, size, size)."""
        self._refuse_without_head()
        return self.module(self.recipe.normalise(x))

    def answers(self, x: Tensor) -> Iterator[tuple[str, str, Tensor]]:
        """(name, kind, answer) of every layer to RGB pictures in [0, 1], in the order in which they are used."""
        found: list[tuple[str, str, Tensor]] = []

        def note(name: str) -> Callable[..., None]:
            def hook(module: nn.Module, _: object, result: object) -> None:
                if isinstance(result, Tensor):
                    found.append((name, type(module).__name__, result.clone()))  # the next may work in place

            return hook

        handles = [part.register_forward_hook(note(name)) for name, part in self.module.named_modules() if name]
        try:
            with torch.no_grad():
                self.module(self.recipe.normalise(x))
        finally:
            for handle in handles:
                handle.remove()
        first = {name: i for i, (name, _, _) in reversed(list(enumerate(found)))}
        return (answer for i, answer in enumerate(found) if first[answer[0]] == i)

    @cached_property
    def layers(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """By name, in the order in which they are used: the kind of each layer and the shape of what it makes, (c, *space)."""
        x = next(self.module.parameters()).new_zeros(1, 3, self.recipe.size, self.recipe.size)
        return {name: (kind, tuple(answer.shape[1:])) for name, kind, answer in self.answers(x)}

    def layer(self, name: str) -> tuple[str, str | None]:
        """The name of a layer that there is, and a sentence where another one stands in for it.

        `BadInput` with the nearest name where there is none.
        """
        own = self.recipe.aliases.get(name, name)
        if own in self.layers:
            return own, None
        if not self.whole and (own.startswith(self.recipe.head) or own == self.recipe.logits):
            last = [n for n, (_, shape) in self.layers.items() if len(shape) == 3 and n.startswith("features.")][-1]
            return last, (
                f"these weights of {self.recipe.name} end with its convolutions, so that there is no '{name}': its last "
                f"convolutional layer, '{last}', stands in for it"
            )
        raise unknown(f"layer of {self.recipe.name}", name, [*self.layers, *self.recipe.aliases])

    def number(self, name: str | int) -> int:
        """The number of a class, given as a number or by (one of) its names; `BadInput` with the nearest name."""
        self._refuse_without_head()
        count = self.layers[self.recipe.logits][1][0]
        text = str(name).strip()
        if text.lstrip("-").isdigit():
            if not 0 <= int(text) < count:
                raise BadInput(f"There is no class {text}: {self.recipe.name} has the classes 0 to {count - 1}.")
            return int(text)
        if not self.classes:
            raise BadInput(
                f"The class '{text}' cannot be looked up, since no list of names lies beside the weights: give its number, "
                f"0 to {count - 1}, or put imagenet_classes.txt (one name a line) into that folder."
            )
        each = [[part.strip().lower() for part in line.split(",")] for line in self.classes]
        for accept in (lambda parts: text.lower() == ", ".join(parts), lambda parts: text.lower() in parts):
            if hits := [i for i, parts in enumerate(each) if accept(parts)]:
                if len(hits) > 1:
                    raise BadInput(f"Two classes are called '{text}': give the number, {hits[0]} or {hits[1]}.")
                return hits[0]
        raise unknown("class", text.lower(), [part for parts in each for part in parts])

    def title(self, number: int) -> str:
        """ "100 (black swan)", or the number alone."""
        return f"{number} ({self.classes[number].split(',')[0]})" if number < len(self.classes) else str(number)

    def _refuse_without_head(self) -> None:
        if not self.whole:
            raise BadInput(
                f"These weights of {self.recipe.name} end with its convolutions and know no classes: take another model, "
                "such as efficientnet_lite0 or squeezenet1_0, or a whole file with --weights."
            )


def of_module(module: nn.Module, *, size: int = 224, logits: str = "") -> Loaded:
    """Any module of the user's as a classifier: ImageNet's mean and deviation, and the last layer's channels as classes."""
    names = [name for name, _ in module.named_modules() if name]
    last = logits or (names[-1] if names else "")
    recipe = Classifier(type(module).__name__, lambda whole: module, "the caller's own", (), last, head="\0", size=size)
    return Loaded(recipe, module, "the caller's own")
