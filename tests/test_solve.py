"""Laws of what is sought: pixels without a network, and a user's own operator."""

from __future__ import annotations

import math

import torch
from small_runs import SMALL, job, method, picture, result
from torch import nn

from untaught.prior import Pixels
from untaught.problem import Problem
from untaught.problem.likelihoods import Gaussian
from untaught.problem.regularisers import TV, Smooth
from untaught.solver.averaging import Last
from untaught.solver.loop import Run, solve
from untaught.solver.objectives.fit import Fit
from untaught.solver.optimisers import LBFGS
from untaught.solver.stage import Method
from untaught.solver.stopping import After, Auto


class TestExplicitPriors:
    def test_the_noisy_sine_is_the_solution_of_its_linear_system(self):
        n, weight = 200, 20.0
        t = torch.linspace(0, 4 * math.pi, n, dtype=torch.float64)
        y = t.sin() + 0.3 * torch.randn(n, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        d = torch.diff(torch.eye(n, dtype=torch.float64), dim=0)
        exact = torch.linalg.solve(torch.eye(n, dtype=torch.float64) + weight * d.T @ d, y)
        problem = Problem(y[None, None], regulariser=weight * Smooth())
        x = solve(problem, Method(Pixels(), optimiser=LBFGS(), average=Last(), stop=After(20))).x[0, 0]
        assert float((x - exact).norm() / exact.norm()) < 1e-4
        assert float((exact - t.sin()).norm()) < 0.7 * float((y - t.sin()).norm())

    def test_total_variation_of_pixels_removes_noise(self):
        truth = torch.zeros(1, 1, 16, 16)
        truth[..., 8:] = 1
        y = truth + 0.2 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
        x = solve(
            Problem(y, regulariser=0.15 * TV()), Method(Pixels(), optimiser=LBFGS(), average=Last(), stop=After(30))
        ).x
        assert float((x - truth).norm()) < 0.6 * float((y - truth).norm())


class TestGeneralReconstruction:
    def test_a_users_operator_in_a_few_lines(self):
        class Blur(nn.Module):
            def forward(self, x):
                return nn.functional.avg_pool2d(x, 3, 1, 1)

        truth = picture(3, (16, 18))
        y = Blur()(truth)
        solution = solve(Problem(y, operator=Blur(), likelihood=Gaussian(0.03)), Method(SMALL, stop=After(150)))
        assert solution.x.shape == truth.shape
        assert float((Blur()(solution.x) - y).std()) < 0.15

    def test_the_operators_own_parameters_are_sought_too(self):
        class Gain(nn.Module):
            def __init__(self):
                super().__init__()
                self.gain = nn.Parameter(torch.tensor(1.0))

            def forward(self, x):
                return self.gain * x

        operator = Gain()
        run = Run(job(Problem(2 * picture(), operator=operator), method(Fit(), SMALL)))
        result(run)
        assert float(run.course.problem.operator.function.gain.detach()) != 1.0
        assert float(operator.gain.detach()) == 1.0  # a run has a copy of its own

    def test_a_shape_changing_operator_says_how_large_the_picture_is(self):
        class Half(nn.Module):
            def forward(self, x):
                return nn.functional.avg_pool2d(x, 2)

            def image_shape(self, data_shape):
                return (*data_shape[:2], 2 * data_shape[2], 2 * data_shape[3])

        x = solve(Problem(torch.rand(1, 3, 5, 6), operator=Half()), Method(SMALL, stop=After(3))).x
        assert x.shape == (1, 3, 10, 12)

    def test_the_default_method_stops_by_itself(self):
        from untaught.solver.stage import default_method

        stop = default_method().stop
        assert {type(r) for r in stop.rules} == {Auto, After}
