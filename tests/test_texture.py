"""Texture is no noise: grass, gravel and fur in noise of a kind are measured as that noise, and are not smeared."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data

import untaught
from untaught.noise import NoiseModel, estimate_noise, simulate
from untaught.noise.spectrum import halved

SIDE = 128
TINT = np.array([1.0, 0.9, 0.7])
TEXTURES = {
    "grass": data.grass()[:SIDE, :SIDE],
    "gravel": data.gravel()[:SIDE, :SIDE],
    "tinted gravel": np.rint(data.gravel()[-SIDE:, -SIDE:, None] * TINT).astype(np.uint8),
    "fur": data.chelsea()[86:214, 161:289],
}
NOISES = "white:sigma=0.0314", "sensor:iso=3200", "sensor:iso=6400,quality=75"
# Grass that a camera has sharpened has no band of frequencies without texture: it is read as up to twice as noisy as it is.
PAIRS = [(t, n) for t in TEXTURES for n in NOISES if t != "grass" or n.startswith("white")]


def pair(name: str, noise: str) -> tuple[np.ndarray, np.ndarray]:
    noisy, truth = simulate.pipeline(noise)(TEXTURES[name], 0)
    return noisy, truth


def measured(picture: np.ndarray) -> NoiseModel:
    return estimate_noise(torch.from_numpy(np.atleast_3d(picture).transpose(2, 0, 1).astype(np.float32) / 255))


def coarse(noise: NoiseModel) -> bool:
    """Whether neighbours share the brightness of the noise, and not its colours alone."""
    grey = (noise.sigma[:, None, None, None] * noise.kernel).mean(0)
    return float((grey[..., 1:] * grey[..., :-1]).sum() / grey.square().sum()) > 0.1


@pytest.mark.parametrize(("name", "noise"), PAIRS)
def test_texture_is_not_measured_and_the_result_is_better_than_what_came(name, noise):
    noisy, truth = pair(name, noise)
    found, strength = measured(noisy), np.sqrt(np.mean((noisy / 255 - truth / 255) ** 2))
    assert not coarse(found)
    assert 0.5 < found.level / strength < 1.3
    assert untaught.psnr(untaught.denoise(noisy, preset="instant"), truth) > untaught.psnr(noisy, truth) + 0.3


@pytest.mark.parametrize("name", TEXTURES)
def test_clean_texture_is_not_grain_that_neighbours_share(name):
    assert not coarse(measured(TEXTURES[name]))


@pytest.mark.parametrize("noise", ["film", "film:amount=0.1,size=1.5,colour=0"])
def test_grain_that_neighbours_share_is_still_found_in_texture(noise):
    noisy, truth = pair("fur", noise)
    found, strength = measured(noisy), np.sqrt(np.mean((noisy / 255 - truth / 255) ** 2))
    assert coarse(found)
    assert 0.7 < found.level / strength < 1.3


@pytest.mark.parametrize("noise", ["sensor:iso=3200", "sensor:iso=6400,quality=75", "phone"])
def test_blotches_of_colour_are_found_beside_fine_grain(noise):
    noisy, truth = pair("fur", noise)
    found, rest = measured(noisy), noisy.astype(np.float64) - truth
    drawn = (
        found.draw(torch.from_numpy(truth.transpose(2, 0, 1) / 255).float(), torch.Generator().manual_seed(0))
        .numpy()
        .transpose(1, 2, 0)
        * 255
    )

    def blotches(x: np.ndarray) -> float:
        tint = x - x.mean(2, keepdims=True)
        return tint.reshape(SIDE // 4, 4, SIDE // 4, 4, 3).mean((1, 3)).std()

    assert found.correlated
    assert not coarse(found)
    assert 0.3 < blotches(drawn) / blotches(rest) < 1.5


def test_the_colour_of_a_tinted_texture_is_not_of_noise():
    noisy, _ = simulate.pipeline("white:sigma=0.0314")(TEXTURES["tinted gravel"], 0)
    assert not measured(noisy).correlated


def test_noise_at_half_the_resolution_is_that_of_its_means_of_four():
    noisy, _ = pair("fur", "film")
    noise = measured(noisy)
    kernel, ratio = halved(noise.kernel)
    rng, flat = torch.Generator().manual_seed(0), torch.ones(1)
    one, zero = torch.ones(3), torch.zeros(1)
    drawn = NoiseModel(one, True, noise.kernel, zero, flat).draw(torch.zeros(1, 3, 512, 512), rng)
    means = torch.nn.functional.avg_pool2d(drawn, 2)
    again = NoiseModel(ratio, True, kernel, zero, flat).draw(torch.zeros(1, 3, 256, 256), rng)

    def near(x: torch.Tensor) -> list[float]:
        pairs = (x, x), (x[..., 1:], x[..., :-1]), (x[..., 1:, :], x[..., :-1, :]), (x[:, :1], x[:, 1:])
        return [float((a * b).mean()) for a, b in pairs]

    assert near(again) == pytest.approx(near(means), abs=0.05 * near(means)[0])
