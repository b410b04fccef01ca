"""Wide holes filled from elsewhere: what is known stays, what repeats is continued, the field finds what a full search finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import untaught
from untaught.bench.metrics import psnr
from untaught.classical.exemplar import Exemplar
from untaught.classical.inpaint import Harmonic
from untaught.classical.patchmatch import Field, windows

QUICK = Exemplar(patch=5, rounds=3, last=2)


def drawn(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def hole(space, *box):
    """1 but for 0 in rows a to b and columns c to d."""
    known = torch.ones(1, 1, *space)
    known[..., box[0] : box[1], box[2] : box[3]] = 0
    return known


@pytest.mark.parametrize("space", [(1, 1), (1, 9), (4, 5), (5, 5), (9, 40), (40, 37), (50,), (5, 6, 7)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_keeps_what_is_known_and_constants(space, channels):
    known = torch.ones(1, channels, *space)
    known[(..., *(slice(n // 3, n // 3 + max(n // 4, 1)) for n in space))] = 0
    known[(0, 0, *(0 for _ in space))] = 1  # a channel alone, too
    y = drawn(1, channels, *space) * known
    made = QUICK(y, known)
    assert made.shape == y.shape
    assert bool(made.isfinite().all())
    assert torch.equal(made * known, y)
    some = known.flatten(2).any(2)[0]
    torch.testing.assert_close(QUICK(0.3 * known, known)[:, some], torch.full_like(y, 0.3)[:, some], atol=1e-3, rtol=0)


def test_nothing_unknown_and_everything_unknown():
    y = drawn(1, 2, 20, 22)
    assert torch.equal(QUICK(y, torch.ones_like(y)), y)
    assert torch.equal(QUICK(torch.zeros_like(y), torch.zeros_like(y)), torch.zeros_like(y))


@pytest.mark.parametrize("box", [(20, 34, 18, 30), (0, 12, 20, 34), (40, 52, 44, 56), (0, 52, 24, 34)])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_repeats_is_continued_exactly(box, channels):
    """A pattern of 6 x 7 pixels, with holes inside, at the border, in a corner, and from border to border."""
    whole = drawn(1, channels, 6, 7).repeat(1, 1, 9, 8)[..., :52, :56].contiguous()
    known = hole((52, 56), *box).expand_as(whole)
    torch.testing.assert_close(Exemplar()(whole * known, known), whole, atol=1e-5, rtol=0)


def test_the_same_seed_gives_the_same_bits_and_another_another_filling():
    y, known = drawn(1, 3, 30, 32), hole((30, 32), 8, 22, 12, 24).expand(1, 3, 30, 32)
    first, again = QUICK(y * known, known), QUICK(y * known, known)
    assert torch.equal(first, again)
    assert not torch.equal(first, Exemplar(patch=5, rounds=3, last=2, seed=1)(y * known, known))


def test_what_lies_in_the_hole_has_no_say_and_units_have_none():
    y, known = drawn(1, 1, 30, 32).double(), hole((30, 32), 8, 22, 12, 24).double()
    made = QUICK(y * known, known)
    torch.testing.assert_close(QUICK(4 * y * known, known), 4 * made)  # a power of two changes no bit of any comparison
    assert torch.equal(QUICK((y * known).expand(2, 1, 30, 32), known.expand(2, 1, 30, 32)), made.expand(2, 1, 30, 32))


def test_the_field_is_nearly_that_of_a_full_search():
    x = F.avg_pool2d(drawn(1, 2, 44, 46), 5, 1)[0].permute(1, 2, 0).contiguous()
    known = hole((40, 42), 15, 25, 16, 26)[0, 0] == 1
    field = Field(x, torch.ones(40, 42), known, 5)
    draw = torch.Generator().manual_seed(0)
    field.scatter(draw, field.wanted)
    field.measure()
    for _ in range(12):
        before = field.error[field.wanted]
        field.search(draw, (8, 4, 2, 1))
        assert bool((field.error[field.wanted] <= before).all())
    flat = windows(x, 5).reshape(-1, 50)
    full = torch.cdist(flat[field.wanted], flat[field.allowed]).square().amin(1) / 50
    assert bool(field.allowed[field.source].all())
    assert float(field.error[field.wanted].mean()) < 1.2 * float(full.mean())
    assert bool((field.error[field.wanted] > full - 1e-5).all())


def test_a_wall_of_bricks_is_continued_where_a_membrane_smears():
    """Bricks of uneven colour, on rows that are shifted by half a brick."""
    rows, cols = np.mgrid[:72, :72]
    joint = (rows % 12 < 2) | ((cols + 12 * (rows // 12 % 2)) % 24 < 2)
    wall = np.where(joint, 0.8, 0.4) + 0.05 * np.random.default_rng(0).random((72, 72))
    fill = np.zeros((72, 72), bool)
    fill[24:48, 22:48] = True
    made = untaught.inpaint(wall, mask=fill, preset="fast")
    y, known = (torch.from_numpy(v)[None, None] for v in (wall * ~fill, 1.0 * ~fill))
    smeared = Harmonic()(y, known)[0, 0].numpy()
    assert psnr(made[fill], wall[fill]) > psnr(smeared[fill], wall[fill]) + 8


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_types_and_grey_and_colour(dtype):
    scale = {np.uint8: 1, np.uint16: 257, np.float32: 1 / 255}[dtype]
    for shape in ((24, 26), (24, 26, 3)):
        photo = (np.random.default_rng(0).integers(0, 256, shape) * scale).astype(dtype)
        fill = np.zeros((24, 26), bool)
        fill[10:19, 0:10] = True
        made = untaught.inpaint(photo, mask=fill, recipe="hole", preset="fast")
        assert (made.dtype, made.shape) == (photo.dtype, photo.shape)
        assert np.array_equal(made[~fill], photo[~fill])
        # Means of known values: within their range.
        assert made.max() <= photo[~fill].max()
        assert made.min() >= photo[~fill].min()
