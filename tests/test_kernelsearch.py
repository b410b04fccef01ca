"""Kernels: what their names say, how they are cleaned and centred, and how one is found in a blurred picture."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from blurred_photos import blurred

import untaught
from untaught.classical.blind_kernel import estimator, search
from untaught.classical.blind_kernel.scene import Scene
from untaught.classical.blind_kernel.search import _narrowest, nearest
from untaught.core.errors import BadInput
from untaught.problem.operators import kernels
from untaught.problem.operators.blur import Blur, SoughtBlur
from untaught.solver.loop import Run


def variances(kernel):
    """Along both axes, about the middle."""
    axes = [torch.arange(n, dtype=torch.float64) - (n - 1) / 2 for n in kernel.shape]
    return [float((kernel.sum(1 - i) * a**2).sum()) for i, a in enumerate(axes)]


class TestKernels:
    @pytest.mark.parametrize("word", ["gauss:1.6", "gauss:0.1", "motion:15,30", "motion:1,0", "disk:3", "disk:0.4"])
    def test_they_sum_to_one_and_are_symmetric_about_their_middle(self, word):
        kernel = kernels.named(word)
        assert float(kernel.sum()) == pytest.approx(1)
        assert float(kernel.min()) >= 0
        assert all(n % 2 for n in kernel.shape)
        torch.testing.assert_close(kernel, kernel.flip((0, 1)), atol=1e-9, rtol=0)

    def test_they_have_the_moments_their_names_say(self):
        assert variances(kernels.gauss(1.6)) == pytest.approx([1.6**2] * 2, rel=2e-3)
        assert variances(kernels.disk(5.0)) == pytest.approx([25 / 4] * 2, rel=2e-2)
        down, across = variances(kernels.motion(21.0, 0.0))
        assert down == 0
        assert across == pytest.approx(20**2 / 12, rel=2e-2)

    @pytest.mark.parametrize("word", ["disk:3", "motion:9,20"])
    def test_softness_adds_its_variance(self, word):
        sharp = kernels.named(word)
        soft = kernels.softened(sharp, 0.8)
        assert all(n % 2 for n in soft.shape)
        assert float(soft.sum()) == pytest.approx(1)
        torch.testing.assert_close(
            torch.tensor(variances(soft)), torch.tensor(variances(sharp)) + 0.8**2, atol=5e-3, rtol=0
        )
        assert kernels.softened(sharp, 0) is sharp

    def test_a_movement_at_90_degrees_is_upright_and_at_45_rises_to_the_right(self):
        assert kernels.motion(9, 90).shape == (9, 1)
        slanted = kernels.motion(9, 45)
        assert slanted[0, -1] > slanted[0, 0]

    @pytest.mark.parametrize(
        ("word", "sentence"),
        [
            ("gaus:1", "did you mean 'gauss'"),
            ("gauss:", "gauss:1.6"),
            ("gauss:-1", "above 0"),
            ("gauss:1,2", "gauss:1.6"),
            ("motion:15", "length in pixels and the angle"),
            ("disk:nan", "disk:3"),
        ],
    )
    def test_what_is_no_kernel_gets_a_sentence(self, word, sentence):
        with pytest.raises(BadInput, match=sentence):
            kernels.named(word)


class TestShapesOfKernels:
    def test_parts_that_hang_together_stay_and_specks_go(self):
        kernel = torch.zeros(7, 8)
        kernel[1:5, 2], kernel[5, 3] = 0.2, 0.1  # a line and, touching it by a corner, its end
        kernel[0, 7] = 0.05
        left = kernels.pruned(kernel, 0.1, 0.1)
        assert float(left.sum()) == pytest.approx(1)
        assert left[0, 7] == 0
        torch.testing.assert_close(left[:, :4], kernel[:, :4] / 0.9)
        assert kernels.pruned(torch.zeros(4, 5), 0.1, 0.1)[1, 2] == 1

    def test_the_centre_of_mass_is_in_the_middle_and_all_else_as_it_was(self):
        kernel = torch.zeros(9, 9)
        kernel[0:3, 6:9] = torch.arange(1.0, 10).view(3, 3) / 45
        moved = kernels.centred(kernel)
        torch.testing.assert_close(moved[3:6, 3:6], kernel[0:3, 6:9])

    @pytest.mark.parametrize("sides", [(5, 5), (8, 6), (3, 1), (1, 9)])
    def test_a_point_stays_in_the_middle_of_any_size(self, sides):
        wide = kernels.placed(kernels.named("gauss:0.3"), sides)
        assert wide.shape == sides
        assert int(wide.argmax()) == (sides[0] - 1) // 2 * sides[1] + (sides[1] - 1) // 2


class TestSeekingTheKernel:
    @staticmethod
    def scene(side=64):
        """Rectangles and discs of several brightnesses, RGB, float64 in [0, 1]."""
        draw, x = np.random.default_rng(1), np.full((side, side, 3), 0.5)
        i, j = np.mgrid[:side, :side]
        for n in range(60):
            (a, b), (h, w) = draw.integers(-8, side, 2), draw.integers(5, 30, 2)
            inside = (i - a) ** 2 + (j - b) ** 2 < h**2 if n % 2 else (i >= a) & (i < a + h) & (j >= b) & (j < b + w)
            x[inside] = draw.random(3)
        return x

    @classmethod
    def data(cls, kernel, sigma=1 / 255):
        x = torch.from_numpy(cls.scene()).permute(2, 0, 1)[None]
        y = Blur(kernel)(x)[0].permute(1, 2, 0).numpy()
        return np.rint(255 * np.clip(y + np.random.default_rng(0).normal(0, sigma, y.shape), 0, 1)).astype(np.uint8)

    @staticmethod
    def sought(data, size="11x11"):
        job = untaught.deblur.job(data, blind=True, size=size, steps=1)
        solution = untaught.solve(job)
        return solution.problem.operator, " ".join(solution.notes)

    @staticmethod
    def alike(found, true):
        found, true = found.double(), true.double()
        products = torch.nn.functional.conv2d(found[None, None], true[None, None], padding=max(true.shape))
        return float(products.max() / (found.norm() * true.norm()))

    @pytest.mark.parametrize(
        "word", [pytest.param(w, marks=pytest.mark.slow) for w in ("motion:9,20", "disk:2.5", "gauss:1.4")]
    )
    def test_one_with_a_name_is_found_and_named(self, word):
        operator, notes = self.sought(self.data(kernels.named(word)))
        assert self.alike(operator.kernel, kernels.named(word)) > 0.98
        assert f"found is {word.partition(':')[0]}" in notes
        assert operator.error == 0

    @pytest.mark.parametrize(("more", "kind"), [(0.015, "gauss"), (0.03, "motion")])
    def test_a_movement_explains_clearly_more_or_is_none(self, monkeypatch, more, kind):
        found = {"gauss": (-8.1, [0.0, 0.0]), "disk": (-8.1, [0.7, 0.4]), "motion": (-8.1 - more, [2.0, 100.0, 0.5])}
        monkeypatch.setattr(search, "_lowered", lambda cost, *_: found[cost.args[0]])
        y = torch.from_numpy(self.data(kernels.named("gauss:1")) / 255).float().mean(2)
        long = kernels.placed(kernels.named("motion:7,100"), (11, 11)).float()
        assert nearest(Scene(y, (11, 11)), long, 6.5 / 255**2)[1].startswith(kind)

    @pytest.mark.parametrize("word", ["gauss:1", "disk:2"])
    def test_a_rim_is_seen_in_little_noise_where_softness_hides_it(self, monkeypatch, word):
        found = {"gauss": (-8.1, [0.0, 0.0]), "disk": (-8.1, [0.69, 0.0])}
        monkeypatch.setattr(search, "_lowered", lambda cost, *_: found[cost.args[0]])
        y = torch.from_numpy(self.data(kernels.named(word)) / 255).float().mean(2)
        bell = kernels.placed(kernels.named("gauss:1"), (11, 11)).float()
        assert nearest(Scene(y, (11, 11)), bell, 6.5 / 255**2)[1].startswith(word.partition(":")[0])

    @pytest.mark.slow
    def test_one_without_a_name_is_found_and_not_trusted_as_much(self):
        hook = torch.zeros(9, 7, dtype=torch.float64)
        hook[:, 1], hook[8, 1:], hook[6:, 6] = 1, 1, 1
        operator, notes = self.sought(self.data(hook / hook.sum()))
        assert self.alike(operator.kernel, hook) > 0.85
        assert "has no name" in notes
        assert operator.error > 0

    def test_the_faint_path_of_a_hand_that_lingers_is_found(self, monkeypatch):
        path = torch.zeros(9, 9, dtype=torch.float64)
        path[0, 4:] = path[4, 4:] = path[:5, 8] = path[:5, 4] = path[5, 3] = path[6, 2] = 0.03
        path[7:, :2] = path.sum() / 6
        path /= path.sum()
        y, found = torch.from_numpy(self.data(path) / 255).float().mean(2), []
        monkeypatch.setattr(estimator, "WEIGHTS", (0.05,))
        for strong in (estimator.STRONG[:1], estimator.STRONG):
            monkeypatch.setattr(estimator, "STRONG", strong)
            operator = SoughtBlur((11, 11))
            estimator._sought(operator, y, 6.5 / 255**2, (11, 11))
            found.append(self.alike(operator.kernel, path))
        assert found[1] > max(0.87, found[0] + 0.03)

    @pytest.mark.slow
    def test_grey_is_sought_as_rgb_is(self):
        data = self.data(kernels.named("motion:7,90"))[..., 1]
        assert self.alike(self.sought(data, "9x9")[0].kernel, kernels.named("motion:7,90")) > 0.98

    def test_a_sharp_picture_is_left_sharp_and_that_is_said(self):
        data = np.rint(255 * self.scene()).astype(np.uint8)
        operator, notes = self.sought(data, "7x7")
        assert float(operator.kernel.max()) == 1
        assert "no kernel explains" in notes

    def test_the_evidence_is_best_for_the_true_kernel(self):
        true = kernels.named("disk:2")
        y = torch.from_numpy(self.data(true) / 255.0).mean(2)
        view = Scene(y, (11, 11))
        words = ("disk:2", "disk:1", "disk:3", "gauss:0.6", "gauss:2", "motion:5,0", "motion:1,0")
        evidence = {w: view.evidence(kernels.placed(kernels.named(w), (11, 11)), 1e-4) for w in words}
        assert min(evidence, key=evidence.get) == "disk:2"

    @pytest.mark.parametrize(
        ("word", "size"), [("disk:2.5", 2.5), pytest.param("motion:7,0", 7.0, marks=pytest.mark.slow)]
    )
    def test_softness_on_top_is_told_from_what_is_under_it(self, word, size):
        true = kernels.softened(kernels.named(word), 0.8)
        view = Scene(torch.from_numpy(self.data(true) / 255.0).mean(2), (13, 13))
        best, found = nearest(view, kernels.placed(true, (13, 13)), 1e-4)
        kind, _, numbers = found.partition(":")
        assert kind == word.partition(":")[0]
        assert float(numbers.split(",")[0]) == pytest.approx(size, rel=0.1)
        assert best < view.evidence(kernels.placed(kernels.named(word), (13, 13)), 1e-4)

    def test_of_gaussians_the_narrowest_is_taken_that_explains_the_data_nearly_as_well(self):
        def cost(log):
            return (log - 1) ** 2

        assert _narrowest(cost, 1.0, 0.01) == pytest.approx(0.9, abs=0.01)
        assert _narrowest(cost, 1.0, 1.0) == pytest.approx(0.7, abs=0.01)

    @pytest.mark.slow
    def test_resumed_is_uninterrupted(self, photo):
        job = untaught.deblur.job(blurred(photo)[:24, :26], blind=True, size="5x5", steps=2)
        whole, states = Run(job), []
        for _ in range(3):
            next(whole)
            states.append(copy.deepcopy(whole.state_dict()))
        first = [*whole] and whole.solution
        for state in states:
            resumed = Run(job)
            resumed.load_state_dict(state)
            again = [*resumed] and resumed.solution
            assert torch.equal(first.x, again.x)
            assert first.notes == again.notes

    @pytest.mark.parametrize(("space", "channel_axis"), [((60,), "auto"), ((9, 10, 11), None)])
    def test_series_and_volumes(self, space, channel_axis):
        data = np.random.default_rng(0).random(space)
        assert untaught.deblur(data, blind=True, size="3", steps=1, channel_axis=channel_axis).shape == space

    def test_a_picture_of_one_speck_has_no_kernel(self):
        data = np.full((20, 22), 90, np.uint8)
        data[9, 4] = 91
        assert float(self.sought(data, "5x5")[0].kernel.max()) == 1

    @pytest.mark.parametrize("preset", ["instant", "balanced"])
    def test_a_picture_without_a_kernel_comes_out_as_it_came(self, preset):
        data = np.full((20, 22), 90, np.uint8)
        data[9, 4], data[12, 9] = 91, 140
        job = untaught.deblur.job(data, blind=True, size="5x5", preset=preset)
        run = Run(job)
        for _ in run:
            again = Run(job)
            again.load_state_dict(copy.deepcopy(run.state_dict()))
        for done in (run, again):
            assert done.complete
            assert done.outlook() == (done.total, done.total)
            assert np.array_equal(job.result(done.solution.x), data)
            assert "stays as it came" in " ".join(done.notes)
