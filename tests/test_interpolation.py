"""Values looked up in tables."""

from __future__ import annotations

import pytest
import torch

from untaught.core.interpolation import before, interpolated
from untaught.problem.likelihoods.gaussian import clipped_moments

GRID = torch.linspace(0, 1, 257, dtype=torch.float64)
TABLES = {
    "even": GRID.float(),
    "two": torch.tensor([0.0, 1.0]),
    "one": torch.tensor([0.5]),
    "cut off": clipped_moments(GRID, torch.tensor(0.1, dtype=torch.float64))[0].float(),
    "hardly cut off": clipped_moments(GRID, torch.tensor(0.002, dtype=torch.float64))[0].float(),
    "uneven": GRID.pow(6).float(),
    "squares": GRID.square().float(),
}


@pytest.mark.parametrize("count", [1, 40_000])
@pytest.mark.parametrize("name", TABLES)
def test_what_is_before_is_what_halving_finds(name: str, count: int) -> None:
    table, rng = TABLES[name], torch.Generator().manual_seed(0)
    for at in (
        1.4 * torch.rand(count, generator=rng) - 0.2,
        table[torch.randint(len(table), (count,), generator=rng)],
        torch.tensor([-torch.inf, torch.inf]).repeat(count),
    ):
        assert torch.equal(before(at, table), torch.searchsorted(table, at))


def test_a_straight_line_is_met_and_nan_stays_nan() -> None:
    at = torch.linspace(-1, 2, 30_000)
    at[7] = torch.nan
    y = interpolated(at, TABLES["even"], 3 * TABLES["even"] - 1)
    assert torch.allclose(y, 3 * at.clamp(0, 1) - 1, atol=1e-6, equal_nan=True)


def test_many_values_are_looked_up_in_parts_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    at, x = 1.4 * torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(0)) - 0.2, TABLES["even"]
    whole = interpolated(at, x, x.square())
    monkeypatch.setattr("untaught.core.interpolation.PART", 700)
    assert torch.equal(interpolated(at, x, x.square()), whole)
