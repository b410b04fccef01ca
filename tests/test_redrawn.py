"""Intervals by data drawn anew: they hold what the posterior says where that is known, and are resumed to the same bits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

import untaught
from untaught.calibration.redrawn import OWN, SELF, Redrawn, doubting, finest, smaller
from untaught.calibration.repeated import RepeatedRuns
from untaught.classical import Estimated, Estimator
from untaught.core.errors import BadInput
from untaught.io.uncertainty_maps import maps
from untaught.problem.operators import Operator, kernels

pytestmark = pytest.mark.usefixtures("one_thread")
SIDE, SIGMA = 64, 0.2
FREQUENCY = torch.hypot(*torch.meshgrid(torch.fft.fftfreq(SIDE), torch.fft.rfftfreq(SIDE), indexing="ij"))
POWER = 0.02 / FREQUENCY.clamp_min(1 / SIDE).square()
"""Of a picture that is much the same on all scales, as photographs are: its contrast in every octave is one."""


class Circulant(Operator):
    """y = h * x with what wraps around, given by its Fourier transform."""

    def __init__(self, transfer):
        super().__init__()
        self.register_buffer("transfer", transfer)

    def forward(self, x):
        return torch.fft.irfft2(self.transfer * torch.fft.rfft2(x), s=x.shape[-2:])

    def adjoint(self, data, at=None):
        return self(data)


@dataclass(frozen=True)
class Wiener(Estimator):
    """The mean of the posterior."""

    def iterates(self, problem):
        h = problem.operator.transfer
        yield Estimated(Circulant(POWER * h / (POWER * h.square() + SIGMA**2))(problem.data))

    @classmethod
    def examples(cls):
        return ()


TRANSFERS = {
    "noise": torch.ones_like(FREQUENCY),
    "blur": torch.exp(-2 * (torch.pi * FREQUENCY).square()),
    "some frequencies": (torch.rand(FREQUENCY.shape, generator=torch.Generator().manual_seed(0)) < 0.5).float(),
}


def run(series):
    for _ in series:
        pass
    return series


def asked(name, seed):
    """(job, truth): a normal picture of the spectrum `POWER`, measured."""
    draw = torch.Generator().manual_seed(seed)
    operator = Circulant(TRANSFERS[name])
    x = Circulant(POWER.sqrt())(torch.randn(1, 1, SIDE, SIDE, generator=draw))
    y = operator(x) + SIGMA * torch.randn(x.shape, generator=draw)
    return untaught.Job((untaught.Estimate(Wiener()),), untaught.Problem(y, operator, untaught.Gaussian(SIGMA))), x


@pytest.mark.parametrize(("name", "least"), [("noise", 0.85), ("blur", 0.75), ("some frequencies", 0.75)])
def test_intervals_are_those_of_the_posterior(name, least):
    """Linear and normal: the posterior's deviation is one number, in closed form. least: what is not seen at all is missing in a
    smaller self, too, and nothing here can do with fewer measurements: such intervals are too narrow, by no more than this."""
    h = TRANSFERS[name]
    both = torch.ones(SIDE // 2 + 1).index_fill_(0, torch.tensor([0, SIDE // 2]), 0.5) * 2  # columns that stand for two
    exact = float((both * POWER * SIGMA**2 / (POWER * h.square() + SIGMA**2)).sum() / SIDE**2) ** 0.5
    held, wide = [], []
    for seed in range(4):
        job, x = asked(name, seed)
        found = run(doubting(job)).uncertainty()
        held.append(float(((found.lower <= x) & (x <= found.upper)).float().mean()))
        wide.append(float(found.deviation.square().mean().sqrt()) / exact)
        assert found.drawn == OWN
    assert least < np.mean(held) < 0.95, held
    assert least - 0.05 < np.mean(wide) < 1.2, wide


def test_data_drawn_anew_have_the_noise_of_the_data():
    light = np.outer(np.linspace(2, 40, 48), np.ones(48))
    job = untaught.denoise.job(
        np.random.default_rng(0).poisson(light).astype(float), noise="poisson", gain=1, preset="instant"
    )
    series = Redrawn(job)
    series.done = [job.problem.data] * 2
    finish = job.finish.again(None)
    truth = finish.transform.gain * finish.plain(series._truth(2 + SELF))
    drawn = torch.stack([counts(series, i) for i in range(2 + SELF, 2 + SELF + OWN)])
    ratio = (drawn - truth).square().mean() / truth.mean()
    assert float(ratio) == pytest.approx(1, abs=0.05)
    operator = untaught.Fourier(complex_image=False)
    like = operator(torch.zeros(1, 1, 64, 64))
    noise = untaught.Gaussian(0.1).draw(like, torch.Generator().manual_seed(0))
    assert float(noise.abs().square().mean()) == pytest.approx(0.01, rel=0.05)
    assert float(noise.imag.square().mean()) == pytest.approx(0.005, rel=0.1)


def counts(series, i):
    """What was counted in run i: the transform undone, algebraically."""
    problem, finish = series._measured(i)
    t = finish.offset + finish.gain * problem.data
    return t.square() / 4 - 3 / 8


def test_a_smaller_self_fills_the_field_and_a_blur_asks_for_a_smaller_one():
    x = torch.rand(1, 2, 21, 34, generator=torch.Generator().manual_seed(0))
    small = smaller(x, 2)
    assert small.shape == x.shape
    assert torch.equal(small, small.clamp(x.min(), x.max()))
    assert torch.allclose(smaller(torch.full((1, 1, 30), 0.3), 4), torch.tensor(0.3))

    def of(operator):
        return finest(untaught.Problem(torch.zeros(1, 1, 40, 40), operator))

    assert of(untaught.Identity()) == 2
    widths = [of(untaught.Blur(kernels.named(f"gauss:{s}"))) for s in (0.5, 1.2, 3)]
    assert widths == sorted(widths)
    assert widths[0] == 2
    assert widths[-1] == 4


def test_noise_that_nobody_told_is_taken_from_what_the_picture_leaves():
    job, _ = asked("noise", 0)
    quiet = replace(job, problem=replace(job.problem, likelihood=untaught.Gaussian(SIGMA / 10)))
    right, found = (run(Redrawn(j)).uncertainty() for j in (job, quiet))
    assert float(found.deviation.mean() / right.deviation.mean()) == pytest.approx(1, abs=0.3)


def test_it_is_resumed_to_the_same_bits(noisy):
    job = untaught.deblur.job(noisy[:16, :18], kernel="gauss:0.7", sigma=0.1, preset="instant")
    whole, first = run(doubting(job)), doubting(job)
    for _ in range(9):  # in the smaller self's second
        next(first)
    second = doubting(job)
    second.load_state_dict(first.state_dict())
    run(second)
    assert torch.equal(second.solution.x, whole.solution.x)
    assert torch.equal(second.uncertainty().deviation, whole.uncertainty().deviation)
    assert second.solution.notes == whole.solution.notes
    assert [m.energy for m in second.solution.history] == [m.energy for m in whole.solution.history]
    assert torch.equal(whole.solution.x, untaught.solve(job).x)


def test_what_is_seen_by_held_out_values_still_is(noisy):
    assert type(doubting(untaught.denoise.job(noisy[:20, :24], sigma=0.1, steps=3))) is RepeatedRuns


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: doubting(untaught.denoise.job(p, sigma=0.1, preset="instant"), 3), "leave out repeat"),
        (lambda p: doubting(untaught.denoise.job(p[:12, :12], sigma=0.1, preset="instant")), "16 a side"),
        (lambda p: doubting(untaught.upscale.job(p, factor=2, steps=3)), "data are the picture itself"),
        (lambda p: doubting(untaught.deblur.job(p, blind=True, preset="instant")), "data are the picture itself"),
        (lambda p: doubting(untaught.inpaint.job(p, mask=p[..., 0] > 99, preset="instant")), "classic filter"),
    ],
)
def test_it_is_refused_in_a_sentence(make, words, noisy):
    with pytest.raises(BadInput, match=words) as told:
        make(noisy[:20, :24])
    assert str(told.value).endswith(".")
    assert "\n" not in str(told.value)


@pytest.mark.slow
def test_maps_are_of_the_result_in_its_units_and_its_size(untaught, tmp_path, noisy, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(noisy[:16, :18]).save("soft.png")
    np.save("counts.npy", np.random.default_rng(0).poisson(300 * np.ones((16, 18))))
    space = np.fft.fft2(np.full((16, 18), 7.0), norm="ortho")
    np.save("samples.npy", space + 0.1 * np.random.default_rng(0).normal(size=(16, 18)))
    instant = ["--preset", "instant", "--uncertainty", "u.tif", "--force"]
    for words, shape, level in (
        (["deblur", "soft.png", "--kernel", "gauss:0.7"], (16, 18, 3), None),
        (["denoise", "counts.npy", "--noise", "poisson", "--gain", "1"], (16, 18), 300),
        (["reconstruct", "samples.npy", "--operator", "fourier:centered=no", "--sigma", "0.1"], (16, 18), 7),
    ):
        report = [] if level == 7 else ["--report", "r.html"]
        code, _, err = untaught(*words, *instant, "-o", "out.npy" if level else "out.png", *report)
        assert code == 0, err
        assert "measured anew 8 times" in err
        deviation, low, high = pages("u.tif")
        assert deviation.shape == shape
        assert (low <= high).all()
        if level:
            made = np.load("out.npy")
            assert ((low <= made) & (made <= high)).all()
            assert np.median(deviation) < 0.1 * level
            assert np.median(np.abs(made - level)) < 3 * np.median(deviation)
        assert not report or "Where it may be off" in (tmp_path / "r.html").read_text("utf-8")


def pages(path):
    with tifffile.TiffFile(path) as file:
        return [page.asarray() for page in file.pages]


def test_python_has_it_in_one_call():
    job = untaught.reconstruct.job(
        np.ones((16, 16)) + 0.1 * np.random.default_rng(0).normal(size=(16, 16)),
        operator="identity", sigma=0.1, preset="instant",
    )  # fmt: skip
    found = untaught.uncertainty(job)
    assert list(maps(job, found)) == [
        "standard deviation",
        "lower end of the 90 % interval",
        "upper end of the 90 % interval",
    ]
