"""Laws of the perceptual distance: on random weights against the formula written out, on the real ones against what eyes say."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from skimage import data, filters

from untaught.bench import metrics
from untaught.core.errors import BadInput
from untaught.io import images


@pytest.fixture
def folder(tmp_path):
    """Random convolutions of AlexNet, and random heads."""
    draw = np.random.default_rng(0)
    shapes = {0: (64, 3, 11, 11), 3: (192, 64, 5, 5), 6: (384, 192, 3, 3), 8: (256, 384, 3, 3), 10: (256, 256, 3, 3)}
    state = {f"features.{i}.weight": draw.normal(0, 0.05, s).astype(np.float32) for i, s in shapes.items()}
    state |= {f"features.{i}.bias": draw.normal(0, 0.1, s[0]).astype(np.float32) for i, s in shapes.items()}
    np.savez(tmp_path / "alexnet.npz", **state)
    heads = {f"alex.lin{i}": draw.random(s[0]).astype(np.float32) for i, s in enumerate(shapes.values())}
    np.savez(tmp_path / "lpips.npz", **heads)
    return tmp_path


@pytest.fixture
def pair():
    clean = data.astronaut()[60:140, 180:250]
    return clean, np.ascontiguousarray(clean[::-1])


def test_it_is_the_formula_written_out(folder, pair):
    state, heads = (dict(np.load(folder / f"{n}.npz")) for n in ("alexnet", "lpips"))
    features = []
    for picture in pair:
        x = torch.from_numpy(picture.transpose(2, 0, 1)[None] / 255).float() * 2 - 1
        shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
        x = (x - shift.view(1, 3, 1, 1)) / scale.view(1, 3, 1, 1)
        found = []
        for i, (stride, pad, pool) in {0: (4, 2, 0), 3: (1, 2, 1), 6: (1, 1, 1), 8: (1, 1, 0), 10: (1, 1, 0)}.items():
            x = F.max_pool2d(x, 3, 2) if pool else x
            weight, bias = (torch.from_numpy(state[f"features.{i}.{k}"]) for k in ("weight", "bias"))
            x = torch.relu(F.conv2d(x, weight, bias, stride, pad))
            found.append(x[0] / (x[0].pow(2).sum(0).sqrt() + 1e-10))
        features.append(found)
    expected = sum(
        float(np.einsum("c,chw->hw", heads[f"alex.lin{i}"], (a - b).pow(2).numpy()).mean())
        for i, (a, b) in enumerate(zip(*features, strict=True))
    )
    assert metrics.lpips(*pair, weights=folder) == pytest.approx(expected, rel=1e-4)


def test_it_is_a_symmetric_distance_of_any_type(folder, pair):
    a, b = pair
    assert metrics.lpips(a, a, weights=folder) == 0
    assert metrics.lpips(a, b, weights=folder) == pytest.approx(metrics.lpips(b, a, weights=folder))
    assert metrics.lpips(a, b, weights=folder) > 0
    deep = [v.astype(np.uint16) * 257 for v in pair]
    assert metrics.lpips(*deep, weights=folder) == pytest.approx(metrics.lpips(a, b, weights=folder), rel=1e-5)
    grey = [v[..., 1] for v in pair]
    assert metrics.lpips(*grey, weights=folder) == pytest.approx(
        metrics.lpips(*[np.stack([v] * 3, -1) for v in grey], weights=folder)
    )


def test_what_cannot_be_compared_is_refused(folder, pair, tmp_path):
    a, b = pair
    with pytest.raises(BadInput, match=r"\(80, 70, 3\) and \(80, 60, 3\)"):
        metrics.lpips(a, b[:, :60], weights=folder)
    with pytest.raises(BadInput, match="63 pixels"):
        metrics.lpips(a[:40], b[:40], weights=folder)
    with pytest.raises(BadInput, match="did you mean 'alex'"):
        metrics.lpips(a, b, weights=folder, net="alexx")
    with pytest.raises(BadInput, match="holds no heads"):
        metrics.lpips(a, b, weights=tmp_path / "nothing")
    with pytest.raises(BadInput, match=r"vgg\.lin0"):
        metrics.lpips(a, b, weights=folder, net="vgg")


def test_the_benchmark_has_a_column_where_the_weights_are_given(folder, pair, untaught):
    images.write(folder / "a.png", pair[0])
    words = ["bench", "denoise", folder / "a.png", "--sigma", "0.1", "--presets", "", "--against", "tv", "--seeds", "1"]
    for extra, there in (["--lpips", folder, "--csv", folder / "o.csv"], True), ([], False):
        code, out, _ = untaught(*words, *extra)
        assert (code, "LPIPS" in out) == (0, there)
    with (folder / "o.csv").open(newline="") as file:
        noisy, restored = (float(line["lpips"]) for line in csv.DictReader(file))
    assert noisy > restored > 0
    code, _, err = untaught(*words, "--lpips", folder / "nothing")
    assert code == 2
    assert "holds no heads" in err


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_the_real_weights_see_a_blur_and_hardly_a_faint_noise(shared, net):
    clean = data.astronaut()[30:158, 160:288]
    blurred = np.rint(255 * filters.gaussian(clean / 255, 2.5, channel_axis=-1)).astype(np.uint8)
    noise = np.random.default_rng(0).normal(0, 2, clean.shape)
    faint = np.rint(np.clip(clean + noise, 0, 255)).astype(np.uint8)
    folder = shared("weights")
    far, near = (metrics.lpips(v, clean, weights=folder, net=net) for v in (blurred, faint))
    assert 0 < near < 0.25 * far < 0.25
