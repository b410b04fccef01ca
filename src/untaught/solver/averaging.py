"""Which picture of the run is shown: the last, or an average of pictures or of weights. The best one so far is kept by `fitting`,
when the rule says so (`stopping`).

The state is a plain dictionary of tensors, so that the run can save it; `picture` makes the picture from a state.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import functional_call

from untaught.prior import Parametrisation

State = dict[str, Tensor]
Render = Callable[[Callable[..., Tensor]], Tensor]


class Average(ABC):
    """Which picture of a run is shown. Its state is a dictionary of tensors, which the run saves."""

    needs_pictures = False

    @abstractmethod
    def update(self, state: State, x: Tensor | None, model: Parametrisation) -> State:
        """The state after a step that made the picture x (None: the step saw only crops)."""

    @abstractmethod
    def picture(self, state: State, model: Parametrisation, render: Render) -> Tensor:
        """The average as a picture; `render` makes a picture of anything that is called as the model is."""

    def variance(self, state: State) -> Tensor | None:
        """Of the pictures that the state is of, (1, c, *space); None where they are no samples, or fewer than two."""
        return None

    def freeze(self, state: State, model: Parametrisation) -> State:
        """A copy that later steps leave alone."""
        return {name: t.detach().clone() for name, t in state.items()}


@dataclass(frozen=True)
class WithWeights:
    """The model with other weights: called as it is, and the model itself stays untouched."""

    model: Parametrisation
    weights: State

    def __call__(self, *args: Tensor, **kwargs: object) -> Tensor:
        return functional_call(self.model, self.weights, args, kwargs)

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)


def _parameters(model: Parametrisation) -> State:
    return {name: p.detach() for name, p in model.named_parameters()}


@dataclass(frozen=True)
class Last(Average):
    """No average."""

    def update(self, state: State, x: Tensor | None, model: Parametrisation) -> State:
        return {}

    def freeze(self, state: State, model: Parametrisation) -> State:
        return {name: p.clone() for name, p in _parameters(model).items()}

    def picture(self, state: State, model: Parametrisation, render: Render) -> Tensor:
        return render(WithWeights(model, state) if state else model)


class _OfPictures(Average):
    """Base of those whose state holds a picture, `shown`, with a batch axis for the members of an ensemble."""

    needs_pictures = True
    shown = "x"

    @abstractmethod
    def _after(self, state: State, x: Tensor) -> State:
        """The state after a step that made the picture x."""

    def update(self, state: State, x: Tensor | None, model: Parametrisation) -> State:
        if x is None:
            raise TypeError("an average of pictures was given a step without one")
        return self._after(state, x)

    def variance(self, state: State) -> Tensor | None:
        """Between the members."""
        x = state.get(self.shown)
        return None if x is None or len(x) < 2 else x.var(0, keepdim=True)

    def picture(self, state: State, model: Parametrisation, render: Render) -> Tensor:
        return state[self.shown].mean(0, keepdim=True) if state else render(model)


@dataclass(frozen=True)
class AtSteps(_OfPictures):
    """The mean of the pictures at the given steps, of those that have come; before the first, the newest picture.

    Early pictures of a run hold only the coarse shapes: several moments are several levels of detail.
    """

    steps: tuple[int, ...]

    def _after(self, state: State, x: Tensor) -> State:
        if not state:
            state = {"step": torch.zeros(()), "count": torch.zeros(()), "x": x.clone()}
        step, count = state["step"] + 1, state["count"]
        if int(step) in self.steps:
            return {"step": step, "count": count + 1, "x": torch.lerp(state["x"], x, float(1 / (count + 1)))}
        return {"step": step, "count": count, "x": state["x"] if int(count) else x.clone()}


@dataclass(frozen=True)
class ExponentialPictures(_OfPictures):
    """a <- decay a + (1 - decay) x: the paper's exponential window over the outputs, worth 1.2 dB there."""

    decay: float = 0.99

    def _after(self, state: State, x: Tensor) -> State:
        return {"x": x.clone() if not state else torch.lerp(state["x"], x, 1 - self.decay)}


@dataclass(frozen=True)
class Moments(_OfPictures):
    """Mean and variance of the pictures after step `after`, every `every`-th one: samples of a run that does not settle.

    Kept as they come (Welford 1962), so that the memory does not grow with their number. Until then the picture shown is that
    of `ExponentialPictures(decay)`.
    """

    after: int
    every: int = 1
    decay: float = 0.99
    shown = "mean"

    def _after(self, state: State, x: Tensor) -> State:
        if not state:
            zero = torch.zeros(())
            return {"step": zero + 1, "count": zero, "mean": x.clone(), "squares": torch.zeros_like(x)}
        step, count = state["step"] + 1, state["count"]
        past = int(step) - self.after
        if past <= 0:
            return {**state, "step": step, "mean": torch.lerp(state["mean"], x, 1 - self.decay)}
        if past % self.every:
            return {**state, "step": step}
        # The first sample replaces what was shown until then.
        apart = x - state["mean"] if int(count) else torch.zeros_like(x)
        mean = state["mean"] + apart / (count + 1) if int(count) else x.clone()
        return {"step": step, "count": count + 1, "mean": mean, "squares": state["squares"] + apart * (x - mean)}

    def variance(self, state: State) -> Tensor | None:
        count = int(state["count"]) if state else 0
        return (state["squares"] / (count - 1)).mean(0, keepdim=True) if count > 1 else None


@dataclass(frozen=True)
class ExponentialWeights(Average):
    """The same over the weights, with the decay growing from 0 so that the random start is forgotten: min(decay, t / (t + 10))."""

    decay: float = 0.99

    def update(self, state: State, x: Tensor | None, model: Parametrisation) -> State:
        now = _parameters(model)
        if not state:
            return {"step": torch.zeros(()), **{name: p.clone() for name, p in now.items()}}
        step = state["step"] + 1
        decay = min(self.decay, float(step / (step + 10)))
        for name, p in now.items():
            state[name].lerp_(p, 1 - decay)
        return {**state, "step": step}

    def picture(self, state: State, model: Parametrisation, render: Render) -> Tensor:
        weights = {name: t for name, t in state.items() if name != "step"}
        return render(WithWeights(model, weights) if weights else model)
