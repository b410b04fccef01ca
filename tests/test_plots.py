"""Laws of plots and labelled grids: what is drawn lies where its values say."""

from __future__ import annotations

import numpy as np
import pytest

from untaught.core.errors import BadInput
from untaught.reports import labels
from untaught.reports.plot import COLOURS, Axis, Curve, plot, ticks, written


def near(panel: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Where the panel shows a colour."""
    return np.abs(panel.astype(int) - colour).max(-1) < 12


def test_a_higher_value_is_drawn_higher_and_a_later_one_to_the_right():
    panel = plot([Curve("", [1, 2], [0.0, 0.0]), Curve("", [2, 3], [1.0, 1.0])], Axis("x"), Axis("y"))
    (low, left), (high, right) = (np.argwhere(near(panel, c)).mean(0) for c in COLOURS[:2])
    assert low > high
    assert left < right


@pytest.mark.parametrize("log", [False, True])
def test_a_logarithmic_axis_gives_equal_room_to_equal_factors(log):
    values = [1, 10, 100]
    panel = plot([Curve("", values, values, "dots")], Axis("x", log=log), Axis("y", log=log))
    rows = np.argwhere(near(panel, COLOURS[0]).any(1)).ravel()
    groups = np.split(rows, np.flatnonzero(np.diff(rows) > 3) + 1)
    centres = [g.mean() for g in groups]
    if log:
        assert len(centres) == 3
        assert centres[1] - centres[0] == pytest.approx(centres[2] - centres[1], abs=2)
    else:
        assert centres[1] - centres[0] > 3 * (centres[-1] - centres[1]) or len(centres) == 2


def test_values_that_cannot_be_drawn_interrupt_the_line():
    whole = near(plot([Curve("", [1, 2, 3, 4], [1, 1, 1, 1])], Axis("x"), Axis("y")), COLOURS[0]).any(0)
    broken = near(plot([Curve("", [1, 2, 3, 4], [1, 1, np.nan, 1])], Axis("x"), Axis("y")), COLOURS[0]).any(0)
    assert broken.sum() < 0.5 * whole.sum()


def test_dashes_leave_gaps_however_dense_the_points_are():
    x = np.linspace(0, 1, 2000)
    line, dashes = (
        near(plot([Curve("", x, x, s)], Axis("x"), Axis("y")), COLOURS[0]).sum() for s in ("line", "dashes")
    )
    assert 0.3 < dashes / line < 0.85


def test_nothing_is_drawn_outside_the_frame():
    panel = plot([Curve("", [0, 1, 2], [0, 50, 0])], Axis("x"), Axis("y", high=1.0))
    rows = np.argwhere(near(panel, COLOURS[0]).any(1)).ravel()
    assert rows.min() >= 15


@pytest.mark.parametrize(
    ("low", "high", "log", "expected"),
    [
        (0, 1, False, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (12.4, 30.1, False, [15, 20, 25, 30]),
        (1, 1000, True, [1, 3, 10, 30, 100, 300, 1000]),
        (1e-6, 1e6, True, [1e-6, 1e-4, 1e-2, 1, 100, 1e4, 1e6]),
    ],
)
def test_ticks_are_round_numbers(low, high, log, expected):
    assert ticks(low, high, log=log) == pytest.approx(expected)


def test_ticks_are_written_so_that_they_differ():
    assert written([0, 0.2, 0.4]) == ["0", "0.2", "0.4"]
    assert written([29.95, 30, 30.05]) == ["29.95", "30", "30.05"]
    assert written([1, 300, 1000]) == ["1", "300", "1000"]


@pytest.mark.parametrize("y", [[np.nan, np.nan], []])
def test_a_plot_of_nothing_is_refused(y):
    with pytest.raises(BadInput, match="nothing to draw along 'loss'"):
        plot([Curve("", range(len(y)) or [1], y)] if y else [Curve("", [1], [])], Axis("step"), Axis("loss"))


def test_a_plot_of_one_value_or_of_equal_ones_is_drawn():
    for log in (False, True):
        plot([Curve("one", [3], [3], "both", names=["p"])], Axis("x", log=log), Axis("y", log=log), title="T")


def test_a_grid_holds_its_pictures_as_they_are(photo):
    grey = photo[:, :, 0]
    sheet = labels.grid([[photo, None, grey / 255]], columns=["colour", "none", "grey"], names=["row"], least=1)
    windows = np.lib.stride_tricks.sliding_window_view(sheet, photo.shape)[:, :, 0]
    assert (windows == photo).all((2, 3, 4)).any()
    assert (windows == labels.rgb(grey)).all((2, 3, 4)).any()
    assert labels.enlarged(photo[:2, :2], 5).shape == (6, 6, 3)
    assert labels.stack(sheet, sheet[:5, :7]).shape == (sheet.shape[0] + 5, sheet.shape[1], 3)
