"""Which law of brightness the noise of a picture follows, if any: by what is flat in it, and by what cannot be foretold.

For counts, counts over an offset, counts read with noise, and speckle; `curve` fits the laws, here they are weighed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from untaught.core.amounts import Amounts
from untaught.core.errors import BadInput
from untaught.core.geometry import box
from untaught.noise.curve import LOWER, Law, curve, fit, proportional
from untaught.noise.dark import darkness
from untaught.noise.foretold import Foretold
from untaught.problem.likelihoods import Likelihood, Poisson, PoissonGaussian, Speckle

Kind = Literal["auto", "gaussian", "poisson", "poisson-gaussian", "speckle", "impulse"]

EVEN = 1.3  # deviation at the brightest over that at the darkest of what was measured, up to which it does not grow
SPAN = 0.02  # of brightness in the flat parts, below which they say nothing of brighter ones
SECONDED = 1.15  # the same, over the picture, of a law that what cannot be foretold agrees with
GROWS = 0.65  # times the loss of a noise that is even: a law of brightness has to be that much nearer
LIKE = 0.5  # of the growth that a law says, how much what cannot be foretold has to show, and at most the inverse
BETTER = 0.8  # the same, of one law of brightness that is not the simplest beside another
DENIED = 2.0  # variance that a law says over what cannot be foretold, from which on it is not believed
FEW = 20  # patches of a class of brightness, where an offset is sought


@dataclass(frozen=True)
class Scale:
    """How the data lie in the picture's full scale: `unit` is what 1 in the data is of it, `dark` the data of no light.

    clipped: values beyond [0, 1] were cut off after the noise came in. full: its largest value, None where its units are its own.
    below: whether at 0, too. known: somebody said what no light is; otherwise it is the value 0, or as counts tell it.
    """

    unit: float = 1.0
    dark: float = 0.0
    clipped: bool = False
    full: float | None = 255.0
    known: bool = False
    below: bool = True

    @property
    def free(self) -> bool:
        """Whether counts may tell what no light is."""
        return not self.known and not (self.clipped and self.below)

    @property
    def top(self) -> str:
        return "the value 1" if self.full is None else "full scale"

    def said(self, *levels: float, form: str = ".2g") -> str:
        """Deviations of the data, as the picture counts them."""
        return Amounts(self.full, self.unit).said(*levels, form=form)


@dataclass(frozen=True, eq=False)
class Found:
    """likelihood: of the data. lost: true where they are impulses, if there are any.

    loss: of the law of brightness, how far the curve is from it. dark: the data of no light, where that is not `Scale.dark`.

    For "poisson", "poisson-gaussian" and "speckle" the likelihood is that of data in which no light is 0.
    """

    kind: Kind
    likelihood: Likelihood
    lost: Tensor | None = None
    loss: float = float("inf")
    dark: float | None = None


def by_brightness(
    slices: Tensor, kind: Kind, scale: Scale, sigma: float | None, gain: float | None, told: Foretold | None
) -> Found | None:
    """The law of the kind given, or the one that the curve of the noise speaks for; None: the noise does not grow.

    told: what cannot be foretold of the slices.
    """
    brightness, variance = curve(slices, FEW) if scale.known else curve(slices)
    x = brightness - scale.dark
    clipped = scale.clipped and scale.dark == 0

    def law(linear: bool = False, constant: bool = False, square: bool = False) -> Law:
        return fit(x, variance, linear=linear, constant=constant, square=square, clipped=clipped)

    if kind == "auto":
        even, counts, both, product = law(constant=True), law(linear=True), law(True, True), law(square=True)
        # Texture that grows with brightness looks like counts over an offset, but it is foretold of neighbours.
        raised = raised_law(slices, scale) if scale.free and told is not None and told.white else None
        if raised is not None:
            return None if _falls(told) else raised
        best = product if product.loss < BETTER * both.loss else both
        if not _grows(best, x):
            best = both
        if (
            best.loss > GROWS * even.loss
            or _falls(told)
            or _denied(best, told, scale)
            or not (_grows(best, x) or _seconded(best, x, told, slices, scale))
        ):
            return foretold_law(told, scale)
        kind = "poisson-gaussian" if BETTER * counts.loss > both.loss else "poisson"
        kind = "speckle" if best is product else kind
    if kind == "speckle":
        return Found(kind, Speckle(1 / _some(law(square=True).c, kind)))
    if kind == "poisson":
        counts = law(linear=True)
        return Found(kind, Poisson(1 / _some(counts.a, kind)), loss=counts.loss)
    if scale.free:
        raised = raised_law(slices, scale, gain, sigma)
        if raised is not None:
            return raised
    if gain is not None and sigma is not None:
        return Found(kind, PoissonGaussian(gain, sigma))
    if gain is not None:
        rest = (variance - x / gain).quantile(0.35).clamp_min(0)
        return Found(kind, PoissonGaussian(gain, float(rest.sqrt())))
    if sigma is not None:
        slope = ((variance - sigma**2) / x.clamp_min(1e-3)).quantile(0.35)
        return Found(kind, PoissonGaussian(1 / _some(float(slope), kind), sigma))
    found = law(linear=True, constant=True)
    return Found(kind, PoissonGaussian(1 / _some(found.a, kind), found.b**0.5), loss=found.loss)


def raised_law(slices: Tensor, scale: Scale, gain: float | None = None, sigma: float | None = None) -> Found | None:
    """Counts over an offset that nobody knows, read with noise; None where no law without an offset is that far from the curve."""
    x, variance = curve(slices, FEW)
    low = float(x.min())

    def law(x: Tensor, linear: bool = True, constant: bool = False, square: bool = False) -> Law:
        return fit(x, variance, linear=linear, constant=constant, square=square, clipped=False)

    found = law(x - low, constant=True)
    slope = found.a if gain is None else 1 / gain
    y = x - scale.dark
    others = BETTER * min(law(y, constant=True).loss, law(y, False, square=True).loss)
    if gain is None and sigma is None:
        others = min(others, GROWS * law(y, False, constant=True).loss)
        ends = found.variance(torch.stack([x.new_zeros(()), x.max() - low])).sqrt()
        if ends[1] < EVEN * ends[0]:
            return None
    if not slope > 0 or not found.loss < others:
        return None
    at = found.b if gain is None else float((variance - slope * (x - low)).quantile(LOWER).clamp_min(0))
    origin = low - at / slope
    dark = darkness(slices, slope, origin, low).value if sigma is None else min(origin + sigma**2 / slope, low)
    read = max(slope * (dark - origin), 0.0) ** 0.5
    return Found("poisson-gaussian", PoissonGaussian(1 / slope, read), loss=found.loss, dark=dark)


def foretold_law(told: Foretold | None, scale: Scale) -> Found | None:
    """The law that what cannot be foretold follows by itself, where hardly a part is flat, or all that are have one brightness."""
    law = None if told is None or not told.white else proportional(told.brightness - scale.dark, told.variance)
    if law is None:
        return None
    kind: Kind = "speckle" if law.c else "poisson"
    return Found(kind, Speckle(1 / law.c) if law.c else Poisson(1 / law.a), loss=law.loss)


def _falls(told: Foretold | None) -> bool:
    """Whether what cannot be foretold is least where it is brightest, as of an object that was cut out on black, beside its rim."""
    return (
        told is not None
        and told.white
        and len(told.variance) > 1
        and bool(told.variance[:-1].min() > told.variance[-1])
    )


def _denied(law: Law, told: Foretold | None, scale: Scale) -> bool:
    """Whether a law was read off strokes and edges: it says much more than cannot be foretold, which is never too little."""
    if told is None:
        return False
    expected = law.variance((told.brightness - scale.dark).clamp_min(0))
    whole = told.brightness + 2 * expected.sqrt() < 1  # not cut off at white, which takes of the noise
    whole[0] = True
    return bool((expected > DENIED * told.variance.clamp_min(1e-12))[whole].any())


def _grows(law: Law, brightness: Tensor, least: float = EVEN) -> bool:
    """Whether noise of that law is at least so many times as strong where it is brightest."""
    low, high = law.variance(torch.stack([brightness.min().clamp_min(0), brightness.max()])).clamp_min(1e-12).sqrt()
    return bool(high >= least * low)


def _seconded(law: Law, x: Tensor, told: Foretold | None, slices: Tensor, scale: Scale) -> bool:
    """Whether a law that was read in few, or almost equally bright, flat parts (of brightness x) matters over most of the picture,
    and what cannot be foretold, which has no need of flat parts, rises as it says."""
    if told is None or not told.white or len(told.variance) < 2 or float(x.max() - x.min()) < SPAN:
        return False
    expected = law.variance((told.brightness - scale.dark).clamp_min(0))
    said, seen = (float(v[-1] / v[0].clamp_min(1e-12)) - 1 for v in (expected, told.variance))
    most = box(slices, 3).flatten()
    most = most[:: max(1, len(most) // 2**16)].quantile(torch.tensor([0.05, 0.95]).to(most)) - scale.dark
    return LIKE * said < seen < said / LIKE and _grows(law, most, SECONDED)


def _some(value: float, kind: Kind) -> float:
    if not value > 0:
        raise BadInput(
            f"The noise of this picture does not grow with brightness as {kind} noise does: use --noise auto."
        )
    return value
