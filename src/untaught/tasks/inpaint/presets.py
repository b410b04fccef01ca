"""How holes are filled: by the holes' own shape. What surrounds thin holes closely is fed to a network; wide ones are continued
from elsewhere in the picture; in series and volumes they are painted by a network."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING

from untaught.classical.blended import Blended, Hide, kept_back
from untaught.classical.exemplar import Exemplar
from untaught.classical.inpaint import SOUGHT, SOUGHT_IN_COLOUR, Fill, RidgeFill
from untaught.core.amounts import percent
from untaught.core.errors import unknown
from untaught.prior.codes import Grid, Noise
from untaught.prior.networks.compact import Compact
from untaught.prior.networks.hourglass import Hourglass
from untaught.solver.averaging import ExponentialPictures, Last
from untaught.solver.objectives.refill import Refill
from untaught.solver.stage import Estimate, Stage
from untaught.tasks._presets import ALWAYS, Facts, Presets, Row, Way, When, way
from untaught.tasks._rows import CLASSIC, DIP, Classic, Fitted, taught

if TYPE_CHECKING:
    from untaught.io.masks import Shape

WIDE = 8.0  # pixels from what is known: further than a patch of seven reaches in a round or two
MOST = 0.8  # missing: single pixels that are known lie so far apart that some are twice as far from the next
SPARSE = 0.96  # missing: less than five known pixels in a patch of eleven
MANY = 0.2  # missing
DRAWN = 2**17  # pixels: above, a generator's steps are no matter of seconds
SIX = (16, 32, 64, 128, 128, 128)  # features of the paper's network, by depth


@dataclass(frozen=True)
class Recipe:
    """A published recipe: `kind` of holes, in words; the paper's own, and a narrower network for the same."""

    kind: str
    paper: Fitted
    narrow: Hourglass

    def longer(self, steps: int) -> Fitted:
        """The paper's network for other steps, and the averaged picture."""
        return replace(self.paper, steps=steps, average=ExponentialPictures(0.99), source=f"{DIP}, fewer steps")

    def shorter(self, steps: int, decay: float) -> Fitted:
        """The narrower one."""
        average = ExponentialPictures(decay)
        return replace(self.paper, net=self.narrow, steps=steps, lr=0.01, average=average, source=f"{DIP}, narrower")


def _paper(net: Hourglass, steps: int, code: Noise | Grid, *, jitter: float = 0.0, lr: float = 0.01) -> Fitted:
    return Fitted(net, steps, code, lr, jitter=jitter, average=Last(), source=f"{DIP}: {steps} steps")


_SLIM = (16, 32, 64, 64, 64)  # the same, for results within minutes
_SHALLOW = Hourglass((32,) * 5, skip=4, upsample="nearest")
RECIPES = {
    "text": Recipe("thin holes", _paper(Hourglass(skip=128, upsample="nearest"), 6001, Noise(), jitter=0.03), _SHALLOW),
    "pixels": Recipe("many single pixels", _paper(Hourglass(), 11000, Noise(), jitter=0.03, lr=0.001), _SHALLOW),
    "sparse": Recipe(
        "next to nothing known",
        _paper(Hourglass(SIX[:5], skip=0, downsample="avg"), 1000, Noise()),
        Hourglass(_SLIM, skip=0, downsample="avg"),
    ),
    "hole": Recipe(
        "a wide hole",
        _paper(Hourglass(skip=0, upsample="nearest"), 5001, Grid(), jitter=0.03),
        Hourglass(_SLIM, skip=0, upsample="nearest"),
    ),
    "region": Recipe(
        "wide holes over much of the picture",
        _paper(Hourglass(SIX, skip=0, kernel_down=5, upsample="nearest", mix=False), 3001, Noise(1)),
        Hourglass((*_SLIM, 64), skip=0, kernel_down=5, upsample="nearest", mix=False),
    ),
}


def recognise(holes: Shape) -> tuple[str, str]:
    """(the recipe for such holes, why)."""
    share = percent(holes.missing)
    if holes.missing >= SPARSE:
        return "sparse", f"{share} is missing"
    if holes.radius >= (WIDE if holes.missing < MOST else 2 * WIDE):
        name = "region" if holes.missing > 0.1 else "hole"
        return name, f"{share} is missing, in holes that reach {holes.radius:.0f} pixels from what is known"
    name = "pixels" if holes.missing >= MANY else "text"
    return name, f"{share} is missing, and no hole reaches further than {holes.radius:.1f} pixels from what is known"


def chosen(recipe: str, holes: Shape) -> tuple[str, tuple[str, ...]]:
    """(the recipe for holes of that shape, what is told of the choice); `BadInput` for a recipe that there is not."""
    if recipe == "auto":
        name, why = recognise(holes)
        return name, (f"The recipe '{name}' was chosen ({RECIPES[name].kind}): {why}.",)
    if recipe not in RECIPES:
        raise unknown("recipe", recipe, ["auto", *RECIPES])
    return recipe, ()


@dataclass(frozen=True)
class Refilled(Row):
    """A compact network corrects the non-local ridge's filling, judged on pixels that were hidden from both.

    hide: whether these lie as holes do, or singly. before: a stage that is fitted to what is not kept back.
    """

    steps: int
    widths: tuple[int, ...]
    pool: int
    hide: Hide
    before: Fitted | None = None
    source: str = field(
        default="ridge regression on similar patches, corrected by Split (Batson and Royer 2019); values: docs/benchmarks",
        repr=False,
    )

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        objective = Refill(RidgeFill(), self.hide, pool=self.pool, seed=facts.seed)
        last = taught(facts, Compact(self.widths), objective, self.steps, 2e-3, residual=0.05)
        if self.before is None:
            return (last,)
        known = facts.problem.weight
        assert known is not None
        back = kept_back(known, self.hide, objective.fraction, facts.seed)
        if not bool((known - back).any()):
            return (last,)
        # A step costs as much as there are pixels.
        fewer = max(300, round(self.before.steps * min(1, 3 * 2**15 / prod(facts.space))))
        (first,) = replace(self.before, steps=fewer).stages(facts)
        return replace(first, problem=replace(facts.problem, weight=known - back)), last


@dataclass(frozen=True)
class Drawn(Row):
    """A generator is fitted to the known pixels less those that are kept back, and blended into the non-local ridge's filling where
    it is nearer to these.

    pixels: of the largest picture that gets all its steps; in larger ones, a step of which costs more, they are fewer. least: with
    fewer than these it has no picture yet.
    """

    generator: Fitted
    filling: RidgeFill = RidgeFill()
    hide: Hide = "pixels"
    pixels: int = 2**16
    least: int = 200
    source: str = field(
        default=f"ridge regression on similar patches, and a share of a Deep Image Prior ({DIP}); values: docs/benchmarks",
        repr=False,
    )

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        last = Blended(self.filling, self.hide, seed=facts.seed)
        known = facts.problem.weight
        if known is None:
            return (Estimate(last),)
        back = kept_back(facts.problem.known, self.hide, last.fraction, facts.seed)
        seen = known * (1 - back)
        if not bool(seen.any()) or not bool(back.any()):
            return (Estimate(last),)
        steps = max(self.least, round(self.generator.steps * min(1, self.pixels / prod(facts.space))))
        (first,) = replace(self.generator, steps=steps).stages(facts)
        return replace(first, problem=replace(facts.problem, weight=seen)), Estimate(last)


@dataclass(frozen=True)
class Copied(Row):
    """The picture is continued from known patches elsewhere in it; the seed is the search's, and another finds another filling."""

    filling: Exemplar = Exemplar()
    source: str = field(
        default="patches from elsewhere (Wexler et al. 2007; Barnes et al. 2009); values: docs/benchmarks", repr=False
    )
    note: str = field(
        default=f"{CLASSIC}: wide holes are continued from elsewhere in the picture. Where the rim of something still shows, fill "
        "more around it (grow); another seed gives another filling.",
        repr=False,
    )

    def stages(self, facts: Facts) -> tuple[Stage, ...]:
        return (Estimate(Fill(replace(self.filling, seed=facts.seed))),)


# A rate that falls to nothing and starts twice as high gains 0.7 to 1.9 dB with few steps where single pixels are missing, and
# loses 1.4 where next to nothing is known. Two that are averaged gain more than as many steps (docs/benchmarks/inpaint.md).
FILLED = Classic(Fill(RidgeFill()), "ridge regression on similar patches; values: docs/benchmarks")
FAST = Refilled(300, (16, 32, 48), pool=2, hide="pixels")
BEFORE = Fitted(_SHALLOW, 600, Noise(), 0.02, "one-cycle", jitter=0.03)
GROWN = Fitted(Hourglass((16, 32, 64, 128, 128), skip=16), 3000, Noise(), 0.02, "one-cycle", jitter=0.03, members=2)
BALANCED = Refilled(400, (16, 32, 48), pool=2, hide="pixels", before=BEFORE)
BEST = Refilled(1000, (32, 48, 64), pool=6, hide="pixels", before=GROWN)
NARROW = Fitted(
    Hourglass((16,) * 5, skip=8, upsample="nearest", padding="zero"), 300, Noise(), 0.02, "one-cycle", jitter=0.03
)
SHORT, WIDER = replace(BEFORE, steps=400), replace(BEFORE, steps=900)
# Twice the rounds: up to 0.6 dB where nine tenths are missing, 0.1 where fewer are.
THOROUGH = RidgeFill(2 * SOUGHT, 2 * SOUGHT_IN_COLOUR)


def _of(recipe: str) -> When:
    return When(f"{recipe}: {RECIPES[recipe].kind}", lambda facts: facts.kind == recipe)


def _painted(recipe: str, best: int = 2000) -> Way:
    """What is around wide holes says little of them: they are painted by a network that is fitted to all the rest."""
    r = RECIPES[recipe]
    return way(
        _of(recipe), fast=r.shorter(500, 0.98), balanced=r.shorter(1000, 0.99), best=r.longer(best), paper=r.paper
    )


COPIED = Copied()
_PICTURE = When("along two axes", lambda facts: len(facts.space) == 2)
_SMALL = When(f"at most {DRAWN} pixels", lambda facts: prod(facts.space) <= DRAWN)


def _continued(recipe: str) -> Way:
    """A network smears what is wide, in minutes (docs/benchmarks/inpaint.md)."""
    return way(_of(recipe) & _PICTURE, instant=COPIED, fast=COPIED, balanced=COPIED, best=COPIED)


PRESETS = Presets(
    {
        "instant": "a classic filling, no network",
        "fast": "seconds to minutes",
        "balanced": "some minutes",
        "best": "what minutes buy",
        "paper": "the exact recipe",
    },
    _continued("hole"),
    _continued("region"),
    way(ALWAYS, instant=FILLED),
    way(
        _of("text"), paper=RECIPES["text"].paper,
        fast=replace(FAST, hide="holes"), balanced=replace(BALANCED, hide="holes"), best=replace(BEST, hide="holes"),
    ),
    way(_of("pixels") & _PICTURE & _SMALL, fast=Drawn(SHORT), balanced=Drawn(BEFORE, THOROUGH), best=Drawn(GROWN, THOROUGH)),
    way(_of("pixels") & _PICTURE, fast=FILLED, balanced=Drawn(NARROW, pixels=2**18), best=Drawn(WIDER, THOROUGH, pixels=2**18)),
    way(_of("pixels"), fast=FAST, balanced=BALANCED, best=BEST, paper=RECIPES["pixels"].paper),
    _painted("sparse", best=1000),
    _painted("hole"),
    _painted("region"),
)  # fmt: skip
