"""What the two tasks with a classifier share: the model of the caller's choice, a picture as it sees one, its layer's data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from untaught.core.errors import BadInput
from untaught.io import arrays
from untaught.io.results import Layout
from untaught.solver.result import Result

if TYPE_CHECKING:
    from torch import Tensor, nn

    from untaught.problem.classifiers import Loaded
    from untaught.problem.operators import Operator


def model_of(model: str | nn.Module | Loaded, weights: Any, notes: list[str]) -> Loaded:
    """The classifier of that name with its weights, or the caller's own module."""
    from untaught.problem import classifiers

    if not isinstance(model, str):
        return model if isinstance(model, classifiers.Loaded) else classifiers.of_module(model)
    found = classifiers.load(model, weights)
    notes.append(f"the model is {model}, with the weights {found.weights}")
    return found


def layer_of(model: Loaded, layer: str | None, notes: list[str]) -> str:
    """The layer's own name; what stands in for it is told in `notes`."""
    name, said = model.layer(layer or model.recipe.layer or list(model.layers)[-1])
    notes += [said] if said else []
    return name


def canvas_of(model: Loaded, preset: str) -> int:
    """The side of the picture sought: what the model sees, and for the paper's recipe a margin that it does not see."""
    return -(-model.recipe.size // 32) * 32 + (32 if preset == "paper" else 0)


def operator_of(model: Loaded, layer: str, canvas: int, *, disc: bool = False) -> Operator:
    """Features of the layer, of the middle of a picture in [0, 1], (1, 3, canvas, canvas), or of a smaller one, enlarged."""
    from untaught.problem.operators.features import Enlarge, Features, View

    r = model.recipe
    size, full = (r.size, r.size), max(canvas, r.size)
    view: Operator = View((3, full, full), size, r.mean, r.std, disc)
    if canvas < full:
        view = view @ Enlarge((3, canvas, canvas), size)
    return Features(model.module, layer, (3, *size)) @ view


def seen(picture: Any, size: int) -> tuple[Tensor, str]:
    """A picture as a model of that size sees it, (1, 3, size, size) in [0, 1]: scaled, its middle; and its type's name."""
    import torch.nn.functional as F

    from untaught.problem.operators.features import middle

    array, axis = arrays.take(picture)
    full = arrays.full_scale(array)
    x = arrays.tensor(array, axis, (0.0, full))
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise BadInput(f"A classifier sees grey or RGB pictures; this one is of shape {array.shape}.")
    if full == 1 and not 0 <= float(x.min()) <= float(x.max()) <= 1:
        raise BadInput(
            f"The values run from {float(x.min()):.3g} to {float(x.max()):.3g}, and a classifier sees floats in [0, 1]: "
            "scale them."
        )
    x = x.expand(1, 3, *x.shape[2:])
    height, width = (max(size, round(n * size / min(x.shape[2:]))) for n in x.shape[2:])
    if (height, width) != tuple(x.shape[2:]):
        x = F.interpolate(x, (height, width), mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
    return middle(x, (size, size)).contiguous(), str(array.dtype)


def start(canvas: int, seed: int) -> Tensor:
    """Where pixels without a network begin: grey with a trace of noise, (1, 3, canvas, canvas)."""
    import torch

    noise = torch.randn((1, 3, canvas, canvas), generator=torch.Generator().manual_seed(seed))
    return 0.5 + 0.02 * noise


@dataclass(frozen=True, eq=False)
class Judge:
    """What the model says of the result, as it will lie in the file.

    operator: Features @ View, of a picture of the model's own size. data: those of the original, or None. number: the class
    that is wanted, or the original's; None where the model knows none. classes: their names.
    """

    operator: Any
    data: Tensor | None = None
    number: int | None = None
    classes: tuple[str, ...] = ()

    def __call__(self, x: Tensor) -> list[str]:
        """Sentences on a picture in [0, 1], (1, 3, size, size)."""
        import torch

        features, view = self.operator.outer, self.operator.inner
        module = features.held[0]
        weight = next(module.parameters())
        said = []
        with torch.no_grad():
            sight = view(x.to(weight))
            if self.data is not None:
                a, b = (v.double().flatten() for v in (features(sight), self.data.to(weight)))
                cosine = float((a @ b) / (a.norm() * b.norm()).clamp_min(1e-12))
                said.append(f"its features and the original's have a cosine similarity of {cosine:.4f}")
            if self.number is not None:
                values = module(sight)[0]
                place, best = int((values > values[self.number]).sum()) + 1, int(values.argmax())
                first = "" if place == 1 else f", after {self._title(best)}"
                chance = 100 * float(values.softmax(0)[self.number])
                of = "the original's class" if self.data is not None else "the class"
                said.append(
                    f"{of} {self._title(self.number)} is number {place} of {len(values)}, at {chance:.1f} %{first}"
                )
        return said

    def _title(self, number: int) -> str:
        return f"{number} ({self.classes[number].split(',')[0]})" if number < len(self.classes) else str(number)


def class_of(model: Loaded, x: Tensor) -> int | None:
    """The likeliest class of a picture as the model sees it, (1, 3, size, size) in [0, 1]; None where it knows none."""
    import torch

    if not model.whole:
        return None
    with torch.no_grad():
        values = model(x)
    return int(values.argmax()) if values.ndim == 2 else None


@dataclass(frozen=True)
class Shown(Result):
    """The picture as the model saw it, (size, size, 3): the middle; of a disc, with the grey around it."""

    size: int
    dtype: str = "uint8"
    disc: bool = False
    judge: Judge | None = None

    def __call__(self, x: Any) -> NDArray:
        import torch

        from untaught.problem.operators.features import circle, enlarged, middle

        size = (self.size, self.size)
        x = enlarged(x, size) if x.shape[-1] < self.size else middle(x, size)
        top = self.full or 1.0  # the values are those of the type
        x = x.clamp(0, top)
        if self.disc:
            x = torch.lerp(torch.full_like(x, top / 2), x, circle(size).to(x))
        return Layout(self.dtype, -1)(x)

    @property
    def full(self) -> float | None:
        return Layout(self.dtype, -1).full

    def remarks(self, x: Any) -> tuple[str, ...]:
        if self.judge is None:
            return ()
        return tuple(self.judge(arrays.tensor(self(x), -1, (0.0, self.full or 1.0))))
