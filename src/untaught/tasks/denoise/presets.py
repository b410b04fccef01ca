"""How grain is removed: a classic filter; a small network fed with recorruptions, and a generator beside it; the paper's recipe."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil, prod

from untaught.classical.denoise import lichi
from untaught.classical.denoise.bands import Bands
from untaught.classical.denoise.blocks import Blocks
from untaught.classical.denoise.camera import Camera
from untaught.classical.denoise.filter import Filter
from untaught.classical.denoise.lichi import LIChI, LIChIGuide
from untaught.classical.denoise.local_mean import LocalMean
from untaught.classical.denoise.matching import Pass
from untaught.classical.denoise.nl_bayes import NonLocalBayes
from untaught.classical.denoise.nl_ridge import SPARSE, NonLocalRidge, Quick, Tiled
from untaught.classical.denoise.nlm import NonLocalMeans
from untaught.classical.denoise.series import SeriesFilter, SeriesRidge
from untaught.classical.denoise.signals import Signals
from untaught.classical.denoise.still import Steadied
from untaught.classical.denoise.volumes import Volumes
from untaught.noise.kinds import GRAIN
from untaught.prior.networks.compact import Compact
from untaught.prior.networks.hourglass import Hourglass
from untaught.problem.likelihoods import Gaussian, Impulse, Laplace, Likelihood
from untaught.solver.averaging import ExponentialPictures
from untaught.solver.objectives.recorrupt import Recorrupt
from untaught.solver.stage import Estimate, Stage
from untaught.solver.stopping import Discrepancy
from untaught.tasks import _rows
from untaught.tasks._presets import ALWAYS, STEPS, Facts, Presets, Row, When, way
from untaught.tasks._rows import ALONE, CLASSIC, DIP, FILTER_ALONE, Beside, Classic, Fitted, generates, taught
from untaught.tasks.inpaint.presets import DRAWN
from untaught.tasks.inpaint.presets import PRESETS as FILLING

MILD = 5 / 255  # noise up to which a generator's share would be too small to be seen
STRONG = 35 / 255  # and from which on it is worth more than the longer part of a fed stage
LARGE = 768 * 768  # pixels above which a picture gets quicker filters; those up to there fit into one window
SMALL = 2**17  # and up to which `balanced` has the time for a generator after the whole of its fed stage
MANY_BANDS = 6  # channels from which on few combinations of them hold what they have in common
HUGE = 10**7  # and from which on they are quicker still
LAW = NonLocalMeans(distance=4, strip=64)  # what noise that was cut off is like needs no better estimate
# Groups of 64 gain 0.02 dB, and take a fifth more of the time.
LAST = Quick(ridge=replace(SPARSE, again=(Pass(5, 48, 15),)))
_RIDGE = "NL-Ridge (Herbreteau and Kervrann 2022); values: docs/benchmarks"


def grainy(likelihood: Likelihood) -> bool:
    """Whether the values that are no impulses have more noise than clean pictures have, too."""
    return isinstance(likelihood, Impulse) and likelihood.sigma >= GRAIN


def _large(facts: Facts) -> bool:
    return len(facts.space) == 2 and prod(facts.space) > LARGE


@dataclass(frozen=True)
class Filtered(Row):
    """A classic filter; `large` is its form for pictures of more than 768 x 768 pixels."""

    guide: LIChI
    large: Tiled | LIChI
    source: str = field(
        default="LIChI (Herbreteau and Kervrann 2024); values: docs/benchmarks/white-noise.md", repr=False
    )

    note = CLASSIC

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        return (Estimate(Filter(self.large if _large(facts) else self.guide)),)


@dataclass(frozen=True)
class Recorrupted(Row):
    """A compact network fed with recorruptions of the picture, with the non-local ridge as its guide, and LIChI as the last pass.

    quick: large pictures are seen by windows, with quick guides.
    """

    steps: int
    widths: tuple[int, ...]
    lr: float
    pool: int
    quick: bool = True
    guide: LIChIGuide = LIChIGuide()
    source: str = field(
        default=f"Recorrupted-to-Recorrupted (Pang et al., CVPR 2021) guided by {_RIDGE}, and LIChI (2024)",
        repr=False,
    )

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        # A small picture is soon known by heart, noise and all: it gets more recorruptions, which cost it little.
        pool = max(self.pool, min(6, ceil(self.pool * 2**16 / prod(facts.space))))
        objective, passes, steps = Recorrupt(0.5, self.guide, pool=pool, refine=True, base=LAW), pool, self.steps
        if self.quick and _large(facts):
            # There is more to be learnt from more windows, and what the noise is like needs no better estimate than a mean
            # (benchmarks/guides.py).
            guide, pool, passes, steps = LAST, 16, 2, max(steps, 600)
            if prod(facts.space) > HUGE:
                means, ridge = replace(guide.means, distance=3), replace(guide.ridge, again=(Pass(5, 16, 11),))
                guide, pool, passes = Quick(means, ridge), 8, 1
            objective = Recorrupt(0.5, guide, pool=pool, window=512, refine=True, base=LocalMean())
        return (taught(facts, Compact(self.widths), objective, steps, self.lr, residual=facts.sigma, passes=passes),)


@dataclass(frozen=True)
class Filled(Row):
    """Impulses are holes: they are filled as `inpaint` does by that preset, and then the grain of all values is removed by the same
    preset here, if there is some."""

    preset: str
    source: str = field(
        default="as `inpaint` fills single pixels, and then as grain of that strength is removed", repr=False
    )

    @property
    def note(self) -> str:  # type: ignore[override]
        return CLASSIC if self.preset == "instant" else ""

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        holes = replace(facts.problem, likelihood=Gaussian())
        asked = replace(facts, problem=holes, kind="pixels")
        stages = [
            replace(s, problem=s.problem or holes)
            for s in FILLING.way(self.preset, asked).plan(self.preset, asked).stages
        ]
        if grainy(facts.problem.likelihood):
            grain = replace(holes, likelihood=Gaussian(facts.sigma), weight=None)
            asked = replace(facts, problem=grain)
            # The first stage alone: one after it would need the data as they came.
            first = PRESETS.way(self.preset, asked).plan(self.preset, asked).stages[0]
            stages.append(replace(first, problem=grain, onward=True))
        return tuple(stages)


@dataclass(frozen=True)
class Robust(Row):
    """The same with absolute errors: convex, and as blind to large ones as the likelihood of impulses; any start will do. Of skewed
    noise they find the middle, which is nearer to the picture than the mean.
    """

    row: Fitted | Beside
    source: str = field(default=f"{DIP}; with impulses, absolute errors", repr=False)

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        problem = replace(facts.problem, likelihood=Laplace(facts.sigma))
        return tuple(replace(stage, problem=problem) for stage in self.row.stages(facts))


MEANS = Classic(Camera(bayes=None), "NLM (Buades, Coll and Morel 2005); values: docs/benchmarks")
_CLINIC = "NLM and NL-Bayes (Lebrun, Colom and Morel, The Noise Clinic, IPOL 2015); values: docs/benchmarks"
CAMERA = Classic(Camera(), _CLINIC)
_DENSE = NonLocalBayes(Pass(5, 24, 35, stride=3), (Pass(5, 128, 35, stride=3), Pass(5, 192, 35, stride=3)))
CAREFUL = Classic(Camera(bayes=_DENSE), _CLINIC)
FIRST, CAREFUL_FIRST = replace(CAMERA, note=""), replace(CAREFUL, note="")
# Where neighbours share the noise a network fits it soon; beside the filter it brings back texture, and errs elsewhere. It ends
# where it explains the data as well as the filter: a loud picture of 112 x 112 is known by heart after 150 steps.
_SHARE = f"a share of a Deep Image Prior ({DIP}), with absolute errors; values: docs/benchmarks"
_ENOUGH = Discrepancy(1.03, decay=0.97, start=True)
_BRIEF = replace(_rows.NARROW.row, until=_ENOUGH)
_LONGER = replace(_BRIEF, steps=500, average=ExponentialPictures(0.98), members=3)
BESIDE, LONG_BESIDE = (Robust(Beside(row, measured=True), _SHARE) for row in (_BRIEF, _LONGER))
QUICK, LONGER, LONGEST = (Filtered(lichi.QUICK, large) for large in (Tiled(), lichi.LARGE, lichi.LARGER))
_ALONG = (
    "NL-Ridge with groups along time (as Arias and Morel, JMIV 2018, for NL-Bayes); values: docs/benchmarks/series.md"
)
ALONG = Classic(SeriesFilter(Steadied(SeriesRidge(then=(Pass(5, 64),), frames=1))), _ALONG)
ALONG_TWICE = Classic(SeriesFilter(Steadied()), _ALONG)
ALONG_MORE = Classic(SeriesFilter(Steadied(SeriesRidge(frames=4))), _ALONG)
# Of what neighbours share each frame alone knows more than the ridge's own first pass.
ALONG_SHARED = Classic(SeriesFilter(SeriesRidge(then=(Pass(5, 128),)), Camera(bayes=None)), _ALONG)
_BLOCKS = "NL-Ridge and LIChI (Herbreteau and Kervrann 2022, 2024) of blocks, as BM4D (2013); values: docs/benchmarks/volumes.md"
VOLUME = Classic(Filter(Blocks()), _BLOCKS)
_JUDGED = f"{_BLOCKS}; smoothing splines; by Stein's risk"
VOLUME_JUDGED, VOLUME_TOLD = (Classic(Filter(v), _JUDGED) for v in (Volumes(), Volumes(doubt=1.0)))
_BANDS = "FastHyDe (Zhuang and Bioucas-Dias 2018) with LIChI (2024), or blocks; values: docs/benchmarks/volumes.md"
BANDS = Classic(Filter(Bands()), _BANDS)
BANDS_OF_VOLUMES = Classic(Filter(Bands(Blocks())), _BANDS)
SIGNAL = Classic(
    Filter(Signals()),
    "smoothing splines (Whittaker 1923), total variation and NL-Ridge, weighted by Stein's risk; values: docs/science.md",
)
# The rounds need no better pilot than what a network makes of the first pass in few steps; larger groups in the last pass are worth
# their time from `balanced` on (docs/benchmarks/white-noise.md).
_LARGE = (Pass(5, 384, 45),)
FAST = Recorrupted(steps=100, widths=(16, 32, 48), lr=3e-3, pool=2, guide=LIChIGuide(NonLocalRidge(then=()), rounds=5))
_FIRST = LIChIGuide(NonLocalRidge(then=(), again=_LARGE))
BALANCED = Recorrupted(steps=800, widths=(16, 32, 48), lr=3e-3, pool=6, guide=_FIRST)
_SECOND = LIChIGuide(NonLocalRidge(again=_LARGE))
BEST = Recorrupted(steps=3000, widths=(32, 48, 64), lr=2e-3, pool=12, quick=False, guide=_SECOND)
# After LIChI less of a generator is too much: of montage 0.3 are best, of barbara none (docs/benchmarks/white-noise.md).
NARROW = replace(_rows.NARROW, slope=1.0)
WIDE = Beside(Fitted(Hourglass((16, 32, 64, 128, 128), skip=16), 500), slope=1.0)
PAPER = Fitted(jitter=1 / 30, source=f"{DIP}: 1800 steps")
LOUD = replace(PAPER, jitter=1 / 20)


def _measured(facts: Facts, kind: str) -> bool:
    """Whether the noise is not white, and of that kind: on real photos and micrographs the network lost up to 3 dB to its guide."""
    noise = getattr(facts.problem.likelihood, "noise", None)
    return noise is not None and kind == (noise.sharers or "brightness")


def _apart(facts: Facts) -> bool:
    """Whether nobody shares the noise."""
    return facts.problem.likelihood.white or _measured(facts, "brightness")


NEIGHBOURS = When("noise that neighbouring pixels share", lambda facts: _measured(facts, "neighbouring pixels"))
CHANNELS = When("noise that the channels share", lambda facts: _measured(facts, "the channels"))
SIGNALS = When("signals, along one axis", lambda facts: len(facts.space) == 1 and facts.problem.likelihood.white)
SPECTRAL = When(
    f"{MANY_BANDS} channels or more, along two or three axes",
    lambda facts: facts.channels >= MANY_BANDS and len(facts.space) > 1 and _apart(facts),
)
VOLUMES = When("volumes", lambda facts: len(facts.space) == 3 and _apart(facts))
GIVEN = When("sigma given", lambda facts: facts.kind == "noise given")
FRAMES = When("frames along time", lambda facts: facts.kind == "time")
IMPULSES = When("impulses", lambda facts: isinstance(facts.problem.likelihood, Impulse))
# There are too many pixels for full guides, and the network with quick ones loses a decibel to LIChI.
PLAIN = When("1 or 2 channels, above 768 x 768 pixels", lambda facts: _large(facts) and facts.channels < 3)
WIDE_COLOUR = When("3 channels or more, above 768 x 768 pixels", lambda facts: _large(facts) and facts.channels >= 3)
# Such holes are filled without a network, and what grain there is beside them is left to a filter.
MANY = When(
    f"above {DRAWN} pixels, next to no grain or 1 or 2 channels",
    lambda facts: (
        len(facts.space) == 2
        and prod(facts.space) > DRAWN
        and (not grainy(facts.problem.likelihood) or PLAIN.holds(facts))
    ),
)
FITS = When("up to 768 x 768 pixels", lambda facts: not _large(facts))
FEWER = When("up to 10 million pixels", lambda facts: prod(facts.space) <= HUGE)
# In mild noise a network of so few channels lacks the detail of a picture that is not small.
GENERATES = When("up to 768 x 768 pixels, noise above 5/255", lambda facts: generates(facts) and facts.sigma > MILD)
COLOUR = When("3 channels, up to 768 x 768 pixels", lambda facts: generates(facts) and facts.channels >= 3)
TIME = When("up to 2^17 pixels", lambda facts: prod(facts.space) <= SMALL)
NOISY = When("noise above 35/255", lambda facts: facts.sigma > STRONG)
NOISIER = When("noise above 37/255", lambda facts: facts.sigma > 37 / 255)

_BETTER = "for noise that {} a classic filter does better than the network, and was used; give sigma{} to insist on the network"
_NEIGHBOURS = _BETTER.format("neighbouring pixels share", "")
_CHANNELS = _BETTER.format("the channels share", ", and the noise as gaussian,")
_FRAMES = "along time a classic filter does better than the network, and was used"
_SIGNALS = (
    "for signals a classic filter, of splines, plateaus and similar pieces, does better than the network, and was used"
)
_VOLUMES = "for volumes a classic filter, of similar blocks, does better than the network, and was used"
_BANDWISE = (
    "for so many channels a classic filter, of what they have in common, does better than the network, and was used"
)
_LARGER = "for large pictures a classic filter does better than the quick network, and was used"
_INSIST = (
    "for large pictures a classic filter does better than the quick network, and was used; "
    "give steps to insist on the network"
)
PRESETS = Presets(
    {
        "instant": "a classic filter, no network",
        "fast": "seconds",
        "balanced": "a minute",
        "best": "what minutes buy",
        "paper": "the exact recipe",
    },
    way(FRAMES & NEIGHBOURS, instant=ALONG_SHARED),
    way(FRAMES & NEIGHBOURS, _FRAMES, fast=ALONG_SHARED, balanced=ALONG_SHARED, best=ALONG_SHARED),
    way(FRAMES, instant=ALONG),
    way(FRAMES, _FRAMES, fast=ALONG_TWICE, balanced=ALONG_TWICE, best=ALONG_MORE),
    way(IMPULSES & NOISIER, paper=Robust(LOUD)),
    way(IMPULSES & MANY, CLASSIC, fast=Filled("fast")),
    way(
        IMPULSES,
        instant=Filled("instant"),
        fast=Filled("fast"),
        balanced=Filled("balanced"),
        best=Filled("best"),
        paper=Robust(PAPER),
    ),
    way(NOISIER, paper=LOUD),
    way(NEIGHBOURS, instant=MEANS),
    way(NEIGHBOURS & COLOUR & STEPS, FILTER_ALONE, balanced=CAMERA, best=CAREFUL),
    way(NEIGHBOURS & COLOUR, balanced=(FIRST, BESIDE), best=(CAREFUL_FIRST, LONG_BESIDE)),
    way(NEIGHBOURS & FITS, _NEIGHBOURS, fast=CAMERA),
    way(NEIGHBOURS & FEWER, _NEIGHBOURS, balanced=CAMERA, best=CAREFUL),
    way(NEIGHBOURS, _NEIGHBOURS, fast=MEANS, balanced=MEANS, best=MEANS),
    way(CHANNELS & PLAIN & FEWER, _CHANNELS, best=LONGEST),
    way(CHANNELS, _CHANNELS, fast=QUICK, balanced=QUICK, best=QUICK),
    way(SIGNALS, instant=SIGNAL),
    way(SIGNALS, _SIGNALS, fast=SIGNAL, balanced=SIGNAL, best=SIGNAL),
    way(SPECTRAL & VOLUMES, instant=BANDS_OF_VOLUMES),
    way(SPECTRAL & VOLUMES, _BANDWISE, fast=BANDS_OF_VOLUMES, balanced=BANDS_OF_VOLUMES, best=BANDS_OF_VOLUMES),
    way(SPECTRAL, instant=BANDS),
    way(SPECTRAL, _BANDWISE, fast=BANDS, balanced=BANDS, best=BANDS),
    way(VOLUMES, instant=VOLUME),
    way(VOLUMES & GIVEN, _VOLUMES, fast=VOLUME_TOLD, balanced=VOLUME_TOLD, best=VOLUME_TOLD),
    way(VOLUMES, _VOLUMES, fast=VOLUME_JUDGED, balanced=VOLUME_JUDGED, best=VOLUME_JUDGED),
    way(PLAIN & FEWER, _LARGER, fast=LONGER, balanced=LONGEST),
    way(PLAIN, _LARGER, fast=QUICK, balanced=LONGER),
    way(WIDE_COLOUR & STEPS, fast=FAST, balanced=BALANCED),
    way(WIDE_COLOUR & FEWER, _INSIST, fast=LONGER, balanced=LONGEST),
    way(WIDE_COLOUR, _INSIST, balanced=LONGER),
    way(GENERATES & STEPS & (TIME | NOISY), ALONE, balanced=BALANCED),
    way(GENERATES & STEPS, ALONE, best=BEST),
    way(GENERATES & TIME, balanced=(BALANCED, NARROW)),
    way(GENERATES & NOISY, balanced=(FAST, NARROW)),
    way(GENERATES, best=(BEST, WIDE)),
    way(ALWAYS, instant=QUICK, fast=FAST, balanced=BALANCED, best=BEST, paper=PAPER),
)
