"""Operators of other packages: asked by the names of their methods, refused where they are no pair, and never copied."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.sparse.linalg import LinearOperator

import untaught
from untaught.core.errors import BadInput
from untaught.problem.operators import Identity, as_operator
from untaught.problem.operators.external import External
from untaught.solver.loop import Run

M = np.random.default_rng(0).normal(size=(9, 12))
SPACE = (3, 4)


class Physics(torch.nn.Module):
    """As deepinv's: the forward adds noise, and A and A_adjoint are the operator."""

    def __init__(self):
        super().__init__()
        self.matrix = torch.nn.Parameter(torch.tensor(M, dtype=torch.float32), requires_grad=False)

    def A(self, x):
        return x.flatten(1) @ self.matrix.T

    def A_adjoint(self, y):
        return (y @ self.matrix).view(-1, 1, *SPACE)

    def forward(self, x):
        return self.A(x) + torch.randn(9)


class Element:
    """As ODL's: not an array, but one can be made of it."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


class Space:
    """As ODL's operators: called, with an adjoint that is one, too."""

    def __init__(self, matrix, shape, out):
        self.matrix, self.out = matrix, out
        self.domain = type("Domain", (), {"shape": shape})

    def __call__(self, x):
        return Element((self.matrix @ np.asarray(x).ravel()).reshape(self.out))

    @property
    def adjoint(self):
        return Space(self.matrix.T, self.out, self.domain.shape)


class Linop(Space):
    """As SigPy's: H, and arrays."""

    def __init__(self, matrix, shape, out):
        super().__init__(matrix, shape, out)
        self.ishape = shape

    @property
    def H(self):
        return Linop(self.matrix.T, self.out, self.ishape)

    adjoint = None


class OpTomo(LinearOperator):
    """As ASTRA's: a LinearOperator that knows both shapes."""

    vshape, sshape = SPACE, (3, 3)

    def __init__(self):
        super().__init__(np.float32, M.shape)

    def _matvec(self, v):
        return M @ v.ravel()

    def _rmatvec(self, s):
        return M.T @ s.ravel()


class Both:
    def forward(self, x):
        return M @ x.ravel()

    def adjoint(self, y):
        return (M.T @ y).reshape(SPACE)


KINDS = {
    "array": (M, {"image_shape": SPACE}),
    "tensor": (torch.tensor(M), {"image_shape": SPACE}),
    "csr": (sparse.csr_array(M), {"image_shape": SPACE}),
    "coo matrix": (sparse.coo_matrix(M), {"image_shape": SPACE}),
    "LinearOperator": (sparse.linalg.aslinearoperator(M), {"image_shape": SPACE}),
    "OpTomo": (OpTomo(), {}),
    "deepinv": (Physics(), {"data_shape": (9,)}),
    "forward, adjoint": (Both(), {"data_shape": (9,)}),
    "two functions": ((Both().forward, Both().adjoint), {"image_shape": SPACE}),
    "ODL": (Space(M, SPACE, (9,)), {}),
    "SigPy": (Linop(M, SPACE, (9,)), {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_the_same_operator(kind):
    given, more = KINDS[kind]
    a, x = as_operator(given, **more), torch.rand(2, 1, *SPACE)
    a = a.float()
    y = a(x)
    assert (a.linear, y.dtype) == (True, torch.float32)
    torch.testing.assert_close(
        y.flatten(1), x.flatten(1) @ torch.tensor(M, dtype=torch.float32).T, rtol=1e-4, atol=1e-5
    )
    back = a.adjoint(y)
    assert back.shape == x.shape == a.image_shape(tuple(y.shape))
    torch.testing.assert_close(
        back.flatten(1), y.flatten(1) @ torch.tensor(M, dtype=torch.float32), rtol=1e-4, atol=1e-4
    )
    assert not a.state_dict()


@pytest.mark.parametrize("name", ["deepinv", "forward, adjoint", "ODL", "OpTomo"])
def test_a_problem_finds_the_shape_of_the_picture_by_itself(name):
    a = as_operator(*[KINDS[name][0]], **KINDS[name][1])
    problem = untaught.Problem(torch.rand(1, *a.data_shape), operator=KINDS[name][0])
    assert problem.image_shape == (1, 1, *SPACE)


def test_pylops():
    pylops = pytest.importorskip("pylops")
    for made, shape in (
        (pylops.Smoothing2D((3, 5), (9, 11)), (9, 11)),
        (pylops.signalprocessing.FFT2D((8, 6), real=False), (8, 6)),
        (pylops.FirstDerivative((7, 4), axis=0) @ pylops.Diagonal(np.arange(28.0).reshape(7, 4) + 1), (7, 4)),
    ):
        a = as_operator(made)
        x = torch.rand(1, 1, *shape, dtype=torch.float64)
        np.testing.assert_allclose(a(x)[0].numpy().ravel(), made.matvec(x.numpy().ravel()), rtol=1e-6)
        assert a(x).shape[1:] == tuple(made.dimsd)


@pytest.mark.parametrize("factor", [2.0, -1.0, 1.01])
def test_a_wrong_adjoint_is_refused_with_both_numbers(factor):
    both = Both()
    with pytest.raises(BadInput, match=r"<A x, y> is -?[\d.]+, but <x, A\* y> is -?[\d.]+"):
        as_operator((both.forward, lambda y: factor * both.adjoint(y)), SPACE)
    assert as_operator((both.forward, lambda y: 1.01 * both.adjoint(y)), SPACE, tolerance=0.05).linear


@pytest.mark.parametrize(
    ("given", "more", "words"),
    [
        (M, {}, r"\(9, 12\).*give image_shape \(--shape\), such as \(12,\)"),
        (np.ones((3, 16)), {}, r"such as \(4, 4\)"),
        (M, {"image_shape": (5, 5)}, r"\(9, 12\), but pictures of shape \(5, 5\) have 25"),
        (np.ones((3, 4, 5)), {}, r"\(3, 4, 5\)"),
        ((Both().forward, Both().adjoint), {}, "give image_shape"),
        ((Both().forward, Both().adjoint), {"image_shape": (7,)}, r"does not take pictures of shape \(7,\)"),
        (Both(), {"data_shape": (7,)}, r"does not take data of shape \(7,\)"),
        (7, {}, "int is none"),
    ],
)
def test_what_does_not_fit_is_one_sentence(given, more, words):
    with pytest.raises(BadInput, match=words):
        as_operator(given, **more)


def test_data_that_do_not_fit_are_refused_with_both_shapes():
    with pytest.raises(BadInput, match=r"The data are \(8,\), but the operator measures \(9,\)"):
        untaught.solve(untaught.Problem(torch.rand(1, 8), as_operator(M, SPACE)))


def test_it_is_neither_copied_nor_kept():
    a = as_operator(sparse.csr_array(M), SPACE)
    assert copy.deepcopy(a) is a
    assert pickle.loads(pickle.dumps(a)).data_shape == (9,)
    method = untaught.Method(untaught.Network.examples()[0], stop=untaught.After(3))
    run = Run(untaught.Job((untaught.Solve(method),), untaught.Problem(torch.rand(1, 9), a)))
    for _ in run:
        pass
    assert run.state_dict()["course"]["operator"] == {}
    constant = torch.nn.Conv2d(1, 1, 3, padding=1).requires_grad_(False)  # of a module of one's own
    run = Run(untaught.Job((untaught.Solve(method),), untaught.Problem(torch.rand(1, 1, *SPACE), constant)))
    assert run.state_dict()["course"]["operator"] == {}


def test_the_solution_is_that_of_the_same_matrix_in_torch():
    y = torch.rand(1, 9, generator=torch.Generator().manual_seed(0))
    method = untaught.Method(untaught.Pixels(), optimiser=untaught.Adam(0.05), stop=untaught.After(20))
    plain = untaught.FromLinear(torch.tensor(M, dtype=torch.float32), (1, *SPACE))
    found = [untaught.solve(untaught.Problem(y, a), method).x for a in (plain, as_operator(M, SPACE))]
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


def test_gradients_of_gradients():
    a = as_operator(M, SPACE)
    x = torch.rand(1, 1, *SPACE, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda v: a(v).square(), x)


def test_it_composes():
    a = as_operator(M, SPACE) @ Identity()
    y = torch.rand(1, 9)
    torch.testing.assert_close(a.adjoint(y).flatten(), torch.tensor(M, dtype=torch.float32).T @ y[0])


def test_an_operator_stays_itself():
    a = Identity()
    assert as_operator(a) is a
    assert isinstance(as_operator(M, SPACE), External)
