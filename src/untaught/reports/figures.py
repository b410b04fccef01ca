"""The figures of a report: what the residual r = y - A x and the picture x show, each beside what pure noise would show."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.core.amounts import Amounts
from untaught.core.geometry import box
from untaught.noise import estimate_noise
from untaught.noise.spectrum import periodogram
from untaught.reports.evidence import UNCUT, Evidence, by_level
from untaught.solver.uncertainty import Spread

WINDOW = 32  # side of the windows that spectra are taken of, pixels
BANDS = 15  # radial bands from 1.5 cycles a window up, one cycle wide
MARGIN = 0.05  # of the data's range: what a sound picture hardly exceeds
TRUSTED = 0.6  # share of the data whose noise is whole: with less, its size is no measure
NOTHING = 1e-5  # less noise than a step of 16 bits is none
QUIETEST = 0.3  # share of the picture where it has the least detail
BUSY = 2**0.5  # detail of the data over that of the noise, from which on even that is not quiet
FEW = 4  # radius over which power is local, pixels
# Times the data's power, and besides times that of their noise, above which a band has more than they.
MORE, LITTLE = 1.25, 0.2
LIMIT = 0.5 / 255  # from white: there a value counts as cut off


@dataclass(frozen=True)
class Figures:
    """Levels and shifts are in the units of the problem: 1 is full scale for pictures, unless they are `transformed`.

    shift: mean residual of each channel. residual: its deviation. noise: that of the data, as they show it; None where they
    cannot; that of the law of counts, where many are too dark to show it. told: what the run assumed. correlated: whether
    neighbours share the noise; white: whether the run took them not to. discrepancy: residual over noise (told,
    or else found). kept: residual over the noise found, None where that is unknown or mostly cut off; quiet: the same where the
    picture has the least detail, which a filter leaves as it is; left: how rough the picture is there, over how rough the noise
    is; both None of a pattern, no part of which is quiet.
    patchy: how much more of the residual there is in some places (98 % quantile of its local power over the median, each brightness
    being given the same). neighbours: correlation of
    adjacent residuals, less that of a draw of the noise. flatness: of the residual's spectrum over the noise's, geometric by
    arithmetic mean; 1 for noise. spectrum: that ratio by bands, dB. detail: share of the data's medium-fine detail that the
    picture does not explain. edges: correlation of the residual's local size with the picture's local detail, less that of the
    draw. remains: noise of the picture over that of the data. rise: how far the picture's spectrum times f^2 rises towards
    higher frequencies, dB; natural pictures' hardly does. outside: share of the picture beyond the range of the data. cut:
    share of the data in areas that are white throughout. missing: share of unknown measurements. hole: how far, in
    pixels, the farthest of them is from a known one. spread: root mean square deviation between the results of several seeds,
    None for one; pairs: the mean PSNR of two of them, dB; place: about which pixel they differ most. transformed: whether the
    data were changed to make their noise even, so that a level is none of the picture's, and is told beside the noise; the
    spread is the picture's all the same. direct: whether the data are the picture itself, with noise or
    holes. full, unit: of `Amounts`.
    """

    shift: tuple[float, ...]
    residual: float
    noise: float | None
    told: float | None
    correlated: bool
    white: bool
    discrepancy: float | None
    kept: float | None
    neighbours: float
    flatness: float
    spectrum: tuple[float, ...]
    detail: float
    edges: float
    remains: float | None
    rise: float
    outside: float
    cut: float
    missing: float
    hole: int
    spread: float | None = None
    pairs: float | None = None
    place: tuple[int, ...] = ()
    transformed: bool = False
    direct: bool = False
    quiet: float | None = None
    left: float | None = None
    patchy: float = 1.0
    full: float | None = 255.0
    unit: float = 1.0

    def apart(self, *levels: float, form: str = ".2f") -> str:
        """Differences between pictures in words, as the picture counts them."""
        return Amounts(self.full, self.unit).said(*levels, form=form)

    def said(self, *levels: float, form: str = ".2f") -> str:
        """Levels in words: as the picture counts them, or, of data that were transformed, multiples of their noise."""
        if not self.transformed:
            return self.apart(*levels, form=form)
        return f"{', '.join(f'{level / (self.told or math.nan):{form}}' for level in levels)} times the noise"

    @classmethod
    def of(cls, table: dict[str, Any]) -> Figures:
        """From the dictionary that JSON makes of it."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
        return cls(**values)

    def table(self) -> dict[str, Any]:
        return asdict(self)


def measure(
    e: Evidence,
    *,
    missing: float = 0.0,
    hole: int = 0,
    spread: Spread | None = None,
    transformed: bool = False,
    amounts: Amounts | None = None,
) -> Figures:
    r, w, transformed = e.residual, e.weight, transformed or e.evened
    pure = e.drawn if e.drawn is not None else torch.randn(r.shape, generator=torch.Generator().manual_seed(0)).to(r)
    deviation = _mean(r.square(), w) ** 0.5
    noise = None if e.noise is None or e.noise.level < NOTHING else e.noise.level
    ratio = _bands(r * w) / _bands(pure * w).clamp_min(1e-20)
    unit = ratio / ratio.mean().clamp_min(1e-20)
    own = e.drawn if noise is not None else None
    kept = None if noise is None or (min(e.whole, float(w.mean())) < TRUSTED and not e.evened) else deviation / noise
    expected = None if e.whole <= UNCUT else e.told or noise
    quiet, left = _quiet(e, own) if kept is not None and own is not None and e.direct else (None, None)
    less = min(1.0, e.told / noise) if e.told and noise else 1.0  # of a pattern too much is measured
    amounts = amounts or Amounts()
    return Figures(
        full=amounts.full,
        unit=amounts.unit,
        shift=e.shift,
        residual=deviation,
        noise=noise,
        told=e.told,
        correlated=bool(e.noise and e.noise.correlated),
        white=e.white,
        discrepancy=None if not expected else deviation / expected,
        kept=kept,
        quiet=quiet,
        left=left,
        patchy=_patchy(r * w, e.prediction),
        neighbours=_neighbours(r, w) - _neighbours(pure, w),
        flatness=float(unit.clamp_min(1e-6).log().mean().exp()),
        spectrum=tuple(float(v) for v in 10 * (unit + 1e-6).log10()),
        detail=_unexplained(e, own),
        edges=_edges(r, e.prediction, w) - _edges(pure, e.prediction, w),
        remains=estimate_noise(e.picture).level / noise if noise and e.data.shape == e.picture.shape else None,
        rise=_rise(e.picture, e.data, None if own is None else own * less) if e.direct else _rise(e.picture),
        outside=_outside(e),
        cut=_blown_out(e.data),
        missing=missing,
        hole=hole,
        spread=None if spread is None else spread.size,
        pairs=None if spread is None else spread.level,
        place=() if spread is None else spread.place,
        transformed=transformed,
        direct=e.direct,
    )


def hole(weight: Tensor | None, most: int = 128) -> tuple[float, int]:
    """(share, radius) of what is not known: how many times the holes must shrink by a pixel until nothing is left."""
    if weight is None:
        return 0.0, 0
    unknown = (weight <= 0).float().amax(1, keepdim=True)
    share, step = float((weight <= 0).float().mean()), max(1, math.isqrt(unknown.numel() // 2**20))
    unknown = -F.max_pool2d(-unknown, step) if step > 1 else unknown
    radius = 0
    while radius < most and bool(unknown.any()):
        unknown, radius = -F.max_pool2d(-F.pad(unknown, (1,) * 4, value=1.0), 3, 1), radius + 1
    return share, radius * step


def _mean(t: Tensor, w: Tensor) -> float:
    return float((t * w).sum() / w.sum().clamp_min(1e-9))


def _neighbours(r: Tensor, w: Tensor) -> float:
    """The correlation of horizontally and vertically adjacent values that are both known."""
    q, found = r - _mean(r, w), []
    for axis in (2, 3):
        a, b, u, v = (t.narrow(axis, s, t.shape[axis] - 1) for t in (q, w) for s in (0, 1))
        found.append(_mean(a * b, u * v) / max(_mean(q.square(), w), 1e-20))
    return sum(found) / 2


def _bands(r: Tensor) -> Tensor:
    """Mean power by radial bands, of overlapping windows under a sine window."""
    n = min(WINDOW, *r.shape[-2:])
    p = r.unfold(2, n, n // 2).unfold(3, n, n // 2).permute(0, 2, 3, 1, 4, 5).reshape(-1, r.shape[1], n, n)
    power = torch.view_as_real(periodogram(p.float())).square().sum(-1).mean((0, 1))
    f = torch.fft.fftfreq(n, device=r.device) * WINDOW
    band = ((f[:, None].square() + f.square()).sqrt() - 0.5).round().long()
    return torch.stack([power[band == b].mean() for b in range(1, BANDS + 1) if bool((band == b).any())])


def _detail(t: Tensor, w: Tensor) -> Tensor:
    """What a mean over 3x3 keeps and one over 5x5 of that does not: detail of a few pixels, over known ones."""
    once = box(t * w, 1) / box(w, 1).clamp_min(1e-3)
    return once - box(once * w, 2) / box(w, 2).clamp_min(1e-3)


def _unexplained(e: Evidence, noise: Tensor | None) -> float:
    own = 0.0 if noise is None else _mean(_detail(noise, e.weight).square(), e.weight)
    left = _mean(_detail(e.residual, e.weight).square(), e.weight) - own
    whole = _mean(_detail(e.data, e.weight).square(), e.weight) - own
    return min(1.0, max(0.0, left / whole)) if whole > 0.1 * own + 1e-12 else 0.0


def _edges(r: Tensor, p: Tensor, w: Tensor) -> float:
    a, b = (
        (box(t.square() * w, 2) / box(w, 2).clamp_min(1e-3) + 1e-8).log()
        for t in (r, p - box(p * w, 1) / box(w, 1).clamp_min(1e-3))
    )
    a, b = a - _mean(a, w), b - _mean(b, w)
    return _mean(a * b, w) / math.sqrt(_mean(a * a, w) * _mean(b * b, w) + 1e-20)


def _quiet(e: Evidence, noise: Tensor) -> tuple[float, float] | tuple[None, None]:
    """In the QUIETEST of the picture: residual over noise, and how rough picture and noise are, by second differences; None
    where even there the data have as much detail as noise, as in a pattern."""
    p, w = e.prediction, e.weight
    fine = [t - box(t, 1) for t in (p, e.data, noise)]
    detail = box(fine[0].square().mean(1, keepdim=True), FEW)
    calm = w * (detail <= detail.flatten().quantile(QUIETEST)).to(w)

    def over(some: Tensor, other: Tensor, where: Tensor) -> float:
        return (_mean(some.square(), where) / max(_mean(other.square(), where), 1e-20)) ** 0.5

    if over(fine[1], fine[2], calm) > BUSY:
        return None, None
    rough = [x.diff(n=2, dim=2).diff(n=2, dim=3) for x in (p, noise)]
    return over(e.residual, noise, calm), over(rough[0], rough[1], calm[..., 1:-1, 1:-1])


def _patchy(r: Tensor, p: Tensor) -> float:
    even = r / by_level(r.square(), box(p, 1), Tensor.mean).sqrt().clamp_min(1e-9)
    power = box(even.square().mean(1, keepdim=True), FEW).flatten()
    middle, high = power.quantile(torch.tensor([0.5, 0.98]))
    return float(high / middle.clamp_min(1e-9))


def _rise(x: Tensor, y: Tensor | None = None, noise: Tensor | None = None) -> float:
    """Field (JOSA A 1987): the power of natural pictures falls as 1 / f^2 or faster. Looked at up to half of Nyquist.

    y, noise: data of the picture itself, whose power less that of their noise it may have."""
    power = _bands(x)[: WINDOW // 4]
    f = torch.arange(2, 2 + len(power), device=x.device)
    level = 10 * (power * f.square() + 1e-12).log10()
    rise = level - level.cummin(0).values
    if y is not None:
        own = torch.zeros_like(power) if noise is None else _bands(noise)[: WINDOW // 4]
        rise = torch.where(power > MORE * (_bands(y)[: WINDOW // 4] - own).clamp_min(0) + LITTLE * own, rise, 0.0)
    return float(rise.max())


def _outside(e: Evidence) -> float:
    known = e.data[e.weight > 0] if bool((e.weight > 0).any()) else e.data.flatten()
    low, high = float(known.min()), float(known.max())
    room = MARGIN * (high - low)
    return float(((e.picture < low - room) | (e.picture > high + room)).float().mean())


def _blown_out(y: Tensor) -> float:
    """Nine in a square are white: there the light was far beyond what the file holds. Black is where there was none."""
    return float((-F.max_pool2d(-(y >= 1 - LIMIT).float(), 3, 1)).mean())
