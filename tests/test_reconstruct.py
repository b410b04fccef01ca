"""Reconstruction: any operator, any units, files as people have them, and one sentence for what does not fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from kept_runs import cli
from PIL import Image as Pillow
from scipy import sparse
from skimage import data
from skimage.transform import iradon, radon

import untaught
from untaught.bench.metrics import psnr
from untaught.classical import precision, trusted
from untaught.classical.cross_validated import CrossValidated
from untaught.classical.plug_and_play import LeveledPlugAndPlay
from untaught.classical.total_variation import TotalVariation
from untaught.core.errors import BadInput
from untaught.io import images, measurements
from untaught.problem.likelihoods import Poisson
from untaught.problem.operators import kernels
from untaught.problem.operators.radon import Radon
from untaught.solver.loop import Run
from untaught.tasks.reconstruct import presets
from untaught.tasks.reconstruct.operators import made

SIDE = 32
ANGLES = np.arange(0, 180, 12.0)


def scene():
    y, x = np.mgrid[:SIDE, :SIDE]
    disk = ((x - 15) ** 2 + (y - 16) ** 2 < 150) * 0.6
    return np.where(((x - 19) ** 2 + (y - 12) ** 2 < 16), 1.0, disk).astype(np.float32)


def sinogram():
    return Radon(ANGLES, SIDE)(torch.tensor(scene())[None, None])[0, 0].numpy()


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Two noise levels are tried instead of seven."""
    monkeypatch.setattr(presets, "UNKNOWN", (16.0, 4.0))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("sino.npy", sinogram())
    np.save("theta.npy", ANGLES)
    return tmp_path


def test_few_views_become_the_picture():
    found = untaught.reconstruct(sinogram(), operator=Radon(ANGLES, SIDE), preset="instant")
    assert found.shape == (SIDE, SIDE)
    assert psnr(found, scene()) > 27


@pytest.mark.parametrize(("noise", "taken"), [(1e-4, "fine"), (0.05, "other")])
def test_little_noise_takes_the_fine_denoiser(noise, taken):
    called = []

    def named(name):
        return lambda x, deviation: called.append(name) or x

    x = torch.tensor(scene())[None, None]
    problem = untaught.Problem(x, likelihood=untaught.Gaussian(noise))
    list(LeveledPlugAndPlay(named("other"), fine=named("fine")).iterates(problem))
    assert set(called) == {taken}


@pytest.mark.parametrize(("gain", "offset"), [(1e-6, 0.0), (4e5, 0.0), (250.0, 1000.0), (1.0, -3.0)])
def test_units_of_the_data_are_found(gain, offset):
    """The same picture in other units, and on a pedestal."""
    a, y = Radon(ANGLES, SIDE), sinogram()
    plain = untaught.reconstruct(y, operator=a, preset="instant")
    base = a(torch.ones(1, 1, SIDE, SIDE))[0, 0].numpy().astype(np.float64)
    other = untaught.reconstruct(gain * y + offset * base, operator=a, preset="instant")
    apart = (other - offset) / gain - plain
    if offset == 0:
        assert np.abs(apart).max() < 1e-3
    else:
        assert np.sqrt((apart**2).mean()) < 0.06  # the pedestal itself is estimated from a rough picture


def test_a_complex_picture_comes_back_as_its_magnitude():
    phase = np.exp(1j * np.linspace(0, 3, SIDE))[None]
    a = untaught.Fourier()
    x = torch.tensor(np.stack([(scene() * phase).real, (scene() * phase).imag]))[None]
    found = untaught.reconstruct(a(x.float())[0, 0].numpy(), operator="fourier", preset="instant")
    assert psnr(found, scene()) > 25


def test_a_matrix_a_function_and_a_module_are_the_same():
    matrix = sparse.csr_array(np.random.default_rng(0).normal(size=(99, SIDE * SIDE)) / 20)
    y = matrix @ scene().ravel()
    kinds = (matrix, (lambda x: matrix @ x.ravel(), lambda r: (matrix.T @ r).reshape(SIDE, SIDE)))
    found = [untaught.reconstruct(y, operator=k, shape=(SIDE, SIDE), preset="instant") for k in kinds]
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)


def test_a_modules_linearity_is_found():
    pool = torch.nn.AvgPool2d(3, 1, 1)
    job = untaught.reconstruct.job(scene(), operator=pool, preset="instant")
    assert "the operator was found to be linear" in job.notes
    curved = untaught.reconstruct.job(scene(), operator=lambda x: x.square(), preset="fast")
    assert not curved.problem.operator.linear
    assert np.isfinite(untaught.reconstruct(scene(), operator=torch.square, preset="instant", steps=2)).all()


def test_unknown_measurements_have_no_say():
    y = sinogram()
    lost = np.random.default_rng(0).random(y.shape) < 0.1
    settings = {"operator": Radon(ANGLES, SIDE), "preset": "instant"}
    kinds = (np.where(lost, np.nan, y), np.ma.array(np.where(lost, 7.0, y), mask=lost))
    found = [untaught.reconstruct(k, **settings) for k in kinds]
    assert np.array_equal(*found)


def test_colours_and_volumes_keep_their_axes():
    colour = np.stack([scene(), scene()[::-1], scene().T], -1)
    assert untaught.reconstruct(colour, operator="blur:gauss:0.7", preset="instant").shape[2] == 3
    volume = np.broadcast_to(sinogram(), (3, *sinogram().shape))
    assert untaught.reconstruct(volume, operator=Radon(ANGLES, SIDE), preset="instant").shape == (
        3,
        SIDE,
        SIDE,
    )
    assert untaught.reconstruct(colour[..., 0], operator="mosaic", preset="instant").shape == (SIDE, SIDE, 3)


@pytest.mark.parametrize("preset", ["instant", "balanced"])
def test_interrupted_and_resumed_is_uninterrupted(preset):
    job = untaught.reconstruct.job(sinogram(), operator=Radon(ANGLES, SIDE), preset=preset, steps=2)
    whole, first = Run(job), Run(job)
    for _ in whole:
        pass
    for _ in range(3):
        next(first)
    second = Run(job)
    second.load_state_dict(first.state_dict())
    for _ in second:
        pass
    assert torch.equal(whole.solution.x, second.solution.x)


class TestCounts:
    """Counted light: its noise follows its brightness, and nothing is darker than dark."""

    def blurred(self, peak=30.0):
        a = untaught.Blur(kernels.named("gauss:1"))
        y = a(torch.tensor(scene() + 0.05)[None, None])[0, 0].numpy()
        return a, np.random.default_rng(0).poisson(peak * y)

    def test_without_a_prior_the_weighted_squares_end_at_the_likelihoods_own_maximum(self):
        draw = np.random.default_rng(0)
        matrix, truth = draw.random((60, 8)) ** 3, np.array([9, 13, 9, 10, 30, 12, 20, 80.0])
        y = draw.poisson(matrix @ truth).astype(np.float64)
        problem = untaught.Problem(torch.tensor(y)[None], untaught.as_operator(matrix, (8,)), Poisson(1.0))
        found = TotalVariation(1e-6, rounds=100, iterations=8).estimate(problem)[0, 0].numpy()
        other = np.ones(8)
        for _ in range(20000):  # Richardson 1972, Lucy 1974: no step of theirs lowers the likelihood
            other *= matrix.T @ (y / (matrix @ other)) / matrix.sum(0)
        np.testing.assert_allclose(found, other, atol=0.01)

    @pytest.mark.parametrize("preset", ["instant", "fast"])
    def test_no_picture_of_light_is_negative(self, preset):
        a, counts = self.blurred()
        assert untaught.reconstruct(counts, operator=a, gain=1, preset=preset).min() >= 0

    def test_a_gain_and_an_offset_are_other_units(self):
        a, counts = self.blurred()
        plain = untaught.reconstruct(counts, operator=a, gain=1, preset="instant")
        other = untaught.reconstruct(2 * counts + 100, operator=a, gain=0.5, dark=100, preset="instant")
        np.testing.assert_allclose(other, 2 * plain, atol=1e-3 * plain.max())

    def test_reading_out_adds_its_noise(self):
        a, counts = self.blurred()
        job = untaught.reconstruct.job(counts, operator=a, gain=2, sigma=3)
        gain, sigma, dark = job.problem.likelihood.counts
        assert (gain, sigma, dark) == pytest.approx((2 * job.finish.scale[1], 3 / job.finish.scale[1], 0))
        assert job.finish.scale[0] == 0  # no pedestal: black is no light

    def test_counts_are_not_complex(self):
        with pytest.raises(BadInput, match="complex"):
            untaught.reconstruct(np.ones((8, 8), np.complex64), operator="fourier", gain=1)

    def test_on_the_command_line(self, folder):
        _, counts = self.blurred()
        np.save("counts.npy", counts.astype(np.uint16) + 100)
        words = ["--operator", "blur:gauss:1", "--gain", "1", "--dark", "100", "--preset", "instant", "-q"]
        assert cli("reconstruct", "counts.npy", *words) == 0
        again = untaught.reconstruct(counts, operator="blur:gauss:1", gain=1, preset="instant")
        np.testing.assert_allclose(images.read(folder / "counts.untaught.tif").pixels, again, atol=1e-3 * again.max())
        assert cli("reconstruct", "counts.npy", "--operator", "blur:gauss:1", "--gain", "0") == 2


@pytest.mark.parametrize("sigma", [1e-5, 1e-9, 1e-30])
@pytest.mark.parametrize("unit", [1e-3, 1e6])
def test_a_level_too_low_for_the_arithmetic_is_not_taken_at_its_word(sigma, unit):
    """The weights overflowed: all zeros, without a word."""
    found = untaught.reconstruct(scene() * unit, operator="identity", sigma=sigma * unit, preset="instant")
    assert psnr(found / unit, scene()) > 60


@pytest.mark.parametrize(
    ("data", "rows", "sentence"),
    [
        (1j, 1, "The data are complex, and the operator measures real numbers"),
        (1 + 1j, 1, "The data are complex, and the operator measures real numbers"),
        (1, 1j, "No picture explains any of the data"),
    ],
)
def test_data_that_the_operator_cannot_have_measured_are_refused(data, rows, sentence):
    matrix = np.random.default_rng(0).random((20, 16))
    with pytest.raises(BadInput, match=sentence):
        untaught.reconstruct(data * matrix.sum(1), operator=rows * matrix, shape=(4, 4), preset="instant")


def test_real_data_in_complex_numbers_are_real():
    matrix = np.random.default_rng(0).random((20, 16))
    as_real, as_complex = (
        untaught.reconstruct(matrix.sum(1).astype(kind), operator=matrix, shape=(4, 4), preset="instant")
        for kind in (np.float64, np.complex128)
    )
    assert np.abs(as_real - as_complex).max() < 1e-3


@pytest.mark.parametrize("noise", [0, 0.02])
@pytest.mark.parametrize("views", [30, 60, 180])
@pytest.mark.parametrize("side", [32, 33])
def test_the_axis_of_scikit_images_sinograms_is_seen(side, views, noise):
    """With an even number of detectors it is half a pixel from the middle: 2 to 9 dB below its filtered back-projection."""
    picture = np.zeros((side, side))
    picture[:SIDE, :SIDE] = scene()
    angles = np.linspace(0, 180, views, endpoint=False)
    seen = radon(picture, angles).T
    noisy = seen + np.random.default_rng(0).normal(0, noise * seen.max() + 1e-9, seen.shape)
    dead = np.ma.masked_array(noisy, np.zeros_like(noisy, bool))
    dead[3], dead[:, 10] = np.ma.masked, np.ma.masked
    for given in (noisy, np.stack([noisy, noisy]), dead):
        measured, _ = made("radon", given, None, [])
        ours = measured(torch.tensor(picture, dtype=torch.float32)[None, None])[0, 0].numpy()
        assert np.abs(ours - seen).mean() < 0.02 * seen.mean()


def test_few_views_of_scikit_images_are_better_than_its_back_projection(folder):
    seen = radon(scene(), ANGLES)
    found = untaught.reconstruct(seen.T, operator="radon:angles=theta.npy", preset="instant")
    assert psnr(found, scene()) > psnr(iradon(seen, ANGLES).astype(np.float32), scene()) + 3


def test_an_axis_in_the_middle_stays_there(folder):
    by_file, _ = made("radon", sinogram(), None, [])
    assert torch.equal(
        by_file(torch.tensor(scene())[None, None]), Radon(ANGLES, SIDE)(torch.tensor(scene())[None, None])
    )


class TestFiles:
    def test_a_sinogram_on_disk_becomes_a_picture_on_disk(self, folder):
        assert cli("reconstruct", "sino.npy", "--operator", "radon:angles=theta.npy", "--preset", "instant", "-q") == 0
        made = images.read(folder / "sino.untaught.tif").pixels
        assert psnr(made, scene()) > 27
        again = untaught.reconstruct("sino.npy", operator="radon:angles=theta.npy", preset="instant")
        assert np.array_equal(made, again)
        assert cli("run", "sino.untaught.tif", "-o", "again.tif", "-q") == 0
        assert np.array_equal(images.read(folder / "again.tif").pixels, made)

    def test_a_matrix_a_mask_and_a_module_from_files(self, folder):
        matrix = sparse.csr_array(np.eye(SIDE * SIDE)[::2])
        sparse.save_npz("A.npz", matrix)
        np.savez("y.npz", y=matrix @ scene().ravel(), other=np.ones(3))
        few = {"preset": "instant"}
        assert untaught.reconstruct("y.npz:y", operator="matrix:A.npz", shape="32x32", **few).shape == (SIDE, SIDE)
        (folder / "mine.py").write_text(
            "import torch\nclass Halved(torch.nn.AvgPool2d):\n def __init__(self): super().__init__(3, 1, 1)\n"
        )
        assert untaught.reconstruct(scene(), operator="module:mine.py:Halved", **few).shape == (SIDE, SIDE)
        np.save("k.npy", np.fft.fftshift(np.fft.fft2(scene())))
        np.save("mask.npy", np.random.default_rng(0).random((SIDE, SIDE)) < 0.6)
        found = untaught.reconstruct("k.npy", operator="fourier:mask=mask.npy,real=yes", **few)
        assert found.shape == (SIDE, SIDE)
        Pillow.fromarray(np.full((3, 3), 28, np.uint8)).save("psf.png")
        assert untaught.reconstruct(scene(), operator="blur:psf.png", **few).shape == (SIDE + 2, SIDE + 2)

    def test_a_sinogram_that_lies_on_its_side_is_turned(self, folder):
        settings = {"operator": "radon:angles=theta.npy", "preset": "instant"}
        assert np.array_equal(
            untaught.reconstruct(sinogram().T, **settings), untaught.reconstruct(sinogram(), **settings)
        )

    def test_hdf5_and_matlab(self, folder):
        h5py, io = pytest.importorskip("h5py"), pytest.importorskip("scipy.io")
        with h5py.File("y.h5", "w") as file:
            file["scan/sino"], file["scan/dark"] = sinogram(), np.zeros(5)
        io.savemat("y.mat", {"sino": sinogram(), "n": 3})
        assert np.array_equal(measurements.load("y.h5:/scan/sino"), sinogram())
        assert np.array_equal(measurements.load("y.mat"), sinogram())
        with pytest.raises(BadInput, match="scan/dark, scan/sino"):
            measurements.load("y.h5")

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["sino.npy"], "The operator is missing"),
            (["sino.npy", "--operator", "radn"], "did you mean 'radon'"),
            (["sino.npy", "--operator", "radon:angels=theta.npy"], "did you mean 'angles'"),
            (["sino.npy", "--operator", "radon:angles=no.npy"], "There is no file 'no.npy'"),
            (["theta.npy", "--operator", "radon"], "views and detectors"),
            (["sino.npy", "--operator", "radon:axis=3"], "write its row/column"),
            (["sino.npy", "--operator", "radon:angles=sino.npy"], "480 angles, but the data are (15, 32)"),
            (
                ["sino.npy", "--operator", "matrix:sino.npy", "--shape", "32x32"],
                "(15, 32), but pictures of shape (32, 32)",
            ),
            (
                ["sino.npy", "--operator", "matrix:sino.npy", "--shape", "4x8"],
                "15, 32), but the operator measures (15,)",
            ),
            (["sino.npy", "--operator", "module:no.py:A"], "no Python file 'no.py'"),
            (["sino.npy", "--operator", "sensing"], "--shape"),
            (["no.npy", "--operator", "radon"], "There is no file 'no.npy'"),
            (["sino.npy", "--operator", "radon", "--sigma", "0"], "sigma = 0"),
        ],
    )
    def test_a_refusal_is_one_sentence_and_exit_code_2(self, folder, words, sentence, capsys):
        assert cli("reconstruct", *words) == 2
        said = capsys.readouterr().err.strip()
        assert sentence in said.replace("\n", " ")
        assert len(said.splitlines()) == 1

    def test_a_recipe_runs_no_code(self, folder):
        from untaught.io.recipes import Recipe

        job = Recipe.now("reconstruct", {"operator": "module:mine.py:A"})
        with pytest.raises(BadInput, match="may not run"):
            Recipe.from_toml(job.to_toml())


@pytest.mark.parametrize("operator", [lambda x: None, lambda x: x.numpy() * 2, lambda x: [x]])
def test_a_function_that_makes_no_tensor_is_refused(operator):
    with pytest.raises(BadInput, match="has to make a tensor.*torch"):
        untaught.reconstruct.job(scene(), operator=operator)


class TestEstimators:
    def test_total_variation_of_noise_is_scikit_images(self):
        """The same minimum, found by another method."""
        from skimage.restoration import denoise_tv_chambolle

        clean = data.camera()[100:148, 200:248] / 255.0
        y = clean + 0.1 * np.random.default_rng(0).normal(size=clean.shape)
        problem = untaught.Problem(torch.tensor(y)[None, None], likelihood=untaught.Gaussian(0.1))
        found = TotalVariation(rounds=200).estimate(problem)[0, 0].numpy()
        other = denoise_tv_chambolle(y, weight=0.1, eps=1e-9, max_num_iter=2000)
        assert np.abs(found - other).max() < 5e-3

    def test_the_precision_is_the_mean_diagonal(self):
        matrix = torch.randn(400, 30, generator=torch.Generator().manual_seed(0))
        problem = untaught.Problem(torch.rand(1, 400), untaught.FromLinear(matrix, (1, 30)), untaught.Gaussian(0.5))
        exact = float(matrix.square().sum(0).mean() / 0.25)
        assert precision(problem, trusted(problem)) == pytest.approx(exact, rel=0.4)  # of one draw

    def test_louder_noise_is_taken_for_louder(self):
        clean = torch.tensor(data.camera()[100:148, 200:248] / 255.0, dtype=torch.float32)[None, None]
        chosen = []
        for level in (0.02, 0.2):
            noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
            problem = untaught.Problem(clean + level * noise, likelihood=untaught.Gaussian(0.01))
            search = CrossValidated((TotalVariation(rounds=20),), (32.0, 16.0, 8.0, 4.0, 2.0, 1.0))
            *_, last = search.iterates(problem)
            chosen.append(float(last.note.split("for ")[1].split()[0]))
            assert float((last.x - clean).square().mean()) < level**2
        assert chosen[1] >= 4 * chosen[0]


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        ("import nothing_of_this_name", "A", "does not run .ModuleNotFoundError: No module named"),
        ("def (", "A", "does not run .SyntaxError"),
        (
            "class A:\n    def __init__(self, n): ...",
            "A",
            r"A\(\) of .* cannot be made .*: give a class that needs no arguments",
        ),
    ],
)
def test_a_file_of_ones_own_that_does_not_run_is_refused(tmp_path, text, name, sentence):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(BadInput, match=sentence):
        untaught.reconstruct(np.ones((8, 8)), operator=f"module:{tmp_path / 'mine.py'}:{name}", preset="instant")
