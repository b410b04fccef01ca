"""Data in two parts, and what is found by the one and judged by the other; the picture after another one that comes before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from untaught.classical.fission import CrossChecked, fission
from untaught.classical.guided import GuidedFilter
from untaught.classical.total_variation import TotalVariation
from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.noise import Measured, NoiseModel
from untaught.prior import Pixels
from untaught.problem import Problem
from untaught.problem.likelihoods import Gaussian, Impulse
from untaught.solver.loop import Run, solve
from untaught.solver.optimisers import Adam
from untaught.solver.stage import Job, Method, Solve
from untaught.solver.stopping import After, Validated

SPACE = (48, 64)


def wave() -> torch.Tensor:
    y, x = torch.meshgrid(*(torch.arange(n) for n in SPACE), indexing="ij")
    return (0.5 + 0.3 * torch.sin(x / 5) * torch.cos(y / 7))[None, None]


def noisy(likelihood, channels: int = 1, seed: int = 0) -> Problem:
    clean = wave().expand(1, channels, *SPACE)
    return Problem(clean + likelihood.draw(clean, Rng(seed).fork("test")), likelihood=likelihood)


def neighbourly() -> Measured:
    """Noise that neighbours share, as of a camera's file."""
    about = torch.tensor([[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]])[None, None] / 1.5
    return Measured(NoiseModel(torch.full((1,), 0.1), True, about, torch.zeros(1), torch.ones(1)))


@pytest.mark.parametrize("likelihood", [Gaussian(0.1), neighbourly()], ids=["white", "shared by neighbours"])
def test_the_errors_of_both_parts_do_not_go_together(likelihood):
    pairs = []
    for seed in range(40):
        problem = noisy(likelihood, seed=seed)
        seen, other = fission(problem, Rng(seed))
        pairs.append(torch.stack([(seen.data - wave()).flatten(), (other - wave()).flatten()]))
    first, second = torch.cat(pairs, 1)
    together = float((first * second).mean() / (first.square().mean() * second.square().mean()).sqrt())
    assert abs(together) < 0.03
    said = float(seen.likelihood.deviation(wave()).mean())
    assert float(first.square().mean().sqrt()) == pytest.approx(said, rel=0.1)
    torch.testing.assert_close(0.8 * seen.data + 0.2 * other, problem.data)


@pytest.mark.parametrize("likelihood", [Gaussian(), Impulse(0.1)])
def test_noise_without_a_strength_is_refused(likelihood):
    with pytest.raises(BadInput):
        fission(Problem(wave(), likelihood=likelihood), Rng(0))


def test_the_guided_filter_is_least_squares_in_every_square():
    draw = torch.Generator().manual_seed(0)
    y, guide = (torch.rand(1, c, 9, 11, generator=draw, dtype=torch.float64) for c in (1, 3))
    r, ridge = 2, 0.1 * 0.3**2
    fits = torch.zeros(9, 11, 4, dtype=torch.float64)
    for i, j in np.ndindex(9, 11):
        square = np.s_[..., max(0, i - r) : i + r + 1, max(0, j - r) : j + r + 1]
        p, g = y[0, 0][square].flatten(), guide[0][square].flatten(1).T
        g0, p0 = g - g.mean(0), p - p.mean()
        a = torch.linalg.solve(g0.T @ g0 / len(p) + ridge * torch.eye(3), g0.T @ p0 / len(p))
        fits[i, j] = torch.cat([a, (p.mean() - g.mean(0) @ a)[None]])
    mine = GuidedFilter(guide, r).estimate(Problem(y, likelihood=Gaussian(0.3)))
    for i, j in np.ndindex(9, 11):
        mean = fits[max(0, i - r) : i + r + 1, max(0, j - r) : j + r + 1].mean((0, 1))
        assert float(mine[0, 0, i, j]) == pytest.approx(float(mean[:3] @ guide[0, :, i, j] + mean[3]), abs=1e-6)


def test_a_picture_that_follows_its_guide_is_found_whatever_the_light():
    guide = torch.cat([wave(), torch.rand(1, 1, *SPACE, generator=torch.Generator().manual_seed(1))], 1)
    x = 0.3 * guide[:, :1] + 0.2 * guide[:, 1:] + 0.1
    found = GuidedFilter(guide).estimate(Problem(x, likelihood=Gaussian(1e-4)))
    torch.testing.assert_close(found, x, atol=1e-3, rtol=0)


def test_a_guide_of_another_size_is_refused():
    with pytest.raises(BadInput, match=r"The guide is \(4, 4\), and the data \(48, 64\)"):
        GuidedFilter(torch.rand(1, 3, 4, 4)).estimate(noisy(Gaussian(0.1)))


ROUGH = TotalVariation(0.1)


class TestCrossChecked:
    def far(self, other, likelihood) -> tuple[float, float]:
        problem = noisy(likelihood)
        x = CrossChecked(ROUGH).estimate(replace(problem, start=other))
        return tuple(float((v - wave()).square().mean().sqrt()) for v in (x, ROUGH.estimate(problem)))

    @pytest.mark.parametrize("likelihood", [Gaussian(0.1), neighbourly()], ids=["white", "shared by neighbours"])
    def test_a_better_picture_is_taken_and_a_worse_one_is_not(self, likelihood):
        after, before = self.far(wave(), likelihood)
        assert after < 0.9 * before
        for worse in (
            wave().flip(-1),
            torch.rand(1, 1, *SPACE, generator=torch.Generator().manual_seed(2)),
            0 * wave(),
        ):
            after, before = self.far(worse, likelihood)
            assert after < 1.02 * before

    def test_where_it_is_better_in_a_part_alone_that_part_is_taken(self):
        left = torch.cat([wave()[..., :32], 0 * wave()[..., 32:]], -1)
        problem = noisy(Gaussian(0.1))
        apart = CrossChecked(ROUGH).estimate(replace(problem, start=left)) - wave()
        alone = ROUGH.estimate(problem) - wave()
        assert float(apart[..., :20].square().mean()) < 0.9 * float(alone[..., :20].square().mean())
        torch.testing.assert_close(apart[..., 46:], alone[..., 46:], atol=0.04, rtol=0)

    def test_without_another_picture_it_is_the_estimate(self):
        problem = noisy(Gaussian(0.1))
        assert torch.equal(CrossChecked(ROUGH).estimate(problem), ROUGH.estimate(problem))


class TestValidated:
    def test_the_best_picture_is_that_which_the_other_data_agree_with(self):
        seen, other = fission(noisy(Gaussian(0.2)), Rng(0))
        seen = replace(seen, start=torch.full_like(seen.data, 0.5))
        stop = After(200) | Validated(other=other, every=1, patience=40)
        run = Run(Job((Solve(Method(Pixels(), optimiser=Adam(0.02), stop=stop)),), seen))
        score = {i.step: float((i.prediction() - other).square().mean()) for i in run}
        assert len(score) < 200
        best = float((run.solution.x - other).square().mean())
        assert best == pytest.approx(min(score.values()), rel=1e-5)
        assert best < 0.95 * float((seen.data - other).square().mean())

    def test_other_data_of_another_shape_are_refused(self):
        stop = After(3) | Validated(other=torch.zeros(1, 1, 2, 2))
        with pytest.raises(
            BadInput, match=r"data of shape \(1, 1, 2, 2\), but those of the problem are \(1, 1, 48, 64\)"
        ):
            solve(Job((Solve(Method(Pixels(), stop=stop)),), noisy(Gaussian(0.1))))
