"""How a JPEG's artefacts are removed: a filter kept within the file's intervals, a network on top, or the paper's recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untaught.core.errors import BadInput
from untaught.problem.operators import Identity
from untaught.solver.stage import Estimate, Solve, Stage
from untaught.tasks._beside import narrow, worthwhile
from untaught.tasks._presets import Facts, Preset, choose

if TYPE_CHECKING:
    from untaught.classical.deblock import Deblock


def dejpegging(name: str, facts: Facts, notes: list[str]) -> tuple[Stage, ...]:
    """The stages of a preset of `PRESETS`; what it does otherwise than its name says is told in `notes`."""
    stages = choose(PRESETS, name, facts)
    if name == "instant":
        notes.append("instant is a classic filter, no network.")
    elif name != "paper" and isinstance(facts.problem.operator, Identity):
        notes.append(
            "Without coefficients the paper's recipe for JPEG is what there is: the mean square to the pixels."
        )
    return stages


def _deblock() -> Deblock:
    """The classic: groups of 48, and twice with what was found before as the pilot (docs/benchmarks/dejpeg.md)."""
    from untaught.classical.deblock import Deblock
    from untaught.classical.denoise.nl_ridge import NonLocalRidge, Pass

    other = Pass(5, 48, stride=4)
    return Deblock(NonLocalRidge(Pass(7, 16, stride=4), (other,), (other, other)))


def _classic(facts: Facts) -> tuple[Stage, ...]:

    if isinstance(facts.problem.operator, Identity):
        raise BadInput(
            "The preset 'instant' works on a JPEG's coefficients, and there are none: name the JPEG file itself, or use the "
            "preset 'fast'."
        )
    return (Estimate(_deblock()),)


def _snail(facts: Facts, *, steps: int) -> tuple[Stage, ...]:
    """The authors' network and steps for the snail, a 400x261 JPEG."""
    from untaught.prior import Network
    from untaught.prior.codes import Noise
    from untaught.prior.networks.hourglass import Hourglass
    from untaught.solver.averaging import ExponentialPictures
    from untaught.solver.optimisers import Adam
    from untaught.solver.stage import Method
    from untaught.solver.stopping import After

    net = Hourglass(down=(8, 16, 32, 64, 128), skip=(0, 0, 0, 4, 4))
    prior = Network(net, Noise(3), jitter=1 / 30, output="sigmoid" if facts.pictures else "linear")
    stop = After(facts.steps or steps)
    return (Solve(Method(prior, optimiser=Adam(0.01), average=ExponentialPictures(0.99), stop=stop)),)


def _bootstrap(facts: Facts, *, steps: int, widths: tuple[int, ...], pool: int) -> tuple[Stage, ...]:
    """The classic estimate, and a network that learns on it what the estimate does wrong."""
    from untaught.prior import Network
    from untaught.prior.codes import Fed
    from untaught.prior.networks.compact import Compact
    from untaught.solver.averaging import ExponentialWeights
    from untaught.solver.objectives.bootstrap import Bootstrap
    from untaught.solver.optimisers import Adam
    from untaught.solver.stage import Method
    from untaught.solver.stopping import After

    prior = Network(Compact(widths), Fed(2 * facts.channels), output="linear", residual=_level(facts))
    objective = Bootstrap(_deblock(), pool=pool)
    adam, stop = Adam(2e-3, "one-cycle", (0.9, 0.99)), After(facts.steps or steps)
    return (*_classic(facts), Solve(Method(prior, objective, adam, ExponentialWeights(0.99), stop, passes=8)))


def _level(facts: Facts) -> float:
    """The deviation of the brightness from the picture's, guessed from the file's tables."""
    from untaught.problem.operators.dct import BlockDCT

    operator = facts.problem.operator
    assert isinstance(operator, BlockDCT)
    return float(operator.deviations[0])


def _fast(facts: Facts) -> tuple[Stage, ...]:
    if isinstance(facts.problem.operator, Identity):
        return _snail(facts, steps=1000)
    return _bootstrap(facts, steps=400, widths=(16, 32, 48), pool=3)


def _balanced(facts: Facts) -> tuple[Stage, ...]:
    if isinstance(facts.problem.operator, Identity):
        return _snail(facts, steps=1600)
    if not _generates(facts):
        return _bootstrap(facts, steps=800, widths=(32, 48, 64), pool=8)
    return (*_fast(facts), _generator(facts))


def _best(facts: Facts) -> tuple[Stage, ...]:
    if isinstance(facts.problem.operator, Identity):
        return _snail(facts, steps=2400)
    stages = _bootstrap(facts, steps=3000, widths=(32, 48, 64), pool=12)
    return (*stages, _generator(facts)) if _generates(facts) else stages


def _generates(facts: Facts) -> bool:
    """In grey a generator takes from texture."""
    return worthwhile(facts) and facts.channels > 1


def _generator(facts: Facts) -> Stage:
    """It knows more of the colours, which the file holds most coarsely; the finer the file, the less it helps."""
    return narrow(facts, min(0.3, 6 * _level(facts)))


def _paper(facts: Facts) -> tuple[Stage, ...]:
    return _snail(facts, steps=2400)


_OURS = "a bootstrap of NL-Ridge (Herbreteau and Kervrann 2022) within the quantisation intervals"
_BOTH = f"{_OURS}, and a share of a Deep Image Prior"
_RIDGE = "NL-Ridge (Herbreteau and Kervrann 2022) within the quantisation intervals"
PRESETS = {
    p.name: p
    for p in (
        Preset("instant", "a classic filter, no network", f"{_RIDGE}; values: this project", _classic),
        Preset("fast", "seconds", f"{_OURS}; values: this project", _fast),
        Preset("balanced", "a minute", f"{_BOTH}; values: docs/benchmarks/dejpeg.md", _balanced),
        Preset("best", "what minutes buy", f"{_BOTH}; values: this project", _best),
        Preset(
            "paper", "the exact recipe", "Ulyanov et al., CVPR 2018, and the authors' code: 2400 steps", _paper
        ),
    )
}
