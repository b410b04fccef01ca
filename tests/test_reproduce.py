"""Laws of `untaught reproduce`: every figure can be made, goes on where it was, and says what it is."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from untaught.bench import reproduce as study
from untaught.bench.figures._base import Made, Reproduced, Size, Track
from untaught.bench.figures.landscape import Crossing
from untaught.bench.figures.sine import by_discrepancy, closed_form
from untaught.cli.reproduce import _runner
from untaught.core.errors import BadInput
from untaught.io import images
from untaught.solver.loop import Run

TINY = Size(steps=2, side=32)
FIGURES = study.known()


def plainly(job, track):
    run = Run(job)
    for iterate in run:
        track.look(iterate)
    return run.solution


@pytest.fixture
def untaught(untaught, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UNTAUGHT_DATA", raising=False)
    return untaught


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_made_drawn_and_tabulated(name, tmp_path):
    figure = FIGURES[name]
    panels = figure.panels(TINY)
    assert len({study.Collection(tmp_path / "f", TINY).place(figure, p) for p in panels}) == len(panels)
    chosen = panels if name == "sine" else dict.fromkeys((panels[0], panels[-1]))
    collection, made = study.Collection(tmp_path / "f", TINY), {}
    for panel in chosen:
        collection.add(figure, panel, panel.make(plainly))
        kept = collection.made(figure, panel)
        assert kept is not None
        assert kept.rows
        made[panel.name] = kept
    rows = collection.finish(figure, made, "the command")
    sheet = images.read(tmp_path / "f" / f"{name}.png").pixels
    assert sheet.std() > 0
    assert sheet.shape[2] == 3
    with (tmp_path / "f" / f"{name}.csv").open() as file:
        lines = list(csv.DictReader(line for line in file if not line.startswith("#")))
    assert len(lines) == len(rows)
    assert all(np.isfinite(row.ours) for row in rows if row.ours is not None)
    page = (tmp_path / "f" / "index.html").read_text()
    assert figure.title in page.replace("&#x27;", "'")
    assert "the command" in page
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


def test_a_run_that_was_interrupted_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    """To the bit, with what its track has noted."""
    (panel,) = FIGURES["fig4"].panels(Size(steps=6, side=32))
    whole = panel.make(plainly)
    state, looks = tmp_path / "state.run", Track.look

    def stopped(track, iterate):
        looks(track, iterate)
        if iterate.step == 3:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Track, "look", stopped)
    with pytest.raises(KeyboardInterrupt):
        panel.make(_runner(state, "tiny", quiet=True))
    assert state.exists()
    monkeypatch.setattr(Track, "look", looks)
    again = panel.make(_runner(state, "tiny", quiet=True))
    assert again.curves == whole.curves
    assert len(whole.curves["average"]) == 6
    assert {k.partition("\n")[0] for k in again.pictures} == {k.partition("\n")[0] for k in whole.pictures}
    for label, picture in whole.pictures.items():
        assert np.array_equal(again.pictures[label], picture), label


def test_what_is_done_is_not_made_again(untaught, tmp_path):
    words = ("reproduce", "samples", "-o", "out", "--side", 16)
    assert untaught(*words)[0] == 0
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out" / "parts").iterdir()}
    assert len(before) == 11 - 1
    (tmp_path / "out" / "parts" / "samples-unet.safetensors").write_bytes(b"cut off")
    code, _, err = untaught(*words)
    assert code == 0
    assert "samples: unet, 8 of 10" in err
    changed = {p.name for p in before if p.stat().st_mtime_ns != before[p]}
    assert changed == {"samples-unet.safetensors"}
    assert (tmp_path / "out" / "index.html").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fig22"], "There are: sine, fig2,"),
        (["samples", "--steps", 0], "--steps 0 leaves nothing"),
        (["samples", "--data", "no"], "There is no folder 'no'"),
        (["samples", "-o", "no/out"], "name another one with -o"),
        (["samples", "-o", "."], "holds other files"),
        (["samples", "-o", "out", "--seed", 1], "holds figures of another size"),
        (["samples", "--device", "tpu"], "There is no device"),
    ],
)
def test_what_cannot_be_made_is_refused_in_a_sentence(untaught, tmp_path, words, said):
    (tmp_path / "note.txt").write_text("mine")
    if "--seed" in words:
        assert untaught("reproduce", "sine", "-o", "out", "--steps", 1, "--side", 16, "-q")[0] == 0
        words = ["sine", *words[1:]]
    code, _, err = untaught("reproduce", *words)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_without_a_name_they_are_listed(untaught):
    code, out, _ = untaught("reproduce")
    assert code == 0
    assert all(re.search(rf"\b{name}\b", out) for name in FIGURES)


def test_a_panel_that_is_kept_is_the_same_and_other_files_are_none():
    row = Reproduced("a", "b", "c", "PSNR (dB)", 1.5, "here", None, "", 2.0)
    made = Made([row, replace(row, ours=None, published=3.0)], {"x\n1 dB": np.eye(3)}, {"y": [0.25, 1.0]})
    kept, size = Made.unpacked(made.packed("tiny"))
    assert (kept.rows, kept.curves, size) == (made.rows, made.curves, "tiny")
    assert np.array_equal(kept.pictures["x\n1 dB"], np.eye(3))
    with pytest.raises(ValueError, match="no state"):
        Made.unpacked(b"something else")


def test_means_are_of_methods_that_every_picture_has():
    row = Reproduced("a", "a", "ours", "PSNR (dB)", 30.0, "", 32.0)
    rows = [row, replace(row, picture="b", ours=31.0, published=None), replace(row, method="alone")]
    (mean,) = study.means(rows)
    assert (mean.picture, mean.method, mean.ours, mean.published) == ("mean of 2", "ours", 30.5, None)


def test_the_sine_has_the_solution_of_its_linear_system():
    """Of the closed form the gradient is 0, and the weight by discrepancy leaves a residual as large as the noise."""
    y = np.random.default_rng(0).normal(size=24)
    x = closed_form(y, 3.0)
    d = np.diff(np.eye(24), axis=0)
    assert np.allclose(2 * (x - y) + 2 * 3.0 * d.T @ d @ x, 0)
    assert np.mean((closed_form(y, by_discrepancy(y)) - y) ** 2) == pytest.approx(0.09, rel=1e-6)


def test_distances_on_the_plane_are_those_of_pictures():
    """y lies where it is drawn, the first iterate at its own distance, and the truth at the origin."""
    rng = np.random.default_rng(0)
    truth, noisy, first = (rng.random((5, 4, 3)) for _ in range(3))

    def seen(x):
        return SimpleNamespace(x=torch.from_numpy(np.moveaxis(x, -1, 0))[None])

    way = Crossing(truth, toward=noisy - truth)
    for x in (first, noisy, truth):
        way.look(seen(x))
    at = np.array([way.curves["across"], way.curves["up"]]).T
    apart = [np.sqrt(np.mean((x - truth) ** 2)) for x in (first, noisy, truth)]
    assert np.allclose(np.linalg.norm(at, axis=1), apart)
    assert np.allclose(way.curves["apart"], apart)
    assert at[1] == pytest.approx([apart[1], 0])
    known = (rng.random((5, 4, 1)) < 0.5).astype(float) * np.ones(3)
    valley = Crossing(truth, known=known)
    valley.look(seen(first))
    assert valley.curves["across"][0] ** 2 == pytest.approx(np.mean((known * (first - truth)) ** 2))


def test_the_paper_s_numbers_stand_beside_ours(shared):
    """Of the pictures that the published tables have, whatever part of them is taken here."""
    size = replace(TINY, data=shared(""))
    for name, method, theirs in (
        ("denoising", "CBM3D", 32.67),
        ("table1", "Papyan et al.", 28.14),
        ("x4", "bicubic", 31.78),
    ):
        rows = FIGURES[name].panels(size)[0].make(plainly).rows
        assert [row.published for row in rows if row.method == method] == [theirs]
        assert [row.published is not None for row in rows if row.method == "Deep Image Prior"] == [True]


def test_a_size_is_refused_beside_another(tmp_path):
    figure = FIGURES["sine"]
    panel = figure.panels(TINY)[0]
    study.Collection(tmp_path / "f", TINY).add(figure, panel, panel.make(plainly))
    with pytest.raises(BadInput, match="another size"):
        study.Collection(tmp_path / "f", replace(TINY, seed=1)).made(figure, panel)
