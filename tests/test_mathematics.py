"""Laws of operators, likelihoods, regularisers and codes, swept over every one there is."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from math import prod

import numpy as np
import pytest
import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.linear_algebra import conjugate_gradients
from untaught.core.randomness import Rng
from untaught.prior import codes
from untaught.problem import Problem, likelihoods, operators, regularisers
from untaught.problem.likelihoods import Gaussian, Impulse, Laplace, Poisson, PoissonGaussian, Speckle
from untaught.problem.operators import FromLinear, Operator, as_operator
from untaught.problem.regularisers import TV, Norm, Smooth


def parts(module, base):
    return list(_parts(module, base))


def _parts(module, base):
    """Every public concrete class of a module, or of all files of a package, with its examples; none fails the sweep."""
    inside = [
        importlib.import_module(f"{module.__name__}.{m.name}")
        for m in pkgutil.iter_modules(getattr(module, "__path__", []))
    ]
    found = [
        c
        for where in (module, *inside)
        for n, c in vars(where).items()
        if inspect.isclass(c)
        and issubclass(c, base)
        and not inspect.isabstract(c)
        and not n.startswith("_")
        and c is not base
        and c.__module__ == where.__name__
    ]
    assert found
    for part in found:
        examples = part.examples()
        assert examples or part is codes.Fed, f"{part.__name__} gives no examples"
        yield from examples


def name(value):
    return type(value[0] if isinstance(value, tuple) else value).__name__


@pytest.mark.parametrize("case", [c for c in parts(operators, Operator) if c[0].linear], ids=name)
def test_linear_operator_is_its_dense_matrix_and_adjoint_its_transpose(case):
    operator, shape = case
    operator = operator.double()
    basis = torch.eye(prod(shape), dtype=torch.float64).reshape(-1, *shape[1:])
    dense = torch.stack([operator(e[None]).flatten() for e in basis], dim=1)
    x = torch.randn(shape, dtype=torch.float64)
    y = operator(x)
    assert operator.image_shape(tuple(y.shape)) == shape
    torch.testing.assert_close(y.flatten(), dense @ x.flatten().to(dense.dtype))
    r = torch.randn_like(y)
    back = (dense.conj().T @ r.flatten()).real
    torch.testing.assert_close(operator.adjoint(r).flatten(), back)
    x.requires_grad_()
    (found,) = torch.autograd.grad(operator(x), x, r)
    torch.testing.assert_close(found.flatten(), back)
    single = operator.float()(x.detach().float())
    assert single.dtype == (torch.complex64 if y.is_complex() else torch.float32)
    assert operator.sought or not operator.state_dict()  # constants are in no checkpoint


@pytest.mark.parametrize("case", [c for c in parts(operators, Operator) if not c[0].linear], ids=name)
def test_adjoint_of_any_other_operator_is_the_transpose_of_its_finite_differences(case):
    operator, shape = case
    operator, eps = operator.double(), 1e-6
    x = torch.randn(shape, dtype=torch.float64)
    y = operator(x)
    assert operator.image_shape(tuple(y.shape)) == shape
    basis = torch.eye(prod(shape), dtype=torch.float64).reshape(-1, *shape)
    dense = torch.stack([(operator(x + eps * e) - operator(x - eps * e)).flatten() / (2 * eps) for e in basis], dim=1)
    r = torch.randn_like(y)
    torch.testing.assert_close(operator.adjoint(r, at=x).flatten(), dense.T @ r.flatten(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("case", [c for c in parts(operators, Operator) if c[0].local], ids=name)
def test_a_part_of_the_picture_gives_a_part_of_the_data(case):
    operator, shape = case
    x = torch.randn(shape)
    y = operator(x)
    assert max(y.shape[2:]) > 1
    for axis in (a for a in range(2, x.ndim) if y.shape[a] > 1):
        for start in (0, 1):
            part = operator(x.narrow(axis, start, x.shape[axis] - 1))
            torch.testing.assert_close(part, y.narrow(axis, start, y.shape[axis] - 1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_conjugate_gradients_solve_and_stay_solved(dtype):
    draw = torch.Generator().manual_seed(0)
    root, b = torch.randn(6, 6, generator=draw, dtype=dtype), torch.randn(6, generator=draw, dtype=dtype)
    for matrix in (root @ root.T + torch.eye(6, dtype=dtype), 3 * torch.eye(6, dtype=dtype)):
        x = conjugate_gradients(lambda v, m=matrix: m @ v, b, torch.zeros_like(b), 60)
        torch.testing.assert_close(x, torch.linalg.solve(matrix, b), rtol=1e-4, atol=1e-5)
    assert torch.equal(conjugate_gradients(lambda v: v, torch.zeros(6), torch.ones(6), 9), torch.zeros(6))
    for _ in range(50):  # what is left after a step or two is rounding, whose squares underflow
        scale, b = 1e-3 * (1 + 1e-6 * torch.rand(8, generator=draw)), torch.randn(8, generator=draw)
        x = conjugate_gradients(lambda v, s=scale: s * v, b, torch.zeros(8), 60)
        torch.testing.assert_close(x, b / scale)


def test_composition_applies_the_right_hand_side_first():
    first = FromLinear(torch.tensor([[1.0, 1.0]]), (1, 2))
    twice = as_operator(lambda x: 2 * x)
    assert (twice @ first)(torch.tensor([[[3.0, 4.0]]])).tolist() == [[14.0]]


def test_a_users_module_becomes_an_operator_of_the_datas_shape():
    blur = torch.nn.Conv1d(1, 1, 3, padding=1, bias=False)
    operator = as_operator(blur)
    assert operator.image_shape((1, 1, 9)) == (1, 1, 9)
    assert len(list(operator.parameters())) == 1


def test_the_adjoint_of_complex_data_is_the_real_part():
    matrix = torch.randn(4, 3, dtype=torch.complex128)
    operator = as_operator(lambda x: x.flatten(1).to(matrix.dtype) @ matrix.T)
    r = torch.randn(1, 4, dtype=torch.complex128)
    found = operator.adjoint(r, at=torch.zeros(1, 1, 3, dtype=torch.float64))
    torch.testing.assert_close(found.flatten(), (matrix.conj().T @ r[0]).real)


def finite_difference(f, x: Tensor) -> Tensor:
    flat, eps = x.flatten(), 1e-6
    grad = torch.stack(
        [
            (f((flat + eps * e).view_as(x)) - f((flat - eps * e).view_as(x))) / (2 * eps)
            for e in torch.eye(len(flat), dtype=x.dtype)
        ]
    )
    return grad.view_as(x)


@pytest.mark.parametrize("likelihood", parts(likelihoods, likelihoods.Likelihood), ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
def test_energy_gradient_equals_finite_differences(likelihood, weighted):
    draw = torch.Generator().manual_seed(1)
    x = (torch.rand(1, 3, 4, generator=draw, dtype=torch.float64) + 0.1).requires_grad_()
    y = torch.rand(1, 3, 4, generator=draw, dtype=torch.float64)
    weight = torch.rand(1, 3, 4, generator=draw, dtype=torch.float64) if weighted else None
    likelihood.energy(x, y, weight).backward()
    expected = finite_difference(lambda v: likelihood.energy(v, y, weight), x.detach())
    torch.testing.assert_close(x.grad, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("likelihood", parts(likelihoods, likelihoods.Likelihood), ids=repr)
def test_unknown_measurements_do_not_count(likelihood):
    y, weight = torch.rand(1, 3, 5), torch.ones(1, 3, 5)
    weight[..., 2] = 0
    changed = y.clone()
    changed[..., 2] = 9.0
    x = torch.rand(1, 3, 5)
    torch.testing.assert_close(likelihood.energy(x, y, weight), likelihood.energy(x, changed, weight))
    kept = likelihood.energy(x[..., [0, 1, 3, 4]], y[..., [0, 1, 3, 4]])
    torch.testing.assert_close(likelihood.energy(x, y, weight), kept)


def noise_of(likelihood, truth: Tensor, draw: torch.Generator) -> Tensor:
    if isinstance(likelihood, Poisson):
        return torch.poisson(truth * likelihood.gain, generator=draw) / likelihood.gain
    if isinstance(likelihood, Laplace):
        u = torch.rand(truth.shape, generator=draw, dtype=truth.dtype) - 0.5
        return truth - likelihood.scale * u.sign() * torch.log1p(-2 * u.abs())
    if isinstance(likelihood, PoissonGaussian):
        counts = torch.poisson((truth - likelihood.dark) * likelihood.gain, generator=draw)
        read = torch.randn(truth.shape, generator=draw, dtype=truth.dtype)
        return counts / likelihood.gain + likelihood.dark + likelihood.sigma * read
    if isinstance(likelihood, Speckle):
        shape = float(likelihood.looks)
        return truth * torch.from_numpy(np.random.default_rng(2).gamma(shape, 1 / shape, tuple(truth.shape)))
    if isinstance(likelihood, Impulse):
        sound = truth + likelihood.sigma * torch.randn(truth.shape, generator=draw, dtype=truth.dtype)
        uniform, which = (torch.rand(truth.shape, generator=draw, dtype=truth.dtype) for _ in range(2))
        return torch.where(which < likelihood.share, likelihood.span * uniform, sound)
    return truth + likelihood.draw(truth, draw).to(truth.dtype)


@pytest.mark.parametrize(
    "likelihood",
    [c for c in parts(likelihoods, likelihoods.Likelihood) if c.floor(torch.ones(1, 3, 2)) is not None],
    ids=repr,
)
def test_floor_is_the_mean_energy_at_the_truth_and_the_truth_is_the_best_constant(likelihood):
    draw = torch.Generator().manual_seed(2)
    truth = torch.full((1, 3, 200, 200), 0.5, dtype=torch.float64)
    y = noise_of(likelihood, truth, draw)
    at_truth = float(likelihood.energy(truth, y))
    assert at_truth == pytest.approx(likelihood.floor(y), rel=0.03)
    for other in (0.45, 0.55):
        assert float(likelihood.energy(torch.full_like(truth, other), y)) > at_truth
    if not isinstance(likelihood, Impulse):  # whose deviation is that of the sound measurements
        assert float(((y - truth) / likelihood.deviation(truth)).square().mean()) == pytest.approx(1, rel=0.03)


def test_complex_residuals_count_their_modulus():
    y = torch.tensor([[[3 + 4j]]])
    assert float(Gaussian().energy(torch.zeros_like(y), y)) == pytest.approx(25)


def test_drawn_noise_has_the_models_deviation_in_each_channel():
    model = Gaussian((0.1, 0.2, 0.4))
    noise = model.draw(torch.zeros(1, 3, 200, 200), torch.Generator().manual_seed(0))
    assert noise.std((0, 2, 3)).tolist() == pytest.approx([0.1, 0.2, 0.4], rel=0.02)


@pytest.mark.parametrize("level", [0.0, 0.02, 0.3, 0.9, 1.0])
def test_clipped_noise_has_the_moments_that_the_model_knows(level):
    model = likelihoods.ClippedGaussian(0.1)
    x = torch.full((1, 1, 500, 500), level)
    y = (x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    mean = y.mean()
    assert float(model.deviation(mean.view(1, 1, 1, 1))) == pytest.approx(float(y.std()), rel=0.02)
    assert float(model.unbias(mean.view(1, 1, 1, 1))) == pytest.approx(level, abs=2e-3)
    assert float(model.expected(x).mean()) == pytest.approx(float(mean), abs=2e-3)
    assert float(model.trusted(mean.view(1, 1, 1, 1))) == (1 if level == 0.3 else 0)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_sigma_that_is_no_noise_level_is_refused(bad):
    with pytest.raises(BadInput, match="no noise level"):
        Gaussian(bad)


@pytest.mark.parametrize("regulariser", parts(regularisers, regularisers.Regulariser), ids=repr)
@pytest.mark.parametrize("shape", [(1, 1, 5), (1, 2, 3, 4), (1, 1, 2, 3, 2), (1, 1, 1, 1)])
def test_regulariser_gradient_equals_finite_differences(regulariser, shape):
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3)).requires_grad_()
    value = regulariser(x)
    assert value.shape == ()
    if value.requires_grad:
        value.backward()
        torch.testing.assert_close(x.grad, finite_difference(regulariser, x.detach()), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("regulariser", parts(regularisers, regularisers.Regulariser), ids=repr)
def test_regulariser_is_finite_on_a_constant_picture(regulariser):
    x = torch.full((1, 1, 6, 6), 0.5, requires_grad=True)
    value = regulariser(x)
    if value.requires_grad:
        value.backward()
        assert torch.isfinite(x.grad).all()


def test_regularisers_add_up_and_scale():
    x = torch.rand(1, 3, 8, 9)
    both = 0.5 * TV() + 2 * (Smooth() + 3 * Norm())
    torch.testing.assert_close(both(x), 0.5 * TV()(x) + 2 * Smooth()(x) + 6 * Norm()(x))


def test_smoothness_is_the_papers_sum_over_neighbours():
    x = torch.tensor([[[1.0, 3.0, 4.0]]])
    assert float(Smooth()(x)) == pytest.approx((4 + 1) / 3)


def test_total_variation_of_a_step_is_its_height_over_the_elements():
    x = torch.tensor([[[0.0, 0.0, 1.0, 1.0]]])
    assert float(TV(eps=1e-6)(x)) == pytest.approx(1 / 4, abs=1e-5)


@pytest.mark.parametrize("code", parts(codes, codes.Code), ids=repr)
@pytest.mark.parametrize("space", [(8,), (8, 12), (4, 6, 8)])
def test_a_code_has_the_size_asked_for_and_depends_on_the_seed_alone(code, space):
    problem = Problem(torch.rand(1, 2, *[n - 1 for n in space]))
    first, again = (code.build(space, problem, Rng(5)) for _ in range(2))
    assert first.shape[0] == 1
    assert first.shape[2:] == space
    assert torch.equal(first, again)


def test_the_mesh_grid_runs_from_0_to_1_along_each_axis():
    z = codes.Grid().build((3, 5), Problem(torch.rand(1, 1, 3, 5)), Rng(0))[0]
    np.testing.assert_allclose(z[0], np.tile(np.linspace(0, 1, 5), (3, 1)), atol=1e-6)
    np.testing.assert_allclose(z[1], np.tile(np.linspace(0, 1, 3)[:, None], (1, 5)), atol=1e-6)


def test_noise_codes_are_uniform_on_a_tenth():
    z = codes.Noise(32).build((64, 64), Problem(torch.rand(1, 1, 64, 64)), Rng(0))
    assert 0 <= float(z.min()) < 1e-3
    assert 0.0999 < float(z.max()) < 0.1


def test_a_diffusions_noise_falls_from_that_of_nothing_but_noise_to_none():
    code = codes.Diffusion(outer=10, inner=3)
    levels = [code.level(k) for k in range(12)]
    assert levels[0] > 0.99
    assert levels[10:] == [0, 0]
    assert levels == sorted(levels, reverse=True)
    # The product of Ho, Jain and Abbeel, of a thousand steps.
    assert levels[5] == pytest.approx((1 - np.prod(1 - np.linspace(1e-4, 0.02, 1000)[:500])) ** 0.5)


@pytest.mark.parametrize("code", [codes.Feedback(share=0.25), codes.Diffusion(outer=2, inner=3)], ids=repr)
def test_a_code_that_moves_follows_the_networks_picture_and_not_who_looks(code):
    from untaught.prior import Network
    from untaught.prior.networks.hourglass import Hourglass

    problem = Problem(torch.rand(1, 1, 9, 7))
    model = Network(Hourglass(down=(4, 6)), code, output="linear").build((1, 1, 9, 7), problem, Rng(0))
    for step in range(1, 8):
        before = model.code.clone()
        model()
        assert torch.equal(model.code, before)
        x = model(rng=Rng(step)).detach()
        if type(code) is codes.Feedback:
            torch.testing.assert_close(model.code, 0.75 * before + 0.25 * x)
        elif step % 3:
            assert torch.equal(model.code, before)
        else:
            assert torch.equal(model.code, x) == (step >= 6)  # without noise from the second round on


def test_a_guide_of_another_size_is_refused():
    with pytest.raises(BadInput, match=r"\(9, 9\).*\(8, 8\)"):
        codes.Picture(torch.rand(1, 3, 9, 9)).build((8, 8), Problem(torch.rand(1, 3, 8, 8)), Rng(0))


class TestProblem:
    def test_values_that_are_not_finite_need_the_weight_0(self):
        data = torch.tensor([[[1.0, float("nan"), float("inf")]]])
        with pytest.raises(BadInput, match="2 of 3 measurements"):
            Problem(data)
        problem = Problem(data, weight=torch.isfinite(data))
        assert float(problem.energy(torch.zeros(1, 1, 3))) == 1.0

    def test_empty_data_wrong_weights_and_no_weights_are_refused(self):
        with pytest.raises(BadInput, match="empty"):
            Problem(torch.empty(1, 3, 0, 4))
        with pytest.raises(BadInput, match=r"\(1, 1, 3\).*\(1, 1, 4\)"):
            Problem(torch.rand(1, 1, 4), weight=torch.ones(1, 1, 3))
        with pytest.raises(BadInput, match="Every measurement"):
            Problem(torch.rand(1, 1, 4), weight=torch.zeros(1, 1, 4))
