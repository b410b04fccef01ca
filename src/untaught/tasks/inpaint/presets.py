"""How holes are filled: by the holes' own shape. What surrounds thin holes closely is fed to a network; wide ones are painted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import TYPE_CHECKING

from untaught.core.errors import unknown
from untaught.solver.stage import Estimate, Method, Solve, Stage
from untaught.tasks._presets import Facts, Preset, choose

if TYPE_CHECKING:
    from untaught.io.masks import Shape
    from untaught.prior.networks.hourglass import Hourglass

WIDE = 8.0  # pixels from what is known: further than a patch of seven reaches in a round or two
SPARSE = 0.9  # missing: less than five known pixels in a patch of seven
MANY = 0.2  # missing
SIX = (16, 32, 64, 128, 128, 128)


@dataclass(frozen=True)
class Recipe:
    """A published recipe: `kind` of holes, in words; the paper's network, code, jitter, rate and steps; a narrower network."""

    kind: str
    net: Callable[[], Hourglass]
    narrow: Callable[[], Hourglass]
    code: str
    channels: int
    jitter: float
    lr: float
    steps: int


def _net(*args: object, **settings: object) -> Callable[[], Hourglass]:
    def build() -> Hourglass:
        from untaught.prior.networks.hourglass import Hourglass

        return Hourglass(*args, **settings)  # type: ignore[arg-type]

    return build


_NARROW = (16, 32, 64, 64, 64)
_SHALLOW = _net((32,) * 5, skip=4, upsample="nearest")
RECIPES = {
    "text": Recipe("thin holes", _net(skip=128, upsample="nearest"), _SHALLOW, "noise", 32, 0.03, 0.01, 6001),
    "pixels": Recipe("many single pixels", _net(), _SHALLOW, "noise", 32, 0.03, 0.001, 11000),
    "sparse": Recipe(
        "next to nothing known",
        _net(SIX[:5], skip=0, downsample="avg"),
        _net(_NARROW, skip=0, downsample="avg"),
        "noise", 32, 0.0, 0.01, 1000,
    ),
    "hole": Recipe(
        "a wide hole", _net(skip=0, upsample="nearest"), _net(_NARROW, skip=0, upsample="nearest"), "grid", 2, 0.03, 0.01, 5001
    ),
    "region": Recipe(
        "wide holes over much of the picture",
        _net(SIX, skip=0, kernel_down=5, upsample="nearest", mix=False),
        _net((*_NARROW, 64), skip=0, kernel_down=5, upsample="nearest", mix=False),
        "noise", 1, 0.0, 0.01, 3001,
    ),
}  # fmt: skip


def recognise(holes: Shape) -> tuple[str, str]:
    """(the recipe for such holes, why)."""
    from untaught.io.masks import percent

    share = percent(holes.missing)
    if holes.missing >= SPARSE:
        return "sparse", f"{share} is missing"
    if holes.radius >= WIDE:
        name = "region" if holes.missing > 0.1 else "hole"
        return name, f"{share} is missing, in holes that reach {holes.radius:.0f} pixels from what is known"
    name = "pixels" if holes.missing >= MANY else "text"
    return name, f"{share} is missing, and no hole reaches further than {holes.radius:.1f} pixels from what is known"


def inpainting(name: str, recipe: str, holes: Shape, facts: Facts, notes: list[str]) -> tuple[Stage, ...]:
    """The stages of a preset for holes of that shape; the choice, and why, is told in `notes`."""
    if recipe == "auto":
        recipe, why = recognise(holes)
        notes.append(f"The recipe '{recipe}' was chosen ({RECIPES[recipe].kind}): {why}.")
    elif recipe not in RECIPES:
        raise unknown("recipe", recipe, ["auto", *RECIPES])
    if name == "instant":
        notes.append("instant is a classic filter, no network")
    return choose(_table(recipe), name, facts)


def _filling(facts: Facts) -> tuple[Stage, ...]:
    from untaught.classical.inpaint import Fill, RidgeFill

    return (Estimate(Fill(RidgeFill())),)


def _refill(
    facts: Facts,
    *,
    recipe: str,
    widths: tuple[int, ...],
    steps: int,
    pool: int,
    patch: int,
    generator: tuple[Callable[[], Hourglass], int, int] | None = None,
) -> tuple[Stage, ...]:
    """A compact network corrects the non-local ridge's filling, judged on pixels that were hidden from both.

    generator: a stage that comes before, on what is not kept back: its network, its steps, and how many are averaged.
    """
    from untaught.classical.inpaint import RidgeFill
    from untaught.prior import Network
    from untaught.prior.codes import Fed
    from untaught.prior.networks.compact import Compact
    from untaught.solver.averaging import ExponentialWeights
    from untaught.solver.objectives.refill import Hide, Refill, kept_back
    from untaught.solver.optimisers import Adam
    from untaught.solver.stopping import After

    prior = Network(Compact(widths), Fed(2 * facts.channels), output="linear", residual=0.05)
    hide: Hide = "holes" if recipe == "text" else "pixels"
    objective = Refill(RidgeFill(patch), hide, pool=pool, seed=facts.seed)
    adam, stop = Adam(2e-3, "one-cycle", (0.9, 0.99)), After(facts.steps or steps)
    last = Solve(Method(prior, objective, adam, ExponentialWeights(0.99), stop, passes=8))
    if generator is None:
        return (last,)
    known = facts.problem.weight
    assert known is not None
    back = kept_back(known, hide, objective.fraction, facts.seed)
    if not bool((known - back).any()):
        return (last,)
    net, most, members = generator
    # A step costs as much as there are pixels.
    fewer = max(300, round(most * min(1, 3 * 2**15 / prod(facts.space))))
    (first,) = _generate(facts, recipe=recipe, net=net, steps=fewer, decay=0.99, falling=True, members=members)
    return replace(first, problem=replace(facts.problem, weight=known - back)), last


def _generate(
    facts: Facts,
    *,
    recipe: str,
    steps: int,
    decay: float,
    net: Callable[[], Hourglass] | None = None,
    falling: bool = False,
    members: int = 1,
) -> tuple[Stage, ...]:
    """The paper's family: the whole picture from a fixed code, fitted where it is known.

    net: narrower than the paper's. falling: at a rate that falls to nothing and starts twice as high: with few steps that
    gains 0.7 to 1.9 dB where single pixels are missing, and loses 1.4 where next to nothing is known. members: so many are begun
    anew and averaged, which gains more than as many steps (docs/benchmarks/inpaint.md).
    """
    from untaught.prior import Ensemble, Network
    from untaught.prior.codes import Grid, Noise
    from untaught.solver.averaging import ExponentialPictures, Last
    from untaught.solver.optimisers import Adam
    from untaught.solver.stopping import After

    r = RECIPES[recipe]
    code = Grid() if r.code == "grid" else Noise(r.channels)
    output = "sigmoid" if facts.pictures else "linear"
    prior = Network((net or r.net)(), code, jitter=r.jitter, output=output)  # type: ignore[arg-type]
    average = ExponentialPictures(decay) if decay else Last()
    adam = Adam(0.02, "one-cycle") if falling else Adam(max(r.lr, 0.01) if net else r.lr)
    sought = Ensemble(prior, members) if members > 1 else prior
    return (Solve(Method(sought, optimiser=adam, average=average, stop=After(facts.steps or steps))),)


_RIDGE = "ridge regression on similar patches, corrected by Split (Batson and Royer 2019); values: docs/benchmarks"
_DIP = "Ulyanov, Vedaldi and Lempitsky, CVPR 2018"


def _table(recipe: str) -> dict[str, Preset]:
    """The presets for one kind of holes."""
    fed = recipe in ("text", "pixels")
    narrow, steps = RECIPES[recipe].narrow, RECIPES[recipe].steps
    if fed:
        refill, grown = partial(_refill, recipe=recipe), _net((16, 32, 64, 128, 128), skip=16)
        fast = partial(refill, widths=(16, 32, 48), steps=300, pool=2, patch=7)
        balanced = partial(refill, widths=(16, 32, 48), steps=400, pool=2, patch=9, generator=(narrow, 600, 1))
        best = partial(refill, widths=(32, 48, 64), steps=1000, pool=6, patch=9, generator=(grown, 3000, 2))
    else:
        fast = partial(_generate, recipe=recipe, net=narrow, steps=500, decay=0.98)
        balanced = partial(_generate, recipe=recipe, net=narrow, steps=1000, decay=0.99)
        best = partial(_generate, recipe=recipe, steps=2000 if recipe != "sparse" else 1000, decay=0.99)
    paper = partial(_generate, recipe=recipe, steps=steps, decay=0.0)
    presets = (
        Preset("instant", "a classic filling, no network", "values: docs/benchmarks", _filling),
        Preset("fast", "seconds to minutes", _RIDGE if fed else f"{_DIP}, narrower", fast),
        Preset("balanced", "some minutes", _RIDGE if fed else f"{_DIP}, narrower", balanced),
        Preset("best", "what minutes buy", _RIDGE if fed else f"{_DIP}, fewer steps", best),
        Preset("paper", "the exact recipe", f"{_DIP}: {steps} steps", paper),
    )
    return {p.name: p for p in presets}


PRESETS = _table("pixels")
__all__ = ["PRESETS", "RECIPES", "inpainting", "recognise"]
