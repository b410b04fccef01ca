"""What kind of noise a picture has, and the likelihood that follows from it; told in plain words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from untaught.core.amounts import Amounts
from untaught.core.errors import BadInput
from untaught.core.geometry import box
from untaught.noise.curve import LOWER, Law, curve, fit, proportional
from untaught.noise.dark import darkness
from untaught.noise.differences import quietest_differences, second_differences
from untaught.noise.foretold import Foretold, foretell
from untaught.noise.hot import between_points
from untaught.noise.impulses import Impulses, find_impulses, without
from untaught.noise.measured import Measured
from untaught.noise.spectrum import NoiseModel, estimate_noise, sample
from untaught.problem.likelihoods import (
    ClippedGaussian,
    Gaussian,
    Impulse,
    Likelihood,
    Poisson,
    PoissonGaussian,
    Speckle,
)

Kind = Literal["auto", "gaussian", "poisson", "poisson-gaussian", "speckle", "impulse"]

NOTHING = 1e-5  # deviation below which a picture is taken to have no noise: less than a step of 16 bits
EVEN = 1.3  # deviation at the brightest over that at the darkest of what was measured, up to which it does not grow
SPAN = 0.02  # of brightness in the flat parts, below which they say nothing of brighter ones
SECONDED = 1.15  # the same, over the picture, of a law that what cannot be foretold agrees with
GROWS = 0.65  # times the loss of a noise that is even: a law of brightness has to be that much nearer
LIKE = 0.5  # of the growth that a law says, how much what cannot be foretold has to show, and at most the inverse
BETTER = 0.8  # the same, of one law of brightness that is not the simplest beside another
SINGLE, CLOSE = 0.87, 0.07
"""How many of the least steps between values a single count is, at the least (and at most the inverse), and how close the curve
has to be to the law, for numbers that are counts: 0.02 to 0.06 where they are, 0.03 to 0.37 in micrographs, whose counts are 1 to
14 steps."""
FEW = 20  # patches of a class of brightness, where an offset is sought
GRAIN = 3 / 255  # deviation that clean pictures have, too
TOLD = 0.7, 1.5  # a sigma that is given over the one found, if both are of the same noise
LOW = {1: 1.04, 2: 1.03, 3: 1.02}
"""By channels: the deviation of white noise over what `estimate_noise` reads of it, on flat pictures (docs/benchmarks)."""


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


def measure(
    data: Tensor,
    kind: Kind,
    notes: list[str],
    scale: Scale = Scale(),
    *,
    sigma: float | None = None,
    gain: float | None = None,
    looks: float | None = None,
) -> Found:
    """The noise of a picture (1, c, *space) in about [0, 1]: of the kind given, with the parameters given, or as found.

    sigma, gain (counts at the value 1) in the unit of the data. What was found is told in `notes`.
    Raises `BadInput` for parameters that belong to another kind, and for what cannot be measured on such data.
    """
    open_minded, kind = kind == "auto", _asked(kind, sigma, gain, looks)
    if kind == "auto" and sigma is not None and data.ndim == 4 and data.shape[1] > 1:
        # Whoever knows how strong it is may not know that.
        noise = estimate_noise(data)
        # Of less noise than that the picture's own texture, which channels share, is read.
        if noise.shared and sigma >= GRAIN and TOLD[0] < sigma / strength(noise) < TOLD[1]:
            notes.append(f"the noise is {_shared(noise)}")
            level, even = torch.full_like(noise.sigma, sigma), torch.ones(1)
            return Found("gaussian", Measured(replace(noise, sigma=level, brightness=torch.zeros(1), gain=even)))
    if kind == "gaussian" or (kind == "auto" and (sigma is not None or data.ndim != 4)):
        return Found("gaussian", _gaussian(data, sigma, notes, scale))
    if kind == "speckle" and looks is not None:
        return Found(kind, Speckle(looks))
    if kind == "poisson" and gain is not None:
        raised = _raised(data, scale, gain) if open_minded and data.ndim == 4 and scale.free else None
        if raised is not None:
            notes.append(raised.likelihood.told(scale) + _dark(raised, scale))
        return raised or Found(kind, Poisson(gain))
    if kind == "poisson-gaussian" and gain is not None and sigma is not None and (scale.known or data.ndim != 4):
        return Found(kind, PoissonGaussian(gain, sigma))
    if data.ndim not in (4, 5):
        raise BadInput(f"{kind} noise cannot be measured on a series: give {_needed(kind)}.")
    slices = data if data.ndim == 4 else data[0].movedim(1, 0)
    if kind in ("auto", "impulse"):
        impulses = find_impulses(slices, sure=kind == "impulse") if data.ndim == 4 else None
        if impulses is not None:
            return _impulses(data, impulses, sigma, notes, scale)
        if kind == "impulse":
            raise BadInput(
                "No impulses were found in this picture: use --noise auto, or inpaint with a mask of what is worthless."
            )
    slices = between_points(slices)
    told = foretell(sample(slices.detach().float()))  # as `estimate_noise` does: of a large picture, parts
    noise = estimate_noise(slices, told)
    if kind == "auto" and (noise.sharers or (noise.level < GRAIN and _foretold(told, scale) is None)):
        return Found("gaussian", _normal(noise, notes, scale))
    found = _by_brightness(slices, kind, scale, sigma, gain, told)
    if found is None:
        return Found("gaussian", _normal(noise, notes, scale))
    found = (_counted(data, found) if kind == "auto" else None) or found
    notes.append(found.likelihood.told(scale))
    if found.dark is not None:
        notes[-1] += _dark(found, scale)
    return found


def _counted(data: Tensor, found: Found) -> Found | None:
    """That of single counts, where the numbers are these: multiples of a step, one count each, with their law all along."""
    counts = found.likelihood.counts
    if found.kind != "poisson" or counts is None or found.loss > CLOSE:
        return None
    values = data.unique()
    step = float(values.diff().min()) if len(values) > 1 else 0.0
    if not step > 0 or float(values[-1] - values[0]) > 1e5 * step:
        return None
    multiples = (values - values[0]) / step
    whole = float((multiples - multiples.round()).abs().max()) < 0.05
    single = SINGLE < 1 / (counts[0] * step) < 1 / SINGLE
    return replace(found, likelihood=Poisson(1 / step)) if whole and single else None


def _asked(kind: Kind, sigma: float | None, gain: float | None, looks: float | None) -> Kind:
    """The kind that the parameters belong to; `BadInput` where they do not belong together."""
    if kind == "auto" and looks is not None and gain is None:
        kind = "speckle"
    if kind == "auto" and gain is not None and looks is None:
        kind = "poisson" if sigma is None else "poisson-gaussian"
    takes: dict[str, tuple[str, ...]] = {
        "auto": ("sigma",),
        "gaussian": ("sigma",),
        "poisson": ("gain",),
        "poisson-gaussian": ("gain", "sigma"),
        "speckle": ("looks",),
        "impulse": ("sigma",),
    }
    given = {"sigma": sigma, "gain": gain, "looks": looks}
    for name, value in given.items():
        if value is not None and name not in takes[kind]:
            raise BadInput(
                f"{name} = {value:g} is no property of {'one kind of' if kind == 'auto' else kind} noise, which has "
                f"{' and '.join(takes[kind])}: drop it, or choose another --noise."
            )
    return kind


def _needed(kind: Kind) -> str:
    return {
        "poisson": "--gain, the counts at full scale",
        "poisson-gaussian": "--gain, the counts at full scale, and --sigma",
        "speckle": "--looks, (mean / deviation)^2 of a flat part",
    }.get(kind, "--sigma, or inpaint with a mask of what is worthless")


def _dark(found: Found, scale: Scale) -> str:
    """What is said of the dark that was found."""
    assert found.dark is not None
    value = found.dark - scale.dark
    return f", and no light is {scale.said(value, form='.4g')}"


def _by_brightness(
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
        raised = _raised(slices, scale) if scale.free else None
        if raised is not None:
            return None if _falls(told) else raised
        best = product if product.loss < BETTER * both.loss else both
        if not _grows(best, x):
            best = both
        if (
            best.loss > GROWS * even.loss
            or _falls(told)
            or not (_grows(best, x) or _seconded(best, x, told, slices, scale))
        ):
            return _foretold(told, scale)
        kind = "poisson-gaussian" if BETTER * counts.loss > both.loss else "poisson"
        kind = "speckle" if best is product else kind
    if kind == "speckle":
        return Found(kind, Speckle(1 / _some(law(square=True).c, kind)))
    if kind == "poisson":
        counts = law(linear=True)
        return Found(kind, Poisson(1 / _some(counts.a, kind)), loss=counts.loss)
    if scale.free:
        raised = _raised(slices, scale, gain, sigma)
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


def _raised(slices: Tensor, scale: Scale, gain: float | None = None, sigma: float | None = None) -> Found | None:
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


def _foretold(told: Foretold | None, scale: Scale) -> Found | None:
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


def _impulses(data: Tensor, found: Impulses, sigma: float | None, notes: list[str], scale: Scale) -> Found:
    """Impulses, and the normal noise of the other values, where there is more than a clean picture has."""
    if sigma is None:
        sigma = strength(estimate_noise(without(data, found.where)))
    span = max(float(data.max() - data.min()), 1e-3)
    share = min(max(found.share, 1e-3), 0.95)
    grain = f", the others have sigma {scale.said(sigma)}" if sigma >= GRAIN else ""
    notes.append(f"noise: impulses ({found.kind}), {100 * found.share:.2g} % of all values are worthless{grain}")
    return Found("impulse", Impulse(share, max(sigma, 1 / 255), span), found.where)


def _gaussian(data: Tensor, sigma: float | None, notes: list[str], scale: Scale) -> Likelihood:
    """Normal noise: white of the sigma given, or what is measured."""
    if sigma is not None:
        return _white_of(scale)(float(sigma))
    if data.ndim == 4:
        return _normal(estimate_noise(data[0]), notes, scale)
    if data.ndim == 5:  # slices of a volume share their noise
        model = estimate_noise(data[0].movedim(1, 0))
        level = strength(model)
        if not model.correlated and min(data.shape[2:]) > 4:  # what is smooth along all three axes is no noise
            level = min(level, second_differences(data))
    else:  # of a series, whose second difference knows its curve least; two differences are none to go by
        level = quietest_differences(data) if data.shape[-1] > 4 else 0.0
    return _white_of(scale)(_white(level, notes, scale))


def _white_of(scale: Scale) -> type[Gaussian]:
    return ClippedGaussian if scale.clipped else Gaussian


def _normal(noise: NoiseModel, notes: list[str], scale: Scale) -> Likelihood:
    """White noise, or, where it is shared or changes with brightness, as it was measured."""
    if (noise.even and not noise.sharers) or strength(noise) < NOTHING:
        return _white_of(scale)(_white(strength(noise), notes, scale))
    if noise.shared:
        noise = replace(noise, sigma=_low(noise) * noise.sigma)
    found = scale.said(*(float(s) for s in noise.sigma), form=".1f")
    grows = "" if noise.even else ", and changes with brightness"
    notes.append(f"sigma was estimated as {found}; the noise is {_shared(noise)}{grows}")
    return Measured(noise)


def strength(noise: NoiseModel) -> float:
    """The deviation of white noise, without what the estimate reads too little."""
    return _low(noise) * noise.level


def _low(noise: NoiseModel) -> float:
    return LOW[1 if noise.shared else min(len(noise.sigma), 3)]  # channels that share it say it once


def _shared(noise: NoiseModel) -> str:
    """By whom, in words."""
    if noise.correlated:
        return "shared by neighbouring pixels, as in a camera's JPEG"
    return "independent between pixels" + (
        ", but shared by the channels, as in a JPEG or a toned print" if noise.shared else ""
    )


def _white(sigma: float, notes: list[str], scale: Scale) -> float:
    if sigma < NOTHING:
        notes.append("no noise was found in this picture, and it will hardly change: give sigma to insist")
        return NOTHING
    notes.append(f"sigma was estimated as {scale.said(sigma)}; the noise is independent between pixels")
    return sigma
