"""Laws of the report: what it says of residuals that are made to measure, and that looking changes nothing."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from judged import SIGMA, natural, noisy, said
from kept_runs import cli
from PIL import Image

import untaught
from untaught.core.geometry import box
from untaught.prior import Pixels
from untaught.problem import Problem
from untaught.problem.likelihoods import ClippedGaussian, Compressed, Gaussian, Interval, Laplace
from untaught.problem.operators.blur import Blur, SoughtBlur
from untaught.problem.operators.kernels import named
from untaught.reports import Figures, Report, judge, report, verdict
from untaught.reports.uncertainty_maps import _map
from untaught.solver.loop import Run
from untaught.solver.solution import Solution
from untaught.solver.stage import Job, Method, Solve
from untaught.solver.stopping import After
from untaught.solver.uncertainty import Spread, Uncertainty

FITTED = ["denoise", "in.png", "--preset", "paper", "--sigma", "25/255", "--steps", "3"]


@pytest.fixture
def clean() -> torch.Tensor:
    return natural()


def test_noise_alone_is_good(clean: torch.Tensor) -> None:
    y = noisy(clean)
    for likelihood in (Gaussian(SIGMA), Gaussian()):
        found = judge(Problem(y, likelihood=likelihood), clean)
        assert found.verdict.kind == "good", found.verdict
        assert found.figures is not None
        assert found.figures.kept == pytest.approx(1, abs=0.1)
        assert found.figures.neighbours == pytest.approx(0, abs=0.03)
        assert found.figures.flatness > 0.9
        assert max(map(abs, found.figures.shift)) < 1 / 255


def test_a_residual_with_the_picture_in_it(clean: torch.Tensor) -> None:

    assert said(Problem(noisy(clean)), box(clean, 3)) == ("doubtful", {"structure"})


def test_overfitted(clean: torch.Tensor) -> None:
    y = noisy(clean)
    kind, reasons = said(Problem(y), torch.lerp(clean, y, 0.4))
    assert kind == "doubtful"
    assert reasons & {"overfitted"}


@pytest.mark.parametrize("factor", [0.4, 3.0])
def test_a_wrong_sigma(clean: torch.Tensor, factor: float) -> None:
    assert "sigma" in said(Problem(noisy(clean), likelihood=Gaussian(factor * SIGMA)), clean)[1]


def test_a_wrong_colour(clean: torch.Tensor) -> None:
    shifted = clean.clone()
    shifted[:, 2] += 0.1
    assert "colour" in said(Problem(noisy(clean)), shifted)[1]


def test_ringing(clean: torch.Tensor) -> None:
    operator = Blur(named("gauss:1.6"))
    y = noisy(operator(clean), 1 / 255)
    waves = 0.15 * torch.sin(2 * torch.pi * torch.arange(clean.shape[-1]) / 5)
    good, rings = (said(Problem(y, operator, Gaussian(1 / 255)), x) for x in (clean, clean + waves))
    assert good[0] == "good"
    assert "ringing" in rings[1]
    blurred, direct = (judge(p, clean + waves).verdict.sentence for p in (Problem(y, operator), Problem(noisy(clean))))
    assert "its spectrum rises" in blurred
    assert "the kernel" in blurred
    assert "its spectrum rises" in direct
    assert "kernel" not in direct  # there is none


def test_noise_that_a_blurred_picture_does_not_show_is_none_of_its_doubts(clean: torch.Tensor) -> None:
    """As what a JPEG lost: its finest differences are gone, and that is no reason to call the noise that was told too much."""
    operator = Blur(named("gauss:1.6"))
    soft = operator(clean)
    pixels = (255 * soft[0].clamp(0, 1)).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(file := io.BytesIO(), "JPEG", quality=90)
    y = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)[None].to(clean) / 255
    lost = 2 * float((y - soft).std())
    plain, compressed = (said(Problem(y, operator, kind(lost)), clean) for kind in (Gaussian, Compressed))
    assert "sigma" in plain[1]
    assert compressed == ("good", set())


def test_detail_that_a_blur_leaves_is_none_of_the_noise() -> None:
    texture = 0.1 + 0.8 * torch.rand(1, 1, 96, 96, generator=torch.Generator().manual_seed(0))
    blur = Blur(named("gauss:0.8"))
    y = noisy(blur(texture), 1.5 / 255)
    found = judge(Problem(y, blur, Gaussian(1.5 / 255)), texture)
    assert found.figures is not None
    assert found.figures.noise == pytest.approx(1.5 / 255, rel=0.1)
    assert "overfitted" not in {r.name for r in found.verdict.reasons}


def test_a_kernel_that_was_found_is_judged_as_one_that_was_known(clean: torch.Tensor) -> None:
    kernel = named("gauss:1.6")
    known, found = Blur(kernel), SoughtBlur(kernel.shape)
    found.take(kernel, 0.0)
    y = noisy(known(clean), 1 / 255)
    first, again = (judge(Problem(y, operator, Gaussian(1 / 255)), clean) for operator in (known, found))
    assert first.figures is not None
    assert first.figures == again.figures
    assert first.verdict == again.verdict


def test_a_wide_hole_is_out_of_reach(clean: torch.Tensor) -> None:
    weight = torch.ones(1, 1, 128, 128)
    weight[..., 30:90, 40:100] = 0
    found = judge(Problem(clean, weight=weight), clean)
    assert (found.verdict.kind, found.verdict.reasons[0].name) == ("out of reach", "hole")
    assert found.figures is not None
    assert found.figures.hole == 30
    assert found.verdict.sentence.startswith("filled in: what was filled, as far as 30 pixels")
    assert "Out of reach" not in found.to_html()
    weight = (torch.rand(1, 1, 128, 128, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    assert said(Problem(clean, weight=weight), clean)[0] == "good"


def test_saturation_is_out_of_reach(clean: torch.Tensor) -> None:
    bright = clean * 1.2
    bright[..., :90] += 1.0
    y = noisy(bright).clamp(0, 1)
    assert said(Problem(y), bright.clamp(0, 1)) == ("out of reach", {"cut off"})


def test_an_object_cut_out_on_black_is_judged_by_the_object(clean: torch.Tensor) -> None:
    there = torch.zeros_like(clean)
    there[..., 30:100, 30:100] = 1
    y = noisy(clean).clamp(0, 1) * there
    assert "cut off" not in said(Problem(y, likelihood=ClippedGaussian(SIGMA)), clean * there)[1]


def test_strokes_on_white_that_are_a_little_pale_are_no_colour_cast() -> None:
    """Noise that was cut off at white makes the data darker than the page: brightness is compared with what is expected of it, and
    where it was cut off, too."""
    page = torch.full((1, 1, 96, 96), 0.96)
    page[..., ::6] = page[..., 1::6] = 0.2
    x = torch.lerp(page, box(page, 1), 0.1)
    y = noisy(page).clamp(0, 1)
    assert "colour" not in said(Problem(y, likelihood=ClippedGaussian(SIGMA)), x)[1]
    assert "colour" in said(Problem(y, likelihood=ClippedGaussian(SIGMA)), 0.9 * x)[1]


def test_correlated_noise_is_out_of_reach_for_a_white_model(clean: torch.Tensor) -> None:
    from untaught.noise import Measured, estimate_noise

    y = clean + box(noisy(torch.zeros_like(clean), 3 * SIGMA), 1)
    assert said(Problem(y, likelihood=Gaussian(SIGMA)), clean) == ("out of reach", {"correlated noise"})
    # A run that was told no level may take it all the same: it is judged by what is left.
    figures = judge(Problem(y), clean).figures
    assert figures is not None
    for left, reasons in ((0.1, set()), (0.5, {"correlated noise"})):
        assert {r.name for r in verdict(replace(figures, left=left)).reasons} & {"correlated noise"} == reasons
    measured = judge(Problem(y, likelihood=Measured(estimate_noise(y))), clean)
    assert measured.figures is not None
    assert measured.figures.neighbours == pytest.approx(0, abs=0.15)  # beside noise of its own kind


def test_a_stage_that_fits_by_other_errors_knows_the_noise_that_was_measured(clean: torch.Tensor) -> None:
    from untaught.noise import Measured, estimate_noise

    y = clean + box(noisy(torch.zeros_like(clean), 3 * SIGMA), 1)
    job = Problem(y, likelihood=Measured(estimate_noise(y)))
    stage = Solve(Method(Pixels(), stop=After(1)), problem=replace(job, likelihood=Laplace(SIGMA)))
    run = Run(Job((stage,), job))
    next(run)
    assert run.course.problem.likelihood == Laplace(SIGMA)
    found = report(replace(run.solution, x=clean))
    assert found.figures is not None
    assert not found.figures.white
    assert "correlated noise" not in {r.name for r in found.verdict.reasons}


def test_noise_that_is_patchy_is_no_structure_where_it_does_not_follow_the_picture(clean: torch.Tensor) -> None:
    """A camera smooths its own noise in places. What was taken of a picture is where its detail is."""
    from untaught.noise import Measured, estimate_noise

    y = clean + box(noisy(torch.zeros_like(clean), 3 * SIGMA), 1)
    found = judge(Problem(y, likelihood=Measured(estimate_noise(y))), clean).figures
    assert found is not None
    assert found.correlated
    aside, along = (verdict(replace(found, patchy=2.4, edges=edges)) for edges in (0.0, 0.5))
    assert "structure" not in {r.name for r in aside.reasons}
    assert "structure" in {r.name for r in along.reasons}


def test_what_is_no_picture_is_not_judged() -> None:
    assert judge(Problem(torch.randn(1, 1, 40)), torch.zeros(1, 1, 40)).verdict.kind == "not judged"
    assert judge(Problem(torch.rand(1, 3, 9, 40)), torch.zeros(1, 3, 9, 40)).verdict.kind == "not judged"


def test_data_that_were_rounded_are_judged_by_what_they_allow() -> None:
    y = torch.randn(1, 400, generator=torch.Generator().manual_seed(0))
    problem = Problem(y, likelihood=Interval(0.5))
    inside, outside = y + 0.4, y + torch.where(torch.arange(400) < 40, 0.7, 0.0)
    good, doubtful = (judge(problem, x).verdict for x in (inside, outside))
    assert (good.kind, good.sentence.startswith("good: it agrees")) == ("good", True)
    assert (doubtful.kind, [r.name for r in doubtful.reasons]) == ("doubtful", ["disagrees"])
    assert "10 % of what was kept" in doubtful.sentence


def test_spread_between_seeds(clean: torch.Tensor) -> None:
    other = clean.clone()
    other[..., 60:90, 20:50] += 0.3
    spread = Spread.of([clean, other, other])
    error = 0.3**2 * 30 * 30 / 128**2
    assert spread.levels == pytest.approx([-10 * np.log10(error)] * 2 + [120.0], rel=1e-4)
    found = judge(Problem(noisy(clean)), clean, spread=spread)
    assert found.figures is not None
    assert found.figures.spread == pytest.approx((error / 3) ** 0.5, rel=1e-4)  # the variance of 0, 1, 1 is 1/3
    assert found.figures.pairs == pytest.approx(sum(spread.levels) / 3)
    row, column = found.figures.place
    assert 60 <= row < 90
    assert 20 <= column < 50
    assert "spread" in {r.name for r in found.verdict.reasons}
    page = found.to_html()
    assert f"differ most about row {row}, column {column}" in page
    assert f"{spread.level:.1f} dB" in page
    assert Figures.of(json.loads(found.to_json())["figures"]) == found.figures


def test_known_values_that_are_kept_are_black_on_the_maps(clean: torch.Tensor) -> None:
    maps = Uncertainty(clean, torch.full_like(clean, 10 / 255), 1.5, 0.1, 100)
    found = judge(Problem(noisy(clean)), clean, uncertainty=maps)
    filled = np.zeros((128, 128), bool)
    filled[:32] = True
    assert found.figures is not None
    grey = _map(maps.deviation, filled, found.figures.said)[0]
    assert (grey[:32] == 255).all()
    assert (grey[32:] == 0).all()
    assert "white: 15 of 255" in replace(found, filled=filled).to_html()  # of which the samples had 10
    assert json.loads(found.to_json())["uncertainty"]["deviation"] == pytest.approx(15 / 255)


def test_the_words_to_a_person_name_no_parameter(clean: torch.Tensor) -> None:
    y = noisy(clean)
    for problem, x in (
        (Problem(y, likelihood=Gaussian(3 * SIGMA)), clean),
        (Problem(y), torch.lerp(clean, y, 0.4)),
        (Problem(y), torch.lerp(clean, y, 0.2)),
        (Problem(y), clean.roll(2, -1)),
    ):
        sentence = judge(problem, x).verdict.sentence
        assert "strength of the grain" in sentence
        assert "sigma" not in sentence


def test_large_pictures_are_judged_by_parts(clean: torch.Tensor) -> None:
    large = clean.repeat(1, 1, 4, 4)
    found = judge(Problem(noisy(large)), large)
    assert found.residual is not None
    assert found.residual.shape == (9, 3, 128, 128)
    assert found.verdict.kind == "good"


def test_json_makes_the_same_again(clean: torch.Tensor) -> None:
    found = judge(Problem(noisy(clean), likelihood=Gaussian(0.3 * SIGMA)), clean, reason='"<b>"', notes=("a & b",))
    table = json.loads(found.to_json())
    figures = Figures.of(table["figures"])
    assert figures == found.figures
    assert verdict(figures) == found.verdict
    assert table["sentence"] == found.verdict.sentence
    assert table["run"]["reason"] == '"<b>"'


def test_the_page_names_no_other_host_and_escapes_what_it_is_given(clean: torch.Tensor) -> None:
    found = judge(Problem(noisy(clean)), clean, reason="<script>alert(1)</script>", notes=("<img src=x>",))
    settings = {"task": "denoise", "input": {"name": '"><b>', "sha256": "0" * 64}}
    text = replace(found, settings=settings).to_html()
    assert not re.search(
        r"https?:|//[a-z]|<script|<link|@import|url\(", re.sub(r"data:image/png;base64,[^\"]*", "", text)
    )
    assert all(i.startswith("data:image/png;base64,") for i in re.findall(r'src="([^"]*)"', text))
    assert text.index("Good") < text.index("Before and after") < text.index("Figures") < text.index("0" * 64)
    assert text.count("<img") == text.count("alt=")


def test_a_solution_reports_and_stays_as_it_is(clean: torch.Tensor) -> None:
    run = Run(Job((Solve(Method(Pixels(), stop=After(4))),), Problem(noisy(clean)[..., :32, :32])))
    next(run)
    solution = run.solution
    before = solution.x.clone()
    assert isinstance(report(solution), Report)
    assert torch.equal(solution.x, before)
    looked = [i.energy for i in run]
    plain = Run(run.job)
    assert looked == [i.energy for i in plain][1:]
    assert torch.equal(run.solution.x, plain.solution.x)
    with pytest.raises(untaught.UntaughtError, match="does not carry its problem"):
        report(Solution(before, 1, "", (), (), 0.0))


def test_the_command_writes_it_and_refuses_before_the_work(
    noisy: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    source = tmp_path / "in.png"
    Image.fromarray(noisy).save(source)
    words = ["denoise", str(source), "--preset", "instant", "--sigma", "5/255"]
    assert cli(*words, "-o", str(tmp_path / "plain.png")) == 0
    assert "note: The result is doubtful because" in capsys.readouterr().err
    for name in ("r.html", "r.json"):
        assert cli(*words, "-o", str(tmp_path / f"{name}.png"), "--report", str(tmp_path / name), "-q") == 0
        same = (Image.open(tmp_path / f"{n}.png").tobytes() for n in ("plain", name))
        assert len(set(same)) == 1
    table = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert table["verdict"] == "doubtful"
    assert len(table["input"]["sha256"]) == 64
    assert table["settings"]["preset"] == "instant"
    assert "Doubtful because" in (tmp_path / "r.html").read_text(encoding="utf-8")
    for name, why in (("r.txt", ".html or .json"), ("no/r.html", "does not exist"), ("r.html", "exists already")):
        target = tmp_path / "new.png"
        assert cli(*words, "-o", str(target), "--report", str(tmp_path / name)) != 0
        assert why in capsys.readouterr().err
        assert not target.exists()


@pytest.fixture
def folder(noisy: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None) -> Path:
    from PIL import Image

    Image.fromarray(noisy[:16, :18]).save(tmp_path / "in.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def figures(name: str) -> dict:
    """What the JSON says, without the clock."""
    table = json.loads(Path(name).read_text(encoding="utf-8"))
    del table["run"]["seconds"]
    return table


def test_repeated_runs_say_how_far_they_are_apart_and_where(folder: Path) -> None:
    words = [*FITTED, "--repeat", "3", "-q"]
    assert cli(*words, "-o", "a.png", "--report", "r.json") == 0
    assert cli(*words, "-o", "b.png", "--report", "r.html") == 0
    table = figures("r.json")
    (note,) = [n for n in table["run"]["notes"] if n.startswith("3 runs differ")]
    found = table["figures"]
    assert f"by {found['pairs']:.1f} dB" in note
    assert "row {}, column {}".format(*found["place"]) in note
    assert table["uncertainty"] is None
    page = Path("r.html").read_text(encoding="utf-8")
    assert f"{found['pairs']:.1f} dB" in page
    assert "How 3 runs differ" in page
    assert "How far it may be off" not in page


def test_a_report_shows_the_uncertainty_and_judges_by_all_measurements(folder: Path) -> None:
    words = [*FITTED, "--repeat", "2", "--uncertainty", "u.tif", "-q", "--force"]
    assert cli(*words, "-o", "a.png", "--report", "r.json") == 0
    assert cli(*words, "-o", "a.png", "--report", "r.html") == 0
    table = figures("r.json")
    assert table["uncertainty"]["held"] > 20
    assert 0 < table["uncertainty"]["deviation"] < table["uncertainty"]["largest"]
    assert table["figures"]["missing"] == 0
    assert table["figures"]["noise"] is not None  # holes would hide it
    page = Path("r.html").read_text(encoding="utf-8")
    assert "How far it may be off" in page
    assert "How 2 runs differ" in page


@pytest.mark.parametrize("more", [[], pytest.param(["--repeat=2", "--uncertainty=u.tif"], marks=pytest.mark.slow)])
def test_a_resumed_run_writes_the_report_that_it_would_have_written(folder: Path, more: list[str]) -> None:
    words = [*FITTED, *more, "-q", "--force"]
    assert cli(*words, "-o", "out.png", "--report", "whole.json") == 0
    calls, step = [], Run.__next__

    def interrupted(run: Run) -> object:
        if len(calls) == 2 + 3 * bool(more):
            raise KeyboardInterrupt
        calls.append(run)
        return step(run)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "__next__", interrupted)
        assert cli(*words, "-o", "out.png", "--save-run", "kept", "--save-every", "0") == 130
    assert cli("resume", "kept", "-q", "--report", "in.png") == 2
    assert cli("resume", "kept", "-q", "--report", "resumed.json") == 0
    assert figures("resumed.json") == figures("whole.json")
