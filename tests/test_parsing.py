"""Parts as a person writes them, over every registered rule and network: what is written is what is meant, or refused."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch

import untaught
from untaught.core import parsing
from untaught.core.errors import BadInput
from untaught.core.registry import networks, tasks
from untaught.solver import stopping
from untaught.tasks._presets import table

RULES, NETWORKS = stopping.kinds(), dict(networks.items())
KINDS = [*((RULES, name) for name in RULES), *((NETWORKS, name) for name in NETWORKS)]
NAMED = [name for name in tasks.names() if "stop" in tasks.get(name).settings]


def named_id(value):
    return value if isinstance(value, str) else "network" if value is NETWORKS else "rule"


@pytest.mark.parametrize(("kinds", "name"), KINDS, ids=named_id)
def test_what_is_written_of_a_part_makes_it_again(kinds, name):
    examples = kinds[name].examples()
    assert examples
    for part in examples:
        written = parsing.text(part, kinds)
        assert written.startswith(name)
        assert parsing.parse(written, kinds, "part") == part
        assert parsing.parse(f" {written} ".replace(",", " , "), kinds, "part") == part


def test_compositions_are_written_and_read_again():
    for one in RULES.values():
        both = one.examples()[0] | stopping.After(30)
        assert stopping.rule(stopping.text(both)) == both
        assert stopping.rule(stopping.text(both).replace("|", " | ")) == both


@pytest.mark.parametrize(("kinds", "name"), KINDS, ids=named_id)
def test_what_cannot_be_is_refused_with_the_fields_and_an_example(kinds, name):
    kind, example = kinds[name], parsing.text(kinds[name].examples()[0], kinds)
    known = [f.name for f in fields(kind) if f.init and not f.name.startswith("_")]
    with pytest.raises(BadInput, match=f"did you mean '{name}'"):
        parsing.parse(f"{name}x", kinds, "part")
    if not known:
        with pytest.raises(BadInput, match="no settings"):
            parsing.parse(f"{name}:1", kinds, "part")
        return
    with pytest.raises(BadInput) as refused:
        parsing.parse(f"{name}:{known[0]}x=1", kinds, "part")
    assert known[0] in str(refused.value)
    assert example in str(refused.value)
    for key in known:
        for bad in (f"{key}=~", f"{key}=", f"{key}=1,{key}=1"):
            with pytest.raises(BadInput) as refused:
                parsing.parse(f"{name}:{bad}", kinds, "part")
            assert key in str(refused.value)


@pytest.mark.parametrize("value", ["0", "-1", "-3,4", "nan", "0,0"])
@pytest.mark.parametrize(("kinds", "name"), KINDS, ids=named_id)
def test_any_number_works_or_is_refused_before_the_run(kinds, name, value):
    for field in fields(kinds[name]):
        try:
            part = parsing.parse(f"{name}:{field.name}={value}", kinds, "part")
            if kinds is RULES:
                method = untaught.Method(SMALL, stop=part | stopping.After(3))
                untaught.solve(untaught.Problem(torch.rand(1, 1, 16, 16), likelihood=untaught.Gaussian(0.1)), method)
            else:
                side = -(-8 // part.multiple) * part.multiple
                with torch.no_grad():
                    z = torch.rand(1, 2, *[side // getattr(part, "shrink", 1)] * 2)
                    assert part.build(2, 1)(z).shape == (1, 1, side, side)
        except BadInput:
            continue


SMALL = untaught.Network(untaught.Hourglass(down=(4,), skip=0), untaught.Noise(2))


class TestTasks:
    """The settings `stop` and `network` of every task that has them."""

    def job(self, task, **settings):
        picture, other = np.random.default_rng(0).integers(0, 255, (2, 24, 28, 3)).astype(np.uint8)
        mask = np.pad(np.full((2, 3), 255, np.uint8), ((4, 18), (5, 20)))
        extra = {
            "inpaint": {"mask": mask},
            "deblur": {"kernel": "gauss:0.7"},
            "flash": {"flash": other},
            "reconstruct": {"operator": "identity"},
        }
        return tasks.get(task).job(picture, **extra.get(task, {}), **settings)

    @pytest.mark.parametrize("task", NAMED)
    def test_a_named_rule_stops_the_networks_that_are_fitted(self, task):
        fitted = [s for s in self.job(task, preset="paper", stop="variance:patience=50").stages if s.fixed is None]
        assert fitted
        for stage in fitted:
            first, *rest = stage.method.stop.parts
            assert first == stopping.WindowedVariance(patience=50)
            assert any(part.fixed for part in rest)  # the preset's own steps, twice
        (limit,) = [
            p for p in self.job(task, preset="paper", stop="auto|after:7").stages[-1].method.stop.parts if p.fixed
        ]
        assert limit == stopping.After(7)

    @pytest.mark.parametrize("task", NAMED)
    @pytest.mark.parametrize("name", NETWORKS)
    def test_any_network_takes_the_place_of_the_one_that_is_fitted(self, task, name):
        net = NETWORKS[name].examples()[0]
        job = self.job(task, preset="paper", network=parsing.text(net, NETWORKS))
        assert net in [s.network.net for s in job.stages if getattr(s, "network", None)]

    @pytest.mark.parametrize("task", NAMED)
    @pytest.mark.parametrize("setting", ["stop", "network"])
    def test_what_cannot_take_it_says_so(self, task, setting):
        wanted = {"stop": "variance", "network": "unet"}[setting]
        for preset in table(task):
            said = ""
            try:
                assert self.job(task, preset=preset, **{setting: wanted}).stages
            except BadInput as refused:
                said = str(refused)
            if said and "coefficients" not in said:  # which only the file itself has
                assert f"The preset '{preset}' is " in said
                assert f"leave {setting} out" in said
        with pytest.raises(BadInput, match="There is no (stopping rule|network) 'varianze'"):
            self.job(task, preset="paper", **{setting: "varianze"})

    def test_a_named_network_runs_to_its_picture(self):
        picture = np.random.default_rng(0).integers(0, 255, (16, 17)).astype(np.uint8)
        settings = {"preset": "paper", "steps": 3, "sigma": 0.1, "network": "hourglass:down=4,4,skip=0"}
        found = untaught.denoise(picture, **settings, stop="variance:window=2,patience=1")
        assert found.shape == picture.shape
