"""What kind of noise a picture has, and the likelihood that follows from it; told in plain words."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from untaught.core.amounts import percent
from untaught.core.errors import BadInput
from untaught.core.geometry import box
from untaught.noise.cut import grounded
from untaught.noise.differences import quietest, quietest_differences, second_differences
from untaught.noise.foretold import foretell
from untaught.noise.hot import between_points
from untaught.noise.impulses import Impulses, find_impulses, without
from untaught.noise.laws import Found, Kind, Scale, by_brightness, foretold_law, raised_law
from untaught.noise.likelihood import Measured
from untaught.noise.spectrum import QUIETER, NoiseModel, estimate_noise, sample
from untaught.problem.likelihoods import (
    ClippedGaussian,
    Gaussian,
    Impulse,
    Likelihood,
    Poisson,
    PoissonGaussian,
    Speckle,
)

NOTHING = 1e-5  # deviation below which a picture is taken to have no noise: less than a step of 16 bits
SINGLE, CLOSE = 0.87, 0.07
"""How many of the least steps between values a single count is, at the least (and at most the inverse), and how close the curve
has to be to the law, for numbers that are counts: 0.02 to 0.06 where they are, 0.03 to 0.37 in micrographs, whose counts are 1 to
14 steps."""
FANO, LOOSE, MANY = 0.06, 0.2, 3000
"""How far from 1 the variance of neighbours over their mean may be, beyond chance and at the most, where the numbers are single
counts; pairs of neighbours, below which that is not asked."""
BELOW, MUCH = 0.25, 0.1  # share of the range by which values are less than no light, and how many are so of no counts
NEAR = 2.0  # steps from the least value, within which the value of no light that was found is that
LINES = 4  # pixels a side, below which `estimate_noise` sees nothing
PLAIN = Scale()  # data in the picture's full scale
GRAIN = 3 / 255  # deviation that clean pictures have, too
TOLD = 0.7, 1.5  # a sigma that is given over the one found, if both are of the same noise
LOW = {1: 1.04, 2: 1.03, 3: 1.02}
"""By channels: the deviation of white noise over what `estimate_noise` reads of it, on flat pictures (docs/benchmarks)."""


def measure(
    data: Tensor,
    kind: Kind,
    notes: list[str],
    scale: Scale = PLAIN,
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
    if kind == "gaussian" or (kind == "auto" and (sigma is not None or data.ndim != 4 or _thin(data))):
        return Found("gaussian", _gaussian(data, sigma, notes, scale))
    if kind == "speckle" and looks is not None:
        return Found(kind, Speckle(looks))
    if kind == "poisson" and gain is not None:
        raised = raised_law(data, scale, gain) if open_minded and data.ndim == 4 and scale.free else None
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
    slices = between_points(grounded(slices))
    told = foretell(sample(slices.detach().float()))  # as `estimate_noise` does: of a large picture, parts
    noise = estimate_noise(slices, told)
    numbers = sample(data) if data.ndim == 4 else data
    if kind == "auto" and (noise.sharers or (noise.level < GRAIN and foretold_law(told, scale) is None)):
        step = 0.0 if noise.sharers or data.ndim != 4 else _step(numbers)
        if step and scale.dark == 0 and _scattered(numbers / step):  # too few for any part to be flat
            notes.append(Poisson(1 / step).told(scale))
            return Found("poisson", Poisson(1 / step))
        return Found("gaussian", _normal(noise, notes, scale))
    found = by_brightness(slices, kind, scale, sigma, gain, told)
    if found is None or (kind == "auto" and _refuted(numbers, found, scale)):
        return Found("gaussian", _normal(noise, notes, scale))
    found = (_counted(numbers, found, scale) if kind in ("auto", "poisson") else None) or found
    notes.append(found.likelihood.told(scale))
    if found.dark is not None:
        notes[-1] += _dark(found, scale)
    return found


def _refuted(data: Tensor, found: Found, scale: Scale) -> bool:
    """Whether parts of the picture, in each of its quarters, are too quiet for a law of brightness, or darker than its no light."""
    if data.ndim != 4:
        return False
    above = data - (scale.dark if found.dark is None else found.dark)
    light, counts = box(above, 3), found.likelihood.counts
    if counts is not None and float((above < -BELOW).float().mean()) > MUCH:
        return True  # less than no light
    said = found.likelihood.deviation(light.clamp_min(NOTHING)).expand_as(data).clamp_min(NOTHING)
    draw = torch.Generator().manual_seed(0)
    drawn = torch.randn(data.shape, generator=draw)
    if counts is not None:  # few photons are no normal noise, and parts without any are quiet
        photons = torch.poisson((light * counts[0]).clamp_min(0).contiguous(), generator=draw)
        drawn = ((photons / counts[0] - light).expand_as(data) + counts[1] * drawn) / said
    seen, usual = quietest(data, everywhere=True, said=said), quietest(drawn)
    return seen is not None and usual is not None and seen < QUIETER * usual


def _counted(data: Tensor, found: Found, scale: Scale) -> Found | None:
    """That of single counts, where the numbers are these: multiples of a step, one count each, with their law all along."""
    counts = found.likelihood.counts
    if found.kind not in ("poisson", "poisson-gaussian") or counts is None:
        return None
    step = _step(data)
    if not step:
        return None
    likely = found.kind == "poisson" and found.loss <= CLOSE and SINGLE < 1 / (counts[0] * step) < 1 / SINGLE
    dark = scale.dark if found.dark is None else float(data.min())  # of few counts the least are none
    if found.dark is not None and abs(found.dark - dark) > NEAR * step:
        return None
    if not likely and not (data.ndim == 4 and _scattered((data - dark) / step)):
        return None
    if found.dark is None:
        return replace(found, kind="poisson", likelihood=Poisson(1 / step))
    return replace(found, likelihood=PoissonGaussian(1 / step, 0.0), dark=dark)


def _step(data: Tensor) -> float:
    """What the numbers are multiples of, above the least of them; 0 where they are of nothing."""
    values = data.unique()
    step = float(values.diff().min()) if len(values) > 1 else 0.0
    if not step > 0 or float(values[-1] - values[0]) > 1e5 * step:
        return 0.0
    multiples = (values - values[0]) / step
    return step if float((multiples - multiples.round()).abs().max()) < 0.05 else 0.0


def _scattered(counts: Tensor) -> bool:
    """Whether neighbours in the darker half of a picture, where it is smooth, differ as single counts do: by the square root of
    their mean, whatever that is. Sorted by what is around the two, which knows nothing of how they differ."""
    one, other = counts[..., 1:-1, 1:-2], counts[..., 1:-1, 2:-1]
    h, w = one.shape[2:]
    if min(h, w) < 16:
        return False
    ring = [(i, j) for i in range(3) for j in range(4) if (i, j) not in ((1, 1), (1, 2))]
    around = torch.stack([counts[..., i : i + h, j : j + w] for i, j in ring]).mean(0).flatten()
    squares, sums = (one - other).square().flatten(), (one + other).flatten()
    order = around.argsort()
    order = order[around[order] > 0]
    if len(order) < MANY:
        return False
    for part in order[: len(order) // 2].chunk(3):
        ratio, chance = squares[part] / sums[part].mean(), 3 / len(part) ** 0.5
        if abs(float(ratio.mean()) - 1) > min(LOOSE, FANO + chance * float(ratio.std())):
            return False
    return True


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


def _impulses(data: Tensor, found: Impulses, sigma: float | None, notes: list[str], scale: Scale) -> Found:
    """Impulses, and the normal noise of the other values, where there is more than a clean picture has."""
    if sigma is None:
        # Random values that were missed are in few parts, and have to be smoothed.
        sigma = strength(estimate_noise(without(data, found.where), even=found.kind != "random values"))
    span = max(float(data.max() - data.min()), 1e-3)
    share = min(max(found.share, 1e-3), 0.95)
    grain = f", the others have sigma {scale.said(sigma)}" if sigma >= GRAIN else ""
    notes.append(f"noise: impulses ({found.kind}), {percent(found.share)} of all values are worthless{grain}")
    return Found("impulse", Impulse(share, max(sigma, 1 / 255), span), found.where)


def _gaussian(data: Tensor, sigma: float | None, notes: list[str], scale: Scale) -> Likelihood:
    """Normal noise: white of the sigma given, or what is measured."""
    if sigma is not None:
        return _white_of(scale)(float(sigma))
    if data.ndim == 4 and not _thin(data):
        return _normal(estimate_noise(grounded(data)), notes, scale)
    if data.ndim == 5:  # slices of a volume share their noise
        model = estimate_noise(data[0].movedim(1, 0))
        level = strength(model)
        if not model.correlated and min(data.shape[2:]) > 4:  # what is smooth along all three axes is no noise
            level = min(level, second_differences(data))
    else:  # of a series, whose second difference knows its curve least; two differences are none to go by
        long = data.mT if _thin(data) and data.shape[2] > data.shape[3] else data
        level = quietest_differences(long) if long.shape[-1] > 4 else 0.0
    return _white_of(scale)(_white(level, notes, scale))


def _thin(data: Tensor) -> bool:
    """Whether a picture is but a few lines, each as a series is: too few for a spectrum."""
    return data.ndim == 4 and min(data.shape[2:]) < LINES


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
