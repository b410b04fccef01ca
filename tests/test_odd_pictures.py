"""No factorisation, index or division fails on finite input: a sample of what benchmarks/pieces.py puts through every way."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
import torch
from odd_pictures import FILTERS, HIDDEN, INTEGERS, excess, pieces, through

import untaught
from untaught.classical.denoise.nl_ridge import blind, piloted
from untaught.core import linear_algebra as linear
from untaught.core import registry
from untaught.core.errors import UntaughtError
from untaught.problem.operators.blur import Blur
from untaught.tasks.deblur.result import limits


@pytest.mark.parametrize("name", [*FILTERS, *HIDDEN])
def test_filters(name, photo):
    for said, y in pieces(11, [photo / 255], first=11 * len(name)):
        with suppress(UntaughtError):  # constant pieces
            assert excess(through(("filter", name), y), y) <= 1, said


@pytest.mark.parametrize("task", ["denoise", "inpaint", "deblur", "upscale", "dejpeg", "enhance", "flash"])
def test_first_presets(task, photo):
    preset = next(p for p in registry.presets.get(task) if (task, p) != ("dejpeg", "instant"))
    for said, y in pieces(4, [photo / 255], first=4):
        with suppress(UntaughtError):
            assert np.isfinite(through((task, preset), y).astype(np.float64)).all(), said


@pytest.mark.parametrize("dtype", [*INTEGERS, "float16", "float32", "float64", ">u2", ">f4", "longdouble"])
def test_every_type_comes_back(dtype):
    y = np.random.default_rng(0).integers(0, 100, (9, 10)).astype(dtype)
    z = through(("denoise", "instant"), y)
    assert z.dtype == y.dtype.newbyteorder("=")
    assert excess(z, y) <= 0.5


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-12, 1.0, 1e6, 1e12])
@pytest.mark.parametrize("rank", [0, 1, 3])
def test_the_ridge_of_patches_that_are_alike(size, rank):
    """More patches than values, and fewer; in single precision a load is lost beside large products."""
    draw = torch.Generator().manual_seed(0)
    for k, n in ((16, 75), (64, 27)):
        few = size * torch.rand(2, k, rank, generator=draw) @ torch.rand(2, rank, n, generator=draw)
        for estimate in (blind(few + size, torch.zeros(2)), piloted(few, few + size, torch.zeros(2))):
            assert all(bool(torch.isfinite(v).all()) for v in estimate)


def test_a_factor_is_the_plain_one_where_there_is_one():
    """The same bits, also beside one that has none."""
    draw = torch.Generator().manual_seed(0)
    good = torch.rand(3, 8, 8, generator=draw)
    good = good @ good.mT + torch.eye(8)
    none = torch.ones(2, 8, 8) - 1e-3 * torch.eye(8)
    none[1] = float("nan")
    found = linear.factor(torch.cat([good, none]))
    assert torch.equal(found[:3], torch.linalg.cholesky(good))
    assert bool(torch.isfinite(found).all())
    assert torch.allclose(found[3] @ found[3].mT, none[0], atol=1e-2)


@pytest.mark.parametrize("fails", ["raises", "answers NaN"])
def test_axes_are_found_where_single_precision_finds_none(fails, monkeypatch):
    """The library does either, now and then, with matrices that are not of full rank."""
    plain = torch.linalg.eigh

    def eigh(gram):
        if gram.dtype == torch.float64:
            return plain(gram)
        if fails == "raises":
            raise torch.linalg.LinAlgError("did not converge")
        return torch.full_like(gram[..., 0], torch.nan), torch.full_like(gram, torch.nan)

    some = torch.rand(3, 12, 4, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(torch.linalg, "eigh", eigh)
    value, vector = linear.axes(gram := some @ some.mT)
    assert torch.allclose((vector * value[:, None]) @ vector.mT, gram, atol=1e-5)
    assert torch.allclose(vector @ vector.mT, torch.eye(12).expand_as(gram), atol=1e-5)


@pytest.mark.parametrize("shape", [(12, 24), (16, 20, 3)])
def test_no_point_is_deblurred_to_more_than_what_alone_would_make_the_brightest_value(shape):
    """The kernel's middle has a third of the weight: no blur made these data, and trusted they lead to four times their range."""
    draw = np.random.default_rng(0)
    for y in (draw.random(shape), np.where(draw.random(shape) < 0.9, 0, draw.random(shape))):
        for sigma in (1e-3, 1e-5):
            x = untaught.deblur(y, kernel=np.ones((1, 3)) / 3, preset="instant", sigma=sigma)
            assert excess(x, y) <= 2.001


@pytest.mark.parametrize("sides", [(1, 1), (3,), (1, 4), (3, 5), (4, 4)])
def test_the_limits_of_a_deblurred_point_are_those_of_a_picture_with_one_bright_point(sides):
    draw = torch.Generator().manual_seed(len(sides))
    kernel = torch.rand(sides, generator=draw)
    kernel = kernel / kernel.sum()
    x = torch.full((1, 1, *(3 * n for n in sides)), 0.25)
    middle = tuple(n // 2 for n in x.shape[2:])
    x[(0, 0, *middle)] = 1.0
    y = Blur(kernel)(x)
    low, high = limits(kernel, float(y.min()), float(y.max()))
    assert low <= float(x.min()) + 1e-6
    assert high >= 1.0 - 1e-6
    weight = float(kernel[tuple(n // 2 for n in sides)])
    assert limits(kernel, 0.25, 0.25 + 0.75 * weight)[1] == pytest.approx(1.0)
    assert limits(torch.tensor([0.5, 0.0, 0.5]), 0.0, 1.0) == (-np.inf, np.inf)
