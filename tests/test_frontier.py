"""Laws of quality against time: equal budgets, points kept and not made twice, what others do as it was published."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from kept_runs import cli

from untaught.bench import frontier
from untaught.bench.frontier import Point
from untaught.bench.store import read
from untaught.io import images
from untaught.solver.objectives.neighbours import halves

run = partial(cli, "bench", "frontier")


def test_halves_of_a_picture_are_the_two_diagonal_means_of_the_paper():
    x = torch.rand(2, 3, 9, 6)
    diagonals = torch.tensor([[[0.5, 0.0], [0.0, 0.5]], [[0.0, 0.5], [0.5, 0.0]]])
    for half, kernel in zip(halves(x), diagonals, strict=True):
        assert torch.allclose(half, F.conv2d(x, kernel.expand(3, 1, 2, 2), stride=2, groups=3))


def test_a_command_makes_its_points_within_the_budgets_and_goes_on_where_it_was(tmp_path, photo, capsys):
    images.write(tmp_path / "cat.png", photo[:32, :32].copy())
    words = ["denoise", tmp_path / "cat.png", "--sigma", "0.1", "--budgets", "0.3,0.6", "--csv", tmp_path / "f.csv"]
    words += ["--methods", "zs-n2n,deep-decoder,nlm", "--figure", tmp_path / "f.png"]
    assert run(*words) == 0
    first = read(tmp_path / "f.csv", Point)
    assert {p.method: p.kind for p in first} == {
        "nlm": "classic", "zs-n2n": "alternative", "deep-decoder": "alternative"
    }  # fmt: skip
    for p in first:
        assert p.budget is None or p.seconds >= p.budget
    by_budget = [p.steps for p in first if p.method == "zs-n2n"]
    assert by_budget == sorted(by_budget)
    assert len(by_budget) == 2
    assert images.read(tmp_path / "f.png").pixels.shape[2] == 3
    capsys.readouterr()
    assert run(*words) == 0
    assert "dB" not in capsys.readouterr().err  # nothing was made again
    assert read(tmp_path / "f.csv", Point) == first


def test_a_scheduled_preset_is_run_anew_for_each_budget_and_stays_within(photo):
    from untaught.bench.bench import Settings
    from untaught.bench.cases import grainy

    case = grainy("cat", photo[:32, :32].copy(), 0.1)
    found = list(frontier.points("denoise", case, 0, ("fast", "preset"), [0.8, 1.6], Settings()))
    assert [p.budget for p in found] == [0.8, 1.6][-len(found) :]
    assert all(p.seconds < 2 * p.budget for p in found)
    assert len({p.steps for p in found}) == len(found) >= 1


def test_means_are_of_budgets_that_every_picture_has():
    def point(picture, budget, psnr):
        return Point(picture, 0, "fast", "preset", budget, budget, 10, psnr)

    lines = frontier.means([point("a", 2, 30.0), point("a", 5, 31.0), point("b", 5, 33.0)])
    assert lines == [("fast", "preset", 5, 5.0, 32.0, 2)]
    figure = frontier.figure([point("a", 2, 30.0), point("a", 5, 31.0)], "a title")
    assert figure.dtype == np.uint8


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--budgets", "0,5"], "--budgets 0,5 are no seconds"),
        (["--budgets", "soon"], "--budgets soon are no seconds"),
        (["--methods", "zsn2n"], "did you mean 'zs-n2n'?"),
        (["--seeds", "0"], "--seeds 0 leaves nothing to do"),
    ],
)
def test_a_refusal_is_one_sentence(tmp_path, photo, capsys, more, said):
    images.write(tmp_path / "cat.png", photo)
    assert run("denoise", tmp_path / "cat.png", "--sigma", "0.1", "--csv", tmp_path / "f.csv", *more) == 2
    assert said in capsys.readouterr().err
