"""Presets: every table, over every preset and every kind of job. What is planned is compared with what is told; nothing runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import is_dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

import untaught
from untaught.core import registry
from untaught.core.errors import BadInput
from untaught.noise import Measured, NoiseModel
from untaught.problem import Problem
from untaught.problem.likelihoods import Gaussian, Impulse, Interval, Reward
from untaught.problem.operators import Compose, FromLinear, Identity
from untaught.problem.operators.blur import BlindBlur, Blur, SoughtBlur
from untaught.problem.operators.jpeg import BlockDCT, Plane
from untaught.problem.operators.resample import Downsample
from untaught.solver.stage import Estimate, Solve
from untaught.solver.stopping import Auto, FirstOf
from untaught.tasks._page import page
from untaught.tasks._presets import Facts, network
from untaught.tasks._rows import ALONE, FILTER_ALONE
from untaught.tasks.enhance.presets import MOMENTS
from untaught.tasks.inpaint.presets import RECIPES

SPACES = {"small": (24, 26), "middling": (400, 400), "large": (800, 800), "volume": (5, 8, 9), "signal": (50,)}
TABLES = dict(registry.presets.items())


def empty(channels: int, space: tuple[int, ...]) -> torch.Tensor:
    """A picture of nothing, which takes no memory."""
    return torch.zeros(1).expand(1, channels, *space)


def noises(channels: int) -> Iterator[tuple[str, object]]:
    for level in (3, 25, 36, 50):
        yield f"white {level}", Gaussian(level / 255)
    one, even = torch.ones(1), (torch.zeros(1), torch.ones(1))
    yield (
        "shared by neighbours",
        Measured(NoiseModel(0.1 * one, True, torch.full((channels, channels, 2, 2), 0.5), *even)),
    )
    yield "counted", Measured(NoiseModel(0.1 * one, False, torch.ones(1, 1, 1, 1), *even))
    if channels > 1:
        mixed = torch.full((channels, channels, 1, 1), 0.5)
        yield "shared by channels", Measured(NoiseModel(0.1 * one.expand(channels), False, mixed, *even))
    for level in (1, 20, 50):
        yield f"impulses {level}", Impulse(0.1, level / 255)


def denoise() -> Iterator[tuple[str, Facts]]:
    for channels in (1, 2, 3):
        for size, space in {**SPACES, "huge": (3200, 3200)}.items():
            for name, likelihood in noises(channels):
                lost = isinstance(likelihood, Impulse)
                if lost and (size, channels) not in (("small", 1), ("small", 3), ("volume", 1), ("large", 1)):
                    continue  # filling is not asked about channels
                weight = torch.arange(space[-1]).clamp_max(1).float() if lost else None
                problem = Problem(empty(channels, space), likelihood=likelihood, weight=weight)
                yield f"{name}, {size}, {channels}", Facts(problem, True)
                if size == "volume" and name in ("white 25", "shared by neighbours"):
                    yield f"frames, {name}, {channels}", Facts(problem, True, kind="time")
    for channels, size, kind in ((8, "small", ""), (8, "volume", ""), (1, "volume", "noise given")):
        problem = Problem(empty(channels, SPACES[size]), likelihood=Gaussian(0.1))
        yield f"{channels} channels, {size}, {kind}", Facts(problem, True, kind=kind)


def deblur() -> Iterator[tuple[str, Facts]]:
    for size, space in SPACES.items():
        sides = (3,) * len(space)
        even = torch.full(sides, 1 / 3 ** len(sides))
        operators = {"known": Blur(even), "sought": SoughtBlur(sides), "self": BlindBlur(sides, 0)}
        for name, operator in operators.items():
            yield f"{name}, {size}", Facts(Problem(empty(3, space), operator, Gaussian(0.01)), True)


def upscale() -> Iterator[tuple[str, Facts]]:
    for small in ((10, 12), (64, 70), (520, 520), (5, 8, 9), (50,)):
        for factor in (2, 8):
            operator = Downsample(small, tuple(n * factor for n in small), "lanczos3")
            yield f"{small} times {factor}", Facts(Problem(empty(3, small), operator), True)
            yield f"noisy {small} times {factor}", Facts(Problem(empty(3, small), operator, Gaussian(0.05)), True)
    yield "repeated pixels", Facts(Problem(empty(3, (64, 70))), True, kind="blocks")


def inpaint() -> Iterator[tuple[str, Facts]]:
    for recipe in RECIPES:
        for size in ("small", "middling", "volume", "signal"):
            weight = torch.ones(1, 1, *SPACES[size])
            weight[..., ::5] = 0
            yield f"{recipe}, {size}", Facts(Problem(empty(3, SPACES[size]), weight=weight), True, kind=recipe)


def dejpeg() -> Iterator[tuple[str, Facts]]:
    for channels in (1, 3):
        for size, blocks in {"small": 3, "large": 97}.items():
            planes = (Plane((blocks, blocks), (1, 1), ((20.0,) * 8,) * 8),) * channels
            operator = BlockDCT(planes, channels == 3)
            data = torch.zeros(1, channels * 64 * blocks**2)
            problem = Problem(data, operator, Interval(0.5, 0.02), weight=operator.energies())
            yield f"coefficients, {size}, {channels}", Facts(problem, True)
        yield f"pixels, {channels}", Facts(Problem(empty(channels, (24, 26))), True)


def enhance() -> Iterator[tuple[str, Facts]]:
    for detail in (*MOMENTS, "all"):
        yield detail, Facts(Problem(empty(3, (24, 26))), True, kind=detail)


def flash() -> Iterator[tuple[str, Facts]]:
    for name, guide in {
        "flat": torch.ones(1, 1, 24, 26),
        "guide": torch.linspace(0, 1, 24 * 26).view(1, 1, 24, 26),
    }.items():
        yield name, Facts(Problem(empty(3, (24, 26)), likelihood=Gaussian(0.05)), True, guide=guide)


def features() -> Iterator[tuple[str, Facts]]:
    operator = FromLinear(torch.rand(10, 12), (3, 2, 2))
    yield "a class", Facts(Problem(torch.zeros(1, 10), operator, Reward(1.0)), True)
    yield "a layer", Facts(Problem(empty(20, (3, 3)), likelihood=Reward(1.0)), True)


def reconstruct() -> Iterator[tuple[str, Facts]]:
    for name, linear in (("linear", True), ("not linear", False)):
        for size, space in SPACES.items():
            operator = Compose(Identity(), Identity())
            operator.linear = linear
            for kind in ("", "noise given", "counts"):
                yield (
                    f"{name}, {size}, {kind}",
                    Facts(Problem(empty(1, space), operator, Gaussian(0.01)), False, kind=kind),
                )


KINDS = {
    "denoise": denoise, "deblur": deblur, "upscale": upscale, "inpaint": inpaint, "dejpeg": dejpeg, "enhance": enhance,
    "flash": flash, "activate": features, "preimage": features, "reconstruct": reconstruct,
}  # fmt: skip


@cache
def asked_of(task: str) -> dict[str, Facts]:
    """Jobs of every kind, by name."""
    return dict(KINDS[task]())


@cache
def planned(task: str, **settings: object) -> list[tuple[str, str, Facts, object]]:
    """(kind, preset, facts, plan) of every preset for every kind of job; where a job is refused, none."""
    return list(_planned(task, settings))


def _planned(task: str, settings: dict[str, object]) -> Iterator[tuple[str, str, Facts, object]]:
    for kind, facts in asked_of(task).items():
        for preset in TABLES[task]:
            if task == "deblur" and kind.startswith("sought" if preset == "paper" else "self"):
                continue  # `deblur` seeks a kernel with the picture for that preset alone, and before it for the others
            asked = replace(facts, **settings)
            if task == "dejpeg" and kind.startswith("pixels") and preset != "paper":
                continue  # `dejpeg` seeks their coefficients, or has `denoise` restore them
            yield kind, preset, asked, TABLES[task].plan(preset, asked)


every_task = pytest.mark.parametrize("task", sorted(TABLES))
STEPS = pytest.mark.parametrize("steps", [None, 1])


def test_every_task_with_presets_is_swept():
    assert set(KINDS) == set(TABLES)


@every_task
def test_every_line_of_the_table_is_taken_by_some_job_and_names_presets_that_there_are(task):
    taken = {
        (id(TABLES[task].way(preset, replace(facts, steps=steps))), preset)
        for facts in asked_of(task).values()
        for preset in TABLES[task]
        for steps in (None, 7)
    }
    written = {(id(way), preset): way.when.words for way in TABLES[task].ways for preset in way.rows}
    assert {preset for _, preset in written} == set(TABLES[task])
    assert not {(words, preset) for (line, preset), words in written.items() if (line, preset) not in taken}


@every_task
def test_every_row_is_a_frozen_value_with_a_source(task):
    for way in TABLES[task].ways:
        for rows in way.rows.values():
            for row in rows:
                assert is_dataclass(row)
                assert type(row).__dataclass_params__.frozen
                assert row.source.strip()
                assert row == replace(row)


@STEPS
@every_task
def test_what_is_told_agrees_with_the_stages(task, steps):
    for kind, preset, _, plan in planned(task, steps=steps):
        what = f"{preset} for {kind}: {plan.notes}"
        assert plan.stages, what
        assert not any("{" in note for note in plan.notes), what
        bare = not any(map(network, plan.stages))
        told = any("no network" in note or "classic filter" in note for note in plan.notes)
        assert told <= bare, what
        # The notes say it, or the preset is called so and nothing else is expected of it.
        assert bare == (told or TABLES[task][preset].startswith("no network")), what
        if all(isinstance(stage, Estimate) for stage in plan.stages):
            assert told, what


@every_task
def test_a_generator_that_a_number_of_steps_leaves_out_is_told_and_no_other(task):
    whole = {(kind, preset): plan for kind, preset, _, plan in planned(task, steps=None)}
    for kind, preset, _, plan in planned(task, steps=1):
        without = whole[kind, preset]
        left_out = any(s.beside for s in without.stages) and not any(s.beside for s in plan.stages)
        told = {note.format(preset=preset) for note in (ALONE, FILTER_ALONE)} & set(plan.notes)
        assert bool(told) == left_out, f"{preset} for {kind}"
        assert not any("steps given" in note for note in without.notes)


@STEPS
@every_task
def test_stopping_by_itself_is_refused_where_nothing_overfits_and_says_why(task, steps):
    for kind, preset, facts, plan in planned(task, steps=steps):
        fitted = [isinstance(s, Solve) and s.method.overfits for s in plan.stages]
        asked = replace(facts, stop="auto")
        if any(fitted):
            found = TABLES[task].plan(preset, asked)
            assert [isinstance(s, Solve) and _by_itself(s) for s in found.stages] == fitted, f"{preset} for {kind}"
            assert found.notes == plan.notes
            continue
        with pytest.raises(BadInput) as refused:
            TABLES[task].plan(preset, asked)
        fed = any(map(network, plan.stages))
        assert ("fed with the data" in str(refused.value)) == fed, f"{preset} for {kind}: {refused.value}"
        assert ("a classic" in str(refused.value)) != fed


def _by_itself(stage: Solve) -> bool:
    return isinstance(stage.method.stop, FirstOf) and Auto() in stage.method.stop.rules


@every_task
def test_steps_seed_and_device_reach_every_stage_that_has_them(task):
    for kind, preset, _, plan in planned(task, steps=9, seed=4, device="meta"):
        for stage in plan.stages:
            assert stage.device == "meta", f"{preset} for {kind}"
            if isinstance(stage, Solve):
                assert (stage.fixed or stage.steps, stage.method.seed) == (9, 4), f"{preset} for {kind}"


@every_task
def test_names_that_there_are_not_are_refused_with_the_nearest(task):
    facts = next(iter(asked_of(task).values()))
    with pytest.raises(BadInput, match="did you mean 'fast'"):
        TABLES[task].plan("fsat", facts)
    with pytest.raises(BadInput, match="There is no stopping rule 'atuo'"):
        TABLES[task].plan("fast", replace(facts, stop="atuo"))


def test_a_person_is_told_what_the_plan_tells():
    noisy = np.random.default_rng(0).integers(0, 255, (24, 26, 3)).astype(np.uint8)
    for steps in (None, 3):
        for preset in TABLES["denoise"]:
            job = untaught.denoise.job(noisy, sigma=0.1, preset=preset, steps=steps)
            facts = Facts(job.problem, True, steps=steps)
            assert job.notes == TABLES["denoise"].plan(preset, facts).notes
    with pytest.raises(BadInput, match="'fast' is fed with the data"):
        untaught.denoise.job(noisy, sigma=0.1, preset="fast", steps=1, stop="auto")


def test_the_page_of_the_tables_is_that_of_the_rows():
    kept = Path(__file__).parents[1] / "docs" / "presets.md"
    assert kept.read_text("utf-8") == page(), "python -m untaught.tasks._page > docs/presets.md"
