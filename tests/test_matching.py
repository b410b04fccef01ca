"""Which patches are similar: the nearest of a window by the components, wherever it ends and however many are compared."""

from __future__ import annotations

import pytest
import torch

from untaught.classical.denoise import matching
from untaught.classical.denoise.matching import Pass, components, grid, match

SIZES = [(23, 31), (31, 26), (12, 60), (17, 17)]
PASSES = [Pass(3, 9, 7, stride=2), Pass(5, 8, 11, stride=5), Pass(4, 5, 6, stride=3), Pass(3, 4, 5, stride=1)]


def noise(channels: int, space: tuple[int, int]) -> torch.Tensor:
    return torch.rand(channels, *space, generator=torch.Generator().manual_seed(0))


def searched(x: torch.Tensor, one: Pass, *, itself: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """All squared distances (g, positions) in double precision, infinite outside the window; and what is grouped for."""
    f = components(x, one.patch).double()
    h, w = f.shape[1:]
    down, along = (grid(n, one.stride) for n in (h, w))
    at = (down[:, None] * w + along).flatten()
    values = f.flatten(1).T
    apart = (values[at][:, None] - values).square().sum(2)
    low, reach = torch.arange(h * w), one.window // 2
    for mine, all_of_them in ((at // w, low // w), (at % w, low % w)):
        step = all_of_them - mine[:, None]
        apart[(step < -reach) | (step > one.window - 1 - reach)] = float("inf")
    if not itself:
        apart[torch.arange(len(at)), at] = float("inf")
    return apart, at


@pytest.mark.parametrize("itself", [True, False])
@pytest.mark.parametrize("one", PASSES)
@pytest.mark.parametrize("space", SIZES)
def test_the_nearest_of_the_window_are_found(space, one, itself):
    x = noise(2, space)
    found, (apart, at) = match(x, one, itself=itself), searched(x, one, itself=itself)
    assert torch.equal(found.at, at)
    assert found.grid[0] * found.grid[1] == len(at)
    assert all(len(set(group)) == one.group for group in found.alike.tolist())
    asked = apart.topk(one.group, largest=False).values
    given = apart.gather(1, found.alike).sort(1).values
    torch.testing.assert_close(given, asked, rtol=1e-4, atol=1e-5)
    assert bool((found.alike == at[:, None]).any(1).all()) is itself


def test_groups_are_the_same_however_many_are_compared_at_a_time(monkeypatch):
    x, one = noise(3, (40, 47)), Pass(3, 9, 7, stride=2)
    whole = match(x, one)
    for abreast in (1, 5, 100):
        monkeypatch.setattr(matching, "ABREAST", abreast)
        assert torch.equal(whole.alike.sort(1).values, match(x, one).alike.sort(1).values)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e4])
def test_a_patch_is_nearest_to_itself_and_its_copies_whatever_the_brightness(size):
    x = noise(3, (12, 12)).repeat(1, 2, 2) * size + 100 * size
    found = match(x, Pass(3, 4, 25, stride=3)).alike
    apart = found % 22 % 12 - found[:, :1] % 22 % 12  # positions that are a copy of each other are twelve columns ...
    rows = found // 22 % 12 - found[:, :1] // 22 % 12  # ... and twelve rows from each other
    inside = ((found // 22)[:, 0] % 12 < 10) & ((found % 22)[:, 0] % 12 < 10)  # and each of these has all three
    assert bool((apart[inside] == 0).all())
    assert bool((rows[inside] == 0).all())


@pytest.mark.parametrize("one", [Pass(3, 4, 9, stride=2), Pass(5, 8, 15, stride=3)])
def test_what_is_wanted_has_the_groups_that_it_has_among_all(one):
    """And so have its neighbours on the grid, and nothing else has any."""
    x = torch.rand(2, 40, 47, generator=torch.Generator().manual_seed(0))
    places = tuple(n - one.patch + 1 for n in x.shape[1:])
    wanted = torch.rand(places, generator=torch.Generator().manual_seed(1)) < 0.01
    whole, some = match(x, one), match(x, one, wanted=wanted)
    assert 0 < len(some.at) < len(whole.at)
    assert torch.equal(some.at, whole.at[some.number])
    assert torch.equal(some.alike, whole.alike[some.number])
    its = torch.zeros(whole.grid, dtype=torch.bool).flatten()
    its[wanted.flatten()[whole.at].nonzero()[:, 0]] = True
    near = torch.nn.functional.max_pool2d(its.view(1, *whole.grid).float(), 3, 1, 1)[0] > 0
    assert torch.equal(near.flatten().nonzero()[:, 0], some.number)
    assert not len(match(x, one, wanted=torch.zeros_like(wanted)).at)
