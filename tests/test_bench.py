"""Laws of the benchmark: its inputs, its scores against the files themselves, its tables, its sheet, its refusals."""

from __future__ import annotations

import csv
import importlib.util
from functools import partial

import numpy as np
import pytest
from kept_runs import cli

from untaught.bench import bench as engine
from untaught.bench import cases, metrics, sheet, summary, table
from untaught.bench.bench import Settings, bench
from untaught.bench.cases import grainy
from untaught.bench.comparisons.denoise import BASELINES
from untaught.bench.competitors._base import Competitor
from untaught.bench.competitors.denoisers import estimate
from untaught.core import registry
from untaught.core.errors import BadInput
from untaught.io import images

SIGMA = 25 / 255


@pytest.fixture
def folder(tmp_path, photo):
    """Two clean pictures, colour and grey."""
    images.write(tmp_path / "cat.png", photo)
    images.write(tmp_path / "grey.png", np.ascontiguousarray(photo[..., 1]))
    return tmp_path


run = partial(cli, "bench", "denoise")


@pytest.mark.parametrize("level", [5 / 255, 25 / 255])
def test_the_noise_has_the_deviation_asked_for_and_differs_by_seed(level):
    clean = np.full((200, 200), 128, np.uint8)
    first, again, second = (cases.draw(clean, level, seed) for seed in (0, 0, 1))
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert np.std(first / 255) == pytest.approx(level, rel=0.02)
    apart = np.corrcoef(first.ravel() / 255, second.ravel() / 255)[0, 1]
    assert abs(apart) < 0.03


def test_the_noise_is_the_documented_one(photo):
    drawn = photo / 255 + np.random.default_rng(3).normal(0, SIGMA, photo.shape)
    assert np.array_equal(grainy("x", photo, SIGMA).input(3), np.rint(255 * drawn.clip(0, 1)).astype(np.uint8))


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("image_F16_512rgb", "f16"),
        ("image_House256rgb", "house"),
        ("image_Peppers512rgb", "peppers"),
        ("kodim03", "kodim03"),
        ("F16", "f16"),
        ("2024", "2024"),
    ],
)
def test_pictures_are_known_by_their_plain_names(stem, name):
    assert cases.plain(stem) == name


def test_published_noise_is_taken_where_there_is_some(folder, photo):
    published = cases.draw(photo, SIGMA, 77)
    beside = folder / "published"
    beside.mkdir()
    images.write(beside / "CAT_sigma25.png", published)
    images.write(beside / "grey_sigma50.png", published[..., 0])  # another level: not for this benchmark
    cat, grey = cases.with_noise([folder / "cat.png", folder / "grey.png"], SIGMA, beside)
    assert all(np.array_equal(cat.input(seed), published) for seed in (0, 1))
    assert (cat.origin, grey.origin) == ("published", "drawn")
    assert not np.array_equal(grey.input(0), grey.input(1))


@pytest.mark.parametrize(
    "names", [("raw/a.png", "gt/a.png"), ("a_real.png", "a_mean.png"), ("a_noisy.png", "a_mean.png")]
)
def test_real_pairs_are_found_and_nobody_is_told_sigma(tmp_path, photo, noisy, names, monkeypatch):
    for name, picture in zip(names, (noisy, photo), strict=True):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        images.write(tmp_path / name, picture)
    (case,) = cases.pairs(tmp_path)
    assert (case.name, case.told) == ("a", {"sigma": None})
    assert np.array_equal(case.clean, photo)
    told = []
    spy = Competitor("spy", "", lambda picture, sigma: told.append(sigma) or picture)
    monkeypatch.setitem(BASELINES, "spy", spy)
    rows = [row for row, _ in bench([case], ["spy"], 1, Settings())]
    assert told[-1] == estimate(noisy / 255)
    assert [row.level for row in rows] == ["", ""]


def test_the_score_is_that_of_the_file(folder, photo):
    case = grainy("cat", photo, SIGMA)
    for row, result in bench([case], ["fast", "tv", "wavelet", "nlm"], 1, Settings(steps=2)):
        images.write(folder / f"{row.method}.png", result)
        file = images.read(folder / f"{row.method}.png").pixels
        assert row.psnr == metrics.psnr(file, photo), row.method
        assert row.ssim == metrics.ssim(file, photo), row.method
        assert (row.steps == 2) == (row.method == "fast")


@pytest.mark.parametrize("name", ["tv", "wavelet", "nlm", "ridge"])
@pytest.mark.parametrize("colour", [True, False])
def test_every_classic_takes_noise_away(name, colour, photo):
    clean = photo if colour else np.ascontiguousarray(photo[..., 1])
    rows = [row for row, _ in bench([grainy("x", clean, SIGMA)], [name], 1, Settings())]
    assert rows[1].psnr > rows[0].psnr + 3
    assert rows[1].seconds > 0


def test_there_is_one_row_for_each_picture_method_and_seed(photo, noisy):
    both = [grainy("a", photo, SIGMA), grainy("b", photo, SIGMA, noisy, "published")]
    rows = [row for row, _ in bench(both, ["tv"], 3, Settings())]
    assert len({(r.picture, r.method, r.seed) for r in rows}) == len(rows) == 2 * 2 * 3
    scores = {name: {r.psnr for r in rows if r.picture == name and r.method == "tv"} for name in "ab"}
    assert len(scores["a"]) == 3  # a new draw for every seed
    assert len(scores["b"]) == 1  # one input


@pytest.mark.parametrize("task", registry.comparisons.names())
def test_every_task_with_a_benchmark_has_presets_that_run_in_it(task, photo, tmp_path):
    """The first of ours, from the small picture that warms up to a score; the rest of the table is the same code."""
    images.write(tmp_path / "cat.png", np.tile(photo, (2, 2, 1)))
    options = {"sigma": 0.02, "factor": 2.0, "missing": 0.5, "quality": 30, "kernel": "gauss:1"}
    options |= {"kernel": "bicubic"} if task == "upscale" else {}
    found = registry.comparisons.get(task).cases([tmp_path / "cat.png"], {**options, "pairs": None, "reference": []})
    preset = next(iter(registry.presets.get(task)))
    rows = [row for row, _ in bench(found, [preset], 1, Settings(steps=1), task)]
    assert [row.method for row in rows][1:] == [preset]
    assert all(row.psnr > 5 for row in rows)


def test_peak_memory_is_measured_in_a_process_of_its_own(photo):
    small = engine.attempt("denoise", "tv", photo, {"sigma": SIGMA}, 0, Settings(memory=True))
    apart = engine.attempt("denoise", "tv", photo, {"sigma": SIGMA}, 0, Settings())
    assert np.array_equal(small[0], apart[0])
    assert 10 < small[3] < 2000
    assert apart[3] is None


def test_bm3d_is_left_out_with_a_word_where_it_is_not_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    methods, reasons = engine.check(["fast"], ["tv", "bm3d"])
    assert methods == ["fast", "tv"]
    assert "not installed" in reasons[0]
    assert "non-commercial" in reasons[0]
    with pytest.raises(BadInput, match="no method to run"):
        engine.check([], ["bm3d"])


def test_the_mean_is_the_mean_and_the_spread_is_that_over_seeds(photo):
    both = [grainy("a", photo, SIGMA), grainy("b", photo[::-1].copy(), SIGMA)]
    rows = [row for row, _ in bench(both, ["tv"], 2, Settings())]
    lines = {(line.picture, line.method): line for line in summary.lines(rows, both)}
    mean = lines["mean of 2", "tv"]
    assert mean.psnr == pytest.approx((lines["a", "tv"].psnr + lines["b", "tv"].psnr) / 2)
    each = [np.mean([r.psnr for r in rows if r.seed == s and r.method == "tv"]) for s in (0, 1)]
    assert mean.spread == pytest.approx(np.std(each, ddof=1))


def test_published_figures_need_the_name_the_size_and_the_level():
    house = np.zeros((256, 256, 3), np.uint8)
    known = summary.published(grainy("image_House256rgb", house, SIGMA))
    assert known == {"DIP, published": 32.09, "CBM3D, published": 32.72, "NLM, published": 31.49}
    assert summary.published(grainy("house", house[:200], SIGMA)) == {}
    assert summary.published(grainy("house", house[..., 0], SIGMA)) == {}
    assert summary.published(grainy("house", house, 30 / 255)) == {}
    assert summary.published(grainy("house", house, None)) == {}


def test_the_command_writes_table_csv_markdown_and_sheet(folder, capsys):
    words = [
        folder / "cat.png",
        folder / "grey.png",
        "--sigma",
        "25/255",
        "--presets",
        "",
        "--against",
        "tv,wavelet",
        "--seeds",
        2,
    ]
    targets = ["--csv", folder / "o.csv", "--markdown", folder / "o.md", "--sheet", folder / "o.png"]
    assert run(*words, *targets) == 0
    printed = capsys.readouterr().out
    with (folder / "o.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    keys = [(line["picture"], line["method"], line["seed"]) for line in lines]
    assert len(set(keys)) == len(keys) == 2 * 3 * 2
    assert all(10 < float(line["psnr"]) < 50 and float(line["level"]) == pytest.approx(25) for line in lines)
    text = (folder / "o.md").read_text()
    hardware = table.hardware()
    assert hardware in text
    assert hardware in printed
    assert lines[0]["hardware"] == hardware
    assert f"untaught bench denoise {folder / 'cat.png'}" in text
    widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert widths == {len(summary.HEADER)}  # without the column of LPIPS, which was not asked for
    assert images.read(folder / "o.png").pixels.ndim == 3
    assert run(*words, *targets) == 2  # nothing is overwritten unasked


def test_the_sheet_shows_whole_pixels_and_grey_where_nothing_was_changed(photo, noisy):
    strip = sheet.SheetRow("cat", photo, noisy, {"same": noisy})
    side, wide = 32, 100  # cells are at least as wide as a label
    made = sheet.contact_sheet([strip], side=side)
    top = sheet.GAP + sheet.LABEL
    window = sheet.busiest(photo, side)

    def cell(column, row):
        left, up = sheet.GAP + column * (wide + sheet.GAP), top + row * (sheet.LABEL + side + sheet.GAP)
        return made[up : up + side, left : left + side]

    assert np.array_equal(cell(0, 0), photo[window])
    assert np.array_equal(cell(1, 0), noisy[window])
    assert set(np.unique(cell(1, 1))) == set(np.unique(cell(2, 1))) == {128}
    residual = cell(0, 1).astype(float) - 127.5
    assert np.corrcoef(residual.ravel(), (photo[window].astype(float) - noisy[window]).ravel())[0, 1] > 0.95


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["cat.png", "--sigma", "25/255", "--against", "wavelt"], "did you mean 'wavelet'?"),
        (["cat.png", "--sigma", "25/255", "--presets", "fsat"], "did you mean 'fast'?"),
        (["cat.png"], "The noise level is missing"),
        (["cat.png", "--sigma", "25"], "did you mean 25/255?"),
        (["--sigma", "25/255"], "There are no pictures"),
        (["absent.png", "--sigma", "25/255"], "There is no file"),
        (["text.png", "--sigma", "25/255"], "plain text"),
        (["cat.png", "cat.png", "--sigma", "25/255"], "given 2 times"),
        (["cat.png", "--sigma", "25/255", "--noisy-from", "."], "cat_sigma25.png"),
        (["--pairs", "."], "holds no pair"),
        (["--pairs", ".", "--sigma", "25/255"], "drop it"),
        (["cat.png", "--sigma", "25/255", "--seeds", "0"], "give 1 or more"),
        (["cat.png", "--sigma", "25/255", "--sheet", "cat.png", "--force"], "never overwritten"),
        (["cat.png", "--sigma", "25/255", "--csv", "cat.png/o.csv"], "folder that exists"),
        (["cat.png", "--sigma", "25/255", "--presets", "", "--against", ""], "no method to run"),
    ],
)
def test_a_refusal_is_one_sentence_and_exit_code_2(folder, monkeypatch, capsys, words, sentence):
    (folder / "text.png").write_text("not a picture")
    monkeypatch.chdir(folder)
    assert run(*words) == 2
    said = capsys.readouterr().err.strip()
    assert sentence in said
    assert len(said.splitlines()) == 1


def test_what_was_done_before_a_failure_is_told(folder, monkeypatch, capsys):
    def fail(picture, sigma):
        raise BadInput("this picture is too hard")

    monkeypatch.setitem(BASELINES, "hard", Competitor("hard", "", fail))
    target = folder / "o.csv"
    words = ["--sigma", "25/255", "--presets", "", "--against", "tv,hard", "--csv", target]
    assert run(folder / "cat.png", *words) == 2
    assert "cat with hard: this picture is too hard" in capsys.readouterr().err
    with target.open(newline="") as file:
        assert [line["method"] for line in csv.DictReader(file)] == ["noisy", "tv"]
