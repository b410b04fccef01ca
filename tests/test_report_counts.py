"""Laws of the report on counted light and speckle: judged where the noise is even, and told beside it and not in 255ths."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from judged import SIGMA, natural, noisy, said
from kept_runs import cli

import untaught
from untaught.io.results import Layout
from untaught.noise.anscombe import Anscombe
from untaught.problem import Problem
from untaught.problem.likelihoods import Gaussian, Likelihood, Poisson, PoissonGaussian, Speckle
from untaught.problem.operators import Identity, Operator
from untaught.problem.operators.blur import Blur
from untaught.problem.operators.kernels import named
from untaught.reports import Figures, judge
from untaught.solver.result import Scaled, Stabilised
from untaught.solver.uncertainty import Spread


@pytest.fixture
def clean() -> torch.Tensor:
    return natural()


@pytest.mark.parametrize("operator", [Identity(), Blur(named("gauss:1.6"))], ids=["as it is", "blurred"])
@pytest.mark.parametrize("law", [Poisson(50.0), PoissonGaussian(50.0, 0.05, dark=0.3), Speckle(10.0)], ids=str)
def test_noise_that_grows_with_the_light_is_judged_where_it_is_even(
    clean: torch.Tensor, law: Likelihood, operator: Operator
) -> None:
    """The truth is good, in the dark and in the light; what keeps half of the noise is not."""
    draw = np.random.default_rng(0)
    x = clean.mean(1, keepdim=True).square()
    light = operator(x).numpy()
    if law.counts is None:
        y, begin = light * draw.gamma(law.looks, 1 / law.looks, light.shape), 0.0
    else:
        gain, sigma, begin = law.counts
        y = begin + draw.poisson(light * gain) / gain + draw.normal(0, sigma, light.shape)
    problem = Problem(torch.from_numpy(y).float(), operator, law)
    found = judge(problem, x + begin)
    assert found.verdict.kind == "good", found.verdict
    assert found.figures is not None
    assert found.figures.kept == pytest.approx(1, abs=0.12)
    assert "of 255" not in found.to_html()
    if operator.direct:
        assert "overfitted" in said(problem, torch.lerp(x + begin, problem.data, 0.5))[1]
    darker = replace(problem, data=torch.zeros_like(problem.data))
    assert judge(darker, torch.zeros_like(x)).figures is not None  # nothing is bright enough


def test_levels_of_transformed_data_are_told_beside_the_noise(clean: torch.Tensor) -> None:
    """What the square root of counts is 255ths of, nobody knows: a level is a multiple of the noise there.

    Only how runs differ is known of the picture itself.
    """
    even = Scaled(Layout("uint8", None), 0.0, 255.0)
    finish = Stabilised(even, 0.0, 1.0, Anscombe(gain=100.0))
    darker = clean - 0.6 * SIGMA
    problem, seeds = Problem(noisy(clean), likelihood=Gaussian(SIGMA)), Spread.of([darker, darker + 0.1])
    plain, found, alone = (
        judge(problem, darker, spread=s, finish=f) for s, f in ((seeds, even), (seeds, finish), (None, finish))
    )
    assert found.figures is not None
    assert plain.figures is not None
    assert {r.name for r in found.verdict.reasons} == {r.name for r in plain.verdict.reasons} >= {"colour", "spread"}
    apart = f"{255 * 0.1 / 2**0.5:.1f} of 255"
    colour, spread = ({r.name: r.words for r in found.verdict.reasons}[name] for name in ("colour", "spread"))
    assert "0.6 times the noise" in colour
    assert apart in spread
    assert "of 255" not in found.verdict.sentence.replace(apart, "")
    assert "of 255" not in alone.to_html()
    assert "times the noise" in alone.to_html()
    assert found.figures.said(SIGMA) == "1.00 times the noise"
    assert "of 255" in next(r.words for r in plain.verdict.reasons if r.name == "colour")
    assert Figures.of(json.loads(found.to_json())["figures"]) == found.figures


@pytest.mark.parametrize("kind", ["poisson", "speckle"])
def test_the_page_of_a_stabilised_job_has_no_255ths(kind: str, noisy: np.ndarray, tmp_path: Path) -> None:
    from PIL import Image

    source, page = tmp_path / "in.png", tmp_path / "r.html"
    Image.fromarray(noisy).save(source)
    known = {"poisson": "gain", "speckle": "looks"}[kind]
    words = ["denoise", str(source), "--preset", "instant", "--noise", kind, f"--{known}", "40", "-q"]
    assert cli(*words, "-o", str(tmp_path / "out.png"), "--report", str(page)) == 0
    job = untaught.denoise.job(noisy, preset="instant", noise=kind, **{known: 40.0})
    for text in (page.read_text(encoding="utf-8"), untaught.report(untaught.solve(job)).to_html()):
        assert "of 255" not in text
        assert "times the noise" in text
