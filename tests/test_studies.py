"""Laws of the studies: samples of the prior, impedance, the comparison of networks; refusals."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from skimage import data

from untaught.bench import impedance, networks, sample
from untaught.bench.store import read, write
from untaught.core.errors import BadInput
from untaught.io import images


@pytest.fixture
def folder(tmp_path, photo, noisy, monkeypatch):
    images.write(tmp_path / "cat.png", photo)
    images.write(tmp_path / "noisy.png", noisy)
    images.write(tmp_path / "flat.png", np.full((8, 8, 3), 7, np.uint8))
    images.write(tmp_path / "chess.png", np.indices((8, 8)).sum(0).astype(np.uint8) % 2 * 255)
    (tmp_path / "real").mkdir()
    images.write(tmp_path / "real" / "a_real.png", noisy)
    images.write(tmp_path / "real" / "a_mean.png", photo)
    (tmp_path / "table.csv").write_text("something,else\n1,2\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ------------------------------------------------------------------------------------------------ samples


def test_a_column_is_one_network_a_row_is_one_seed_and_z_is_the_same():
    a, b, again = (sample.draw("hourglass-2", size=24, seed=s) for s in (0, 1, 0))
    assert np.array_equal(a, again)
    assert not np.allclose(a, b)
    other = sample.draw("hourglass-2", size=24, seed=0, code=1)
    assert not np.allclose(a, other)
    codes = [sample._code(8, 0).build(space, None, _rng(s)) for space, s in (((64, 64), 1), ((32, 64), 2))]
    assert (codes[0][:, :, 16:48] == codes[1]).all()


def _rng(seed):
    from untaught.core.randomness import Rng

    return Rng(seed)


def test_deeper_networks_draw_smoother_pictures():
    """What the grid shows, as a number: the share of the variance that lies between neighbouring pixels."""

    def rough(name):
        x = sample.draw(name, size=48, seed=0)
        return np.var(np.diff(x, axis=1)) / np.var(x)

    assert rough("bilinear") < rough("hourglass-5") < rough("hourglass-2") < rough("resnet")


@pytest.mark.parametrize("size", [1, 17])
def test_a_grid_of_any_size_is_written(folder, untaught, size):
    code, out, _ = untaught(
        "sample", "-o", "s.png", "--size", size, "--seeds", 2, "--columns", "hourglass-2,resnet,decoder"
    )
    assert code == 0
    assert "2 x 3 pictures" in out
    assert images.read("s.png").pixels.ndim == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--columns", "hourglas-2"], "did you mean 'hourglass-2'?"),
        (["--columns", ","], "no column to draw"),
        (["--size", 0], "0 pixels cannot be drawn"),
        (["--size", 2000], "give 1 to 1024"),
        (["--seeds", 0], "0 seeds make no grid"),
        (["-o", "cat.png"], "exists already"),
        (["-o", "no/s.png"], "does not exist"),
    ],
)
def test_samples_that_cannot_be_drawn_are_refused(folder, untaught, words, said):
    code, _, err = untaught("sample", *words)
    assert code == 2
    assert said in err


# ------------------------------------------------------------------------------------------------ impedance


def traces_of(picture, *, steps, names, reference=None):
    found = {}
    for target in impedance.targets(picture, sigma=25 / 255, seed=0, reference=reference):
        if target.name in names:
            from untaught.solver.loop import solve

            trace = impedance.Trace(target)
            solve(impedance.job(target, network="narrow", steps=steps, seed=0), watch=[trace.look])
            found[target.name] = trace
    return found


@pytest.mark.slow
def test_a_natural_picture_is_fitted_before_white_noise():
    """The paper's figure 2, on the camera man reduced to 32 x 32 pixels."""
    picture = impedance.reduced(data.camera(), 32)
    found = traces_of(picture, steps=40, names=(impedance.PICTURE, impedance.WHITE))
    left = {name: trace.relative[-1] for name, trace in found.items()}
    assert left[impedance.PICTURE] < 0.5 * left[impedance.WHITE]


def test_the_four_targets_are_what_they_are_called(photo):
    picture = photo / 255
    plain, noisy, shuffled, white = impedance.targets(picture, sigma=0.1, seed=3)
    assert np.array_equal(plain.pixels, picture)
    assert plain.reference is None
    assert noisy.reference is picture
    assert np.std(noisy.pixels - picture) == pytest.approx(0.1, rel=0.05)
    order = np.lexsort(picture.reshape(-1, 3).T)
    assert np.array_equal(
        shuffled.pixels.reshape(-1, 3)[np.lexsort(shuffled.pixels.reshape(-1, 3).T)], picture.reshape(-1, 3)[order]
    )
    assert white.variance == pytest.approx(1 / 12, rel=0.05)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_picture_is_reduced_to_the_means_of_its_pixels(photo, dtype):
    given = (
        (photo[:, :48] / 255).astype(dtype)
        if dtype == np.float32
        else photo[:, :48].astype(dtype) * (257 if dtype == np.uint16 else 1)
    )
    small = impedance.reduced(given, 24)
    assert small.shape == (24, 24, 3)
    if dtype != np.float32:
        means = (photo[:, :48] / 255).reshape(24, 2, 24, 2, 3).mean((1, 3))
        assert np.allclose(small, means, atol=1e-5)
    assert impedance.reduced(given[..., 0], 12).shape == (12, 12)


def test_impedance_writes_a_plot_and_every_step(folder, untaught):
    words = ["noisy.png", "--reference", "cat.png", "--steps", 4, "--size", 32, "--csv", "i.csv"]
    code, out, err = untaught("impedance", *words)
    assert code == 0, err
    assert "(the best step is known from the reference alone)" in out
    assert images.read("noisy.impedance.png").pixels.shape[2] == 3
    with open("i.csv") as file:
        rows = list(csv.DictReader(file))
    assert [r["target"] for r in rows[::4]] == ["picture", "picture + noise", "shuffled pixels", "white noise"]
    assert [int(r["step"]) for r in rows[:4]] == [1, 2, 3, 4]
    assert all(float(r["psnr_average"]) > 0 for r in rows[:8])
    assert all(r["psnr"] == "" for r in rows[8:])
    code, _, _ = untaught("impedance", "chess.png", "--steps", 1, "--quiet", "-o", "grey.png")
    assert code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cat.png", "--reference", "chess.png"], "both must be of one size"),
        (["flat.png"], "there is nothing to restore"),
        (["chess.png", "--size", 1], "one flat colour"),
        (["cat.png", "--size", 0], "--size 0 leaves nothing"),
        (["cat.png", "--steps", 0], "--steps 0 leaves nothing"),
        (["cat.png", "--network", "narow"], "did you mean 'narrow'?"),
        (["cat.png", "--sigma", 25], "did you mean 25/255?"),
        (["cat.png", "-o", "cat.png"], "the input itself"),
        (["cat.png", "-o", "noisy.png"], "exists already"),
        (["cat.png", "--csv", "table.csv"], "exists already"),
        (["cat.png", "--csv", "no/table.csv"], "folder that exists"),
        (["cat.png", "--csv", "cat.png", "--force"], "named twice"),
        (["no.png"], "There is no file"),
        (["cat.png", "--device", "tpu"], "There is no device"),
    ],
)
def test_impedance_refuses(folder, untaught, words, said):
    code, _, err = untaught("impedance", *words)
    assert code == 2
    assert said in err


# ------------------------------------------------------------------------------------------------ networks


def test_salt_and_pepper_replaces_the_share_asked_for(photo):
    spoilt = networks.spoil(photo, "salt-and-pepper", 0.1, seed=0)
    changed = spoilt != photo
    assert spoilt.dtype == photo.dtype
    assert changed.mean() == pytest.approx(0.1, abs=0.02)
    assert set(np.unique(spoilt[changed])) == {0, 255}


def test_speckle_is_proportional_to_brightness():
    steps = np.repeat(np.array([40, 120], np.uint8), 20000)[None]
    spoilt = networks.spoil(steps, "speckle", 0.2, seed=0).astype(float)
    low, high = (np.std(spoilt[steps == v]) / v for v in (40, 120))
    assert low == pytest.approx(0.2, rel=0.05)
    assert high == pytest.approx(0.2, rel=0.05)
    assert not np.array_equal(networks.spoil(steps, "speckle", 0.2, 1), spoilt)


def test_the_networks_of_the_paper_have_their_sizes():
    counts = {
        n: sum(p.numel() for p in networks.architecture(n, "paper").build(32, 3).parameters())
        for n in networks.NETWORKS
    }
    assert counts == {"hourglass": 2217831, "unet": 2164899, "resnet": 167907}


def test_a_comparison_is_kept_row_by_row_and_goes_on(folder, untaught):
    words = [
        "compare",
        "networks",
        "cat.png",
        "--noise",
        "speckle",
        "--pairs",
        "real",
        "--size",
        16,
        "--width",
        "narrow",
    ]
    words += ["--csv", "n.csv", "--steps", 3, "--networks"]
    one, words = [*words, "resnet"], [*words, "hourglass,resnet"]
    code, out, err = untaught(*words, "--seeds", 1)
    assert code == 0, err
    assert "oracle" in out
    first = read(folder / "n.csv", networks.Compared)
    assert [(r.noise, r.network) for r in first] == [
        (n, w) for n in ("real", "speckle") for w in ("hourglass", "resnet")
    ]
    assert all(r.best >= r.final and r.best_step == 3 for r in first)
    code, _, err = untaught(*words, "--seeds", 2, "--markdown", "n.md")
    assert code == 0
    assert "seed 0" not in err  # made once
    assert read(folder / "n.csv", networks.Compared)[:4] == first
    assert len(read(folder / "n.csv", networks.Compared)) == 8
    table = (folder / "n.md").read_text()
    assert "| speckle 0.2 | hourglass | 2 |" in table
    assert "±" in table
    code, out, err = untaught(*words, "--seeds", 2)
    assert (code, err) == (0, "")
    assert "8 rows" in out
    code, _, err = untaught(*one, "--seeds", 1, "--lr", 0.02)
    assert code == 0
    assert {r.lr for r in read(folder / "n.csv", networks.Compared)} == {0.01, 0.001, 0.02}


def test_the_score_is_that_of_the_averaged_iterate(noisy, photo):
    from untaught.bench import metrics
    from untaught.solver.loop import Run

    setting = networks.Setting(3, 48, "narrow")
    job = networks.job(noisy[:, :, 0], "resnet", 0, setting)
    score = networks.Score(photo[:, :, 0], 3)
    run = Run(job)
    for iterate in run:
        score.look(iterate)
    x = run.solution.x[0, 0].numpy() * 255
    assert score.curve == [(3, metrics.psnr(x, photo[:, :, 0]))]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["presets"], "There is no comparison 'presets'"),
        (["networks"], "nothing to compare on"),
        (["networks", "cat.png"], "not said which noise"),
        (["networks", "--noise", "speckle"], "none is named"),
        (["networks", "cat.png", "--noise", "speckles"], "did you mean 'speckle'?"),
        (["networks", "cat.png", "--noise", "speckle", "--amount", 0], "An amount of 0"),
        (["networks", "--pairs", "no"], "There is no folder 'no'"),
        (["networks", "--pairs", "real", "--networks", "u-net"], "did you mean 'unet'?"),
        (["networks", "--pairs", "real", "--networks", ","], "names none"),
        (["networks", "--pairs", "real", "--width", "wide"], "There is no width 'wide'"),
        (["networks", "--pairs", "real", "--seeds", 0], "--seeds 0 leaves nothing"),
        (["networks", "--pairs", "real", "--steps", 0], "--steps 0 leaves nothing"),
        (["networks", "--pairs", "real", "--size", 0], "--size 0 leaves nothing"),
        (["networks", "--pairs", "real", "--lr", 0], "no learning rate"),
        (["networks", "--pairs", "real", "--csv", "table.csv"], "holds another table"),
        (["networks", "--pairs", "real", "--csv", "no/n.csv"], "folder that exists"),
        (["networks", "cat.png", "--noise", "speckle", "--csv", "cat.png"], "named twice"),
        (["networks", "--pairs", "real", "--csv", "n.csv", "--markdown", "n.csv"], "named twice"),
    ],
)
def test_comparisons_that_make_no_sense_are_refused(folder, untaught, words, said):
    code, _, err = untaught("compare", *words)
    assert code == 2
    assert said in err


def test_a_damaged_table_is_refused(tmp_path):
    row = networks.Compared("real", 0.0, "a", "unet", 0, 1, 2, "paper", 0.1, 20.0, 30.0, 1, 29.0, 1.0)
    write(tmp_path / "n.csv", [row])
    assert read(tmp_path / "n.csv", networks.Compared) == [row]
    with (tmp_path / "n.csv").open("a") as file:
        file.write("real,0.0,a,unet,zero\n")
    with pytest.raises(BadInput, match="damaged row"):
        read(tmp_path / "n.csv", networks.Compared)
