"""Families of noise beyond the sweep of test_mathematics: from one count to many, worthless measurements, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from untaught.core.errors import BadInput
from untaught.problem.likelihoods import Gaussian, Impulse, Laplace, Poisson, PoissonGaussian, Speckle

N = 400_000


def constant(value, n=N):
    return torch.full((1, 1, n), float(value), dtype=torch.float64)


def best(model, y, values):
    """The constant that fits the data best."""
    return values[int(torch.tensor([model.energy(constant(v, 1), y) for v in values]).argmin())]


@pytest.mark.parametrize("rate", [0.5, 3.0, 40.0])
@pytest.mark.parametrize(("sigma", "dark"), [(0.0, 0.0), (0.01, 0.0), (0.05, 0.2)])
def test_counts_read_with_noise_are_judged_best_at_the_truth_even_if_they_are_few(rate, sigma, dark):
    model, rng = PoissonGaussian(50.0, sigma, dark), np.random.default_rng(0)
    truth = dark + rate / 50
    y = torch.from_numpy(rng.poisson(rate, (1, 1, N)) / 50 + dark + sigma * rng.normal(size=(1, 1, N)))
    step = 0.04 * (truth - dark)
    assert best(model, y, [truth + k * step for k in (-3, -2, -1, 0, 1, 2, 3)]) == truth
    assert float(y.std()) == pytest.approx(float((model.shifted(constant(truth, 1)).sqrt() / 50).squeeze()), rel=0.01)


def test_without_reading_noise_counts_are_poisson():
    x, y = torch.rand(1, 3, 50) + 0.01, torch.rand(1, 3, 50)
    torch.testing.assert_close(PoissonGaussian(80.0, 0.0).pointwise(x, y), Poisson(80.0).pointwise(x, y))


@pytest.mark.parametrize("model", [Poisson(9.0), PoissonGaussian(9.0, 0.2), Speckle(2.0), Impulse(0.4, 0.1)], ids=repr)
def test_energies_are_never_below_0_and_pull_up_what_is_too_low(model):
    y = torch.linspace(-1, 2, 50).view(1, 1, -1)
    x = torch.full_like(y, -0.5, requires_grad=True)
    assert float(model.pointwise(x.detach(), y).min()) >= 0
    assert float(model.pointwise(y, y).min()) >= -1e-6
    if not isinstance(model, Impulse):
        model.energy(x, y.clamp_min(0.1)).backward()
        assert bool((x.grad < 0).all())


@pytest.mark.parametrize("looks", [1, 4.0, 30])
@pytest.mark.parametrize("truth", [0.02, 0.7])
def test_speckle_is_judged_best_at_the_truth_from_one_look_on(looks, truth):
    model = Speckle(looks)
    y = torch.from_numpy(truth * np.random.default_rng(0).gamma(looks, 1 / looks, (1, 1, N)))
    assert best(model, y, [truth * f for f in (0.9, 0.95, 1.0, 1.05, 1.1)]) == pytest.approx(truth)
    assert float(model.deviation(constant(truth, 1))) == pytest.approx(float(y.std()), rel=0.01)


@pytest.mark.parametrize("kind", ["salt and pepper", "uniform"])
def test_with_half_the_measurements_worthless_the_rest_still_decides(kind):
    rng = np.random.default_rng(0)
    y = 0.3 + 0.05 * rng.normal(size=(1, 1, N))
    lost = rng.random(y.shape) < 0.5
    y[lost] = (rng.random(y.shape) < 0.8 if kind == "salt and pepper" else rng.random(y.shape))[lost]
    y = torch.from_numpy(y)
    values = [0.28, 0.29, 0.3, 0.31, 0.32]
    assert best(Impulse(0.5, 0.05), y, values) == 0.3
    assert best(Gaussian(0.05), y, [*values, 0.4]) == 0.4


def test_small_errors_of_impulse_noise_cost_what_normal_noise_does_and_large_ones_pull_nowhere():
    model = Impulse(0.1, 0.02)
    x = torch.tensor([0.505, 0.9], requires_grad=True)
    each = model.pointwise(x, torch.full((2,), 0.5))
    assert float(each[0].detach()) == pytest.approx(0.005**2 / (2 * 0.02**2), rel=0.02)
    each.sum().backward()
    assert float(x.grad[1]) == 0


@pytest.mark.parametrize("model", [Poisson(40.0), PoissonGaussian(40.0, 0.05)], ids=repr)
def test_drawn_counts_have_the_models_moments(model):
    clean = torch.full((1, 1, 300, 300), 0.6)
    noise = model.draw(clean, torch.Generator().manual_seed(0))
    assert float(noise.mean()) == pytest.approx(0, abs=2e-3)
    assert float(noise.std()) == pytest.approx(float(model.deviation(clean).mean()), rel=0.02)


@pytest.mark.parametrize("model", [Laplace(0.1), Poisson(), PoissonGaussian(), Speckle(), Impulse()], ids=repr)
@pytest.mark.parametrize("shape", [(4,), (1, 2, 3), (1, 1, 2, 3, 2)])
def test_any_shape(model, shape):
    x, y = torch.rand(shape), torch.rand(shape)
    assert model.pointwise(x, y).shape == shape
    assert bool(torch.isfinite(model.energy(x, y)))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Poisson(0), "gain = 0.*counts at the value 1"),
        (lambda: PoissonGaussian(-3.0), "gain = -3"),
        (lambda: PoissonGaussian(3.0, -0.1), "sigma = -0.1"),
        (lambda: Speckle(float("nan")), r"looks = nan.*\(mean / deviation\)\^2"),
        (lambda: Impulse(1.0), "share = 1.0.*between 0 and 1"),
        (lambda: Impulse(0.1, 0), "sigma = 0"),
        (lambda: Speckle().draw(torch.zeros(1), torch.Generator()), "cannot be added.*Fit"),
    ],
)
def test_what_is_no_noise_is_refused(make, sentence):
    with pytest.raises(BadInput, match=sentence):
        make()
