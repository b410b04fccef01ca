"""From figures to plain words: good, doubtful because ..., out of reach because ...

The limits were chosen on one half of the pictures of benchmarks/report.py and judged on the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from untaught.core.amounts import percent
from untaught.reports.figures import Figures

Kind = Literal["good", "doubtful", "out of reach", "not judged"]


@dataclass(frozen=True)
class Limits:
    """What a sound result keeps; each is of the figure of that name in `Figures`, where no other is named. All were chosen by
    benchmarks/report.py.

    told_low, told_high: least and most of `told` over `noise`. kept: the least; kept_anyway: where `edges` is at least its limit,
    or the picture has detail everywhere; uncertain: where neighbours share the noise. left, and seen, which is left times the
    noise: the most. edges: from where what the residual lacks elsewhere was given for detail. smooth: the most of `kept`.
    neighbours: the most; against: the least; neighbours_aside: the most where `edges` is below `aside`, so that what is alike lies
    beside all edges. patchy with follows, which is of `edges`: both above are picture left in noise that neighbours share. detail,
    remains, rise, outside, shift, spread: the most. hole: from where a filling is invented. cut: the most. noisy: of `noise`, below
    which it is not spoken of. missed: the most of the share that rounded data disagree with.
    """

    told_low: float = 0.7
    told_high: float = 1.5
    kept: float = 0.91
    kept_anyway: float = 0.75
    uncertain: float = 0.6
    left: float = 0.22
    seen: float = 2 / 255
    edges: float = 0.15
    smooth: float = 1.08
    neighbours: float = 0.1
    patchy: float = 2.15
    follows: float = 0.28
    aside: float = 0.05
    neighbours_aside: float = 0.15
    against: float = -0.08
    detail: float = 0.06
    remains: float = 0.65
    rise: float = 4.0
    outside: float = 0.005
    shift: float = 2 / 255
    spread: float = 0.02
    hole: int = 16
    cut: float = 0.5
    noisy: float = 1.5 / 255
    missed: float = 0.002


@dataclass(frozen=True)
class Reason:
    """name: short, for tables. words: what follows "because". figures: the names and values that led to it."""

    name: str
    words: str
    figures: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Assessment:
    kind: Kind
    reasons: tuple[Reason, ...] = ()
    rounded: bool = False
    """Whether the data were rounded, and are no picture: what is known is then whether the result is one that they allow."""

    @property
    def filled(self) -> bool:
        """Whether a wide hole is all there is to say: nothing went wrong, and what was asked for cannot be judged."""
        return [r.name for r in self.reasons] == ["hole"]

    @property
    def title(self) -> str:
        """What comes before the reasons."""
        return "filled in:" if self.filled else f"{self.kind} because"

    @property
    def sentence(self) -> str:
        """Good, or the title with every reason."""
        if self.kind == "good" and self.rounded:
            return "good: it agrees with all that was kept of the picture, and what was lost is a guess"
        if self.kind == "good":
            return "good: what the picture does not explain looks like noise"
        if self.kind == "not judged":
            return "not judged: the data are no picture, or too small, and their residual says little"
        return f"{self.title} " + "; and ".join(r.words for r in self.reasons)

    def __str__(self) -> str:
        return self.sentence


def verdict(f: Figures) -> Assessment:
    """What cannot be reached comes first: no setting helps there."""
    limits = Limits()
    if beyond := tuple(_beyond(f, limits)):
        return Assessment("out of reach", beyond)
    doubts = tuple(_doubts(f, limits))
    return Assessment("doubtful", doubts) if doubts else Assessment("good")


def allowed(missed: float | None) -> Assessment:
    """Of data that are no picture. missed: the share of them that the result disagrees with; None where they would allow any."""
    if missed is None:
        return Assessment("not judged")
    if missed <= Limits().missed:
        return Assessment("good", rounded=True)
    doubt = _reason(
        "disagrees",
        f"it disagrees with {percent(missed)} of what was kept of the picture: take more steps",
        missed=missed,
    )
    return Assessment("doubtful", (doubt,), rounded=True)


def _beyond(f: Figures, at: Limits) -> Iterator[Reason]:
    if f.hole >= at.hole:
        yield _reason(
            "hole",
            f"what was filled, as far as {f.hole} pixels from what is known, is invented, and cannot be checked",
            hole=f.hole,
            missing=f.missing,
        )
    noisy = f.noise is not None and f.noise > at.noisy
    # A run that was told no level may take it all the same.
    gone = f.told is None and f.left is not None and f.left <= at.left
    if noisy and f.correlated and f.white and not gone:
        yield _reason(
            "correlated noise",
            "neighbouring pixels share the noise, and the run took it for independent: leave the strength of the grain to be "
            "measured",
            noise=f.noise or 0.0,
        )
    if noisy and f.cut > at.cut:
        yield _reason(
            "cut off",
            f"{percent(f.cut)} of the picture lie in areas that are white throughout: what was there is not in the data",
            cut=f.cut,
        )


def _doubts(f: Figures, at: Limits) -> Iterator[Reason]:
    if f.told and f.noise and not at.told_low <= f.told / f.noise <= at.told_high:
        ratio = f.told / f.noise
        much = f"{ratio:.1f} times" if ratio > 1 else f"only {percent(ratio)} of"
        yield _reason(
            "sigma", f"the run took the noise to be {much} what the data show: leave the strength of the grain to be measured, or "
            "correct it",
            told=f.told, noise=f.noise,
        )  # fmt: skip
    # Where the residual is larger along edges, what it lacks elsewhere was given for detail; a pattern is detail everywhere.
    # Where there is detail a filter leaves the noise in it, and what is measured of the noise is too much.
    busy = f.direct and f.quiet is None
    kept, enough = f.kept if f.quiet is None else f.quiet, at.kept_anyway if busy or f.edges >= at.edges else at.kept
    noisy = f.left is None or (f.left > at.left and f.left * (f.noise or 0.0) > at.seen)
    missed = kept is not None and kept < (at.uncertain if f.correlated else enough)
    # A filter leaves a pattern its own frequencies of the noise; where it is quiet, and the residual whole, nothing was fitted.
    fitted = not f.direct or (f.quiet is not None and f.quiet < enough)
    if kept is not None and missed and noisy:
        yield _reason(
            "overfitted",
            f"the residual is only {percent(kept)} of the noise, so that the picture keeps the rest of it: set "
            "the strength of the grain higher, or take fewer steps",
            kept=kept,
        )
    # What still looks like noise is it only if the residual lacks some: else it is fine texture.
    elif noisy and not busy and f.remains and at.remains < f.remains < 1 and kept is not None and kept < at.kept:
        yield _reason(
            "noise remains", f"the picture still shows {percent(f.remains)} of the noise of the data: set the "
            "strength of the grain higher, or take fewer steps", remains=f.remains,
        )  # fmt: skip
    elif fitted and not missed and not f.correlated and (f.noise or 0.0) > at.noisy and f.neighbours < at.against:
        yield _reason(
            "noise fitted", "neighbours in the residual have opposite signs: part of the noise was fitted, or the operator is "
            "not what was done to the picture", neighbours=f.neighbours,
        )  # fmt: skip
    # Of a law, such as that of counts, the deviation is known better than it can be measured.
    law = f.discrepancy if f.transformed and f.discrepancy else math.inf
    # How alike neighbours are where they share their noise is not known that well. What was taken of a picture lies where its
    # detail is; a camera's own noise is patchy, too, but elsewhere, and neighbours may have a little of any noise in common.
    if f.correlated:
        structured = f.patchy > at.patchy and f.edges > at.follows
    else:
        aside = f.direct and f.edges < at.aside and f.detail < 0.005
        structured = f.neighbours > (at.neighbours_aside if aside else at.neighbours)
    if (f.noise is not None and structured) or (
        f.detail > at.detail and f.neighbours > at.neighbours / 2 and not f.correlated
    ):
        left = f"neighbours correlate by {f.neighbours:.2f}"
        if f.detail >= 0.005:
            left = f"neighbours correlate by {f.neighbours:.2f}, {percent(f.detail)} of the detail is missing"
        yield _reason(
            "structure", f"parts of the picture are left in the residual ({left}): "
            "take more steps, set the strength of the grain lower, or check the operator",
            neighbours=f.neighbours, detail=f.detail, edges=f.edges,
        )  # fmt: skip
    elif f.kept is not None and not f.correlated and min(f.kept, law) > at.smooth:
        yield _reason(
            "too smooth", f"the residual is {f.kept:.2f} times the noise: detail was taken away with it", kept=f.kept
        )
    signs = [f"its spectrum rises by {f.rise:.1f} dB"] if f.rise > at.rise else []
    signs += [f"{percent(f.outside)} of it lies beyond the range of the data"] if f.outside > at.outside else []
    if signs:
        why = (
            "look for a fine pattern that repeats, which the data had, or which was made of their noise"
            if f.direct
            else "the kernel is likely wider than, or other than, the real one"
        )
        yield _reason("ringing", f"the picture rings ({', and '.join(signs)}): {why}", rise=f.rise, outside=f.outside)
    if max(map(abs, f.shift)) > max(at.shift, f.residual / 4):
        worst = max(f.shift, key=abs)
        yield _reason(
            "colour", f"a channel is {'darker' if worst > 0 else 'brighter'} than the data by {f.said(abs(worst), form='.1f')} in "
            "the mean: take more steps, or another seed", shift=worst,
        )  # fmt: skip
    if f.spread is not None and f.spread > at.spread:
        yield _reason(
            "spread", f"runs with other seeds give other pictures (they differ by {f.apart(f.spread, form='.1f')}): doubt what "
            "they do not share, or repeat more often", spread=f.spread,
        )  # fmt: skip


def _reason(name: str, words: str, **figures: float) -> Reason:
    return Reason(name, words, tuple(figures.items()))
