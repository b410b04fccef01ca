"""How a picture is parted into a base and its detail: few steps of a network, whose pictures hold the coarse shapes first."""

from __future__ import annotations

from untaught.core.errors import unknown
from untaught.solver.stage import Solve, Stage
from untaught.tasks._presets import Facts, Preset, choose

MOMENTS = {"coarse": 30, "medium": 80, "fine": 200}


def enhancing(name: str, detail: str, facts: Facts) -> tuple[Stage, ...]:
    """The stages of a preset of `PRESETS`, ended at the moment that shows that detail, or at the three of them for "all"."""
    from untaught.solver.averaging import AtSteps
    from untaught.solver.stopping import After

    if detail not in (*MOMENTS, "all"):
        raise unknown("detail", detail, [*MOMENTS, "all"])
    moments = tuple(MOMENTS.values()) if detail == "all" else (MOMENTS[detail],)
    moments = moments if facts.steps is None else (facts.steps,)
    (stage,) = choose(PRESETS, name, facts)
    assert isinstance(stage, Solve)
    return (stage.changed(average=AtSteps(moments), stop=After(max(moments))),)


def _hourglass(facts: Facts, *, widths: tuple[int, ...], code: int, lr: float) -> tuple[Stage, ...]:
    from untaught.prior import Network
    from untaught.prior.codes import Noise
    from untaught.prior.networks.hourglass import Hourglass
    from untaught.solver.optimisers import Adam
    from untaught.solver.stage import Method, Solve
    from untaught.solver.stopping import After

    prior = Network(Hourglass(down=widths), Noise(code), output="sigmoid" if facts.pictures else "linear")
    return (Solve(Method(prior, optimiser=Adam(lr), stop=After(MOMENTS["fine"]))),)


def _fast(facts: Facts) -> tuple[Stage, ...]:
    return _hourglass(facts, widths=(8, 16, 32, 32, 32), code=8, lr=0.01)


def _paper(facts: Facts) -> tuple[Stage, ...]:
    return _hourglass(facts, widths=(128,) * 5, code=32, lr=0.01)


PRESETS = {
    p.name: p
    for p in (
        Preset("fast", "a narrow network", "this project; moments: docs/images/enhance.jpg", _fast),
        Preset(
            "paper", "the paper's network", "Ulyanov et al., IJCV 2020; its step numbers were not given", _paper
        ),
    )
}
