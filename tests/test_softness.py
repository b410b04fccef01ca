"""What made a small picture: soft kernels are told from its spectrum, sharp ones are not; where nothing is known, that is said."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import untaught
from untaught.classical.blind_kernel.shrunk import LEAST, softness
from untaught.core.errors import BadInput
from untaught.problem.operators.resample import KERNELS, SOFT, Downsample

STEP = 1 / 255


def leaves(side: int, seed: int) -> np.ndarray:
    """Discs over discs, the more of them the smaller (Matheron's dead leaves): edges and a spectrum as scenes have them."""
    rng, x = np.random.default_rng(seed), np.full((side, side), 0.5)
    least = (8 / side) ** 2
    for _ in range(1500):
        radius = 2 / np.sqrt(least + (1 - least) * rng.random())
        (y0, x0), value = rng.random(2) * side, rng.random()
        low, high = (slice(int(max(0, c - radius)), int(c + radius + 2)) for c in (y0, x0))
        part = x[low, high]
        down, along = np.mgrid[: part.shape[0], : part.shape[1]]
        part[(down + low.start - y0) ** 2 + (along + high.start - x0) ** 2 < radius**2] = value
    return x


def small(kernel: str, seed: int = 0, side: int = 192, factor: int = 3) -> torch.Tensor:
    """A scene made smaller and rounded to 8 bit, (1, 1, h, w)."""
    x = torch.from_numpy(leaves(side, seed).astype(np.float32))[None, None]
    return (Downsample((side // factor,) * 2, (side, side), kernel)(x) * 255).round().clamp(0, 255) / 255


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kernel", ["lanczos3", "lanczos2", "bicubic", "box"])
def test_what_programs_do_is_not_taken_for_a_soft_lens(kernel, seed):
    assert softness(small(kernel, seed), STEP) is None


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kernel", ["gauss:0.8", "gauss:1", "gauss:1.2"])
def test_a_soft_kernel_is_found_to_a_step(kernel, seed):
    names = list(SOFT)
    found = softness(small(kernel, seed), STEP)
    assert found is not None
    assert abs(names.index(found) - names.index(kernel)) <= 1


def test_neither_contrast_nor_brightness_nor_direction_changes_it():
    y = small("gauss:1")
    found = softness(y)
    assert found is not None
    for other in (0.3 * y + 0.5, 1 - y, y.flip(2), y.mT, y.expand(1, 3, -1, -1)):
        assert softness(other) == found


def test_a_picture_put_together_of_parts_is_what_its_parts_are(monkeypatch):
    """As the sample of a large picture is: its seams are no edges of the scene."""
    monkeypatch.setattr("untaught.classical.blind_kernel.shrunk.PART", 64)
    y = torch.cat([small("gauss:1", seed) for seed in range(3)], 3)
    assert softness(y, STEP) == softness(small("gauss:1"), STEP)


@pytest.mark.parametrize(
    "y",
    [
        torch.zeros(1, 1, 64, 64),
        torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)),
        torch.full((1, 1, 64, 64), torch.nan),
        small("gauss:1")[..., : LEAST - 1, :],
        torch.rand(1, 1, 400),
        torch.rand(1, 1, 50, 50, 50),
    ],
    ids=["flat", "noise", "nan", "few pixels", "series", "volume"],
)
def test_nothing_is_told_of_what_says_nothing(y):
    assert softness(y, STEP) is None


@pytest.mark.parametrize("kernel", ["gauss:0.8", "gauss:1.2"])
def test_where_there_is_noise_nothing_is_sharpened(kernel):
    """It would be amplified, by as much as the kernel took of the finest detail."""
    noise = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    assert recognised_with(small(kernel), noise, 0.0) in SOFT
    assert recognised_with(small(kernel), noise, 1.5 * STEP) is None


def recognised_with(y: torch.Tensor, noise: torch.Tensor, level: float) -> str | None:
    return softness(((y + level * noise).clamp(0, 1) * 255).round() / 255, STEP)


def picture(kernel: str) -> np.ndarray:
    return (255 * small(kernel)[0, 0]).round().byte().numpy()


def told(*given, **options) -> tuple[str, str]:
    """The kernel of the job, and what is told of it."""
    job = untaught.upscale.job(*given, factor=2, **options)
    return job.problem.operator.kernel, " ".join(job.notes)


def test_the_task_tells_what_it_found_and_can_be_told_otherwise():
    soft, sharp = picture("gauss:1"), picture("lanczos3")
    kernel, said = told(soft)
    assert kernel in SOFT
    assert f"blur of {SOFT[kernel]:g} pixels" in said
    assert "lanczos3" in said
    assert told(soft, kernel="lanczos3")[0] == "lanczos3"
    assert told(soft, preset="paper")[0] == "lanczos2"
    kernel, said = told(sharp)
    assert kernel == "lanczos3"
    assert "taken to have been made smaller with lanczos3" in said


def test_a_jpeg_has_lost_its_detail_otherwise(tmp_path):
    Image.fromarray(picture("gauss:1")).save(tmp_path / "small.jpg", quality=100)
    assert told(tmp_path / "small.jpg")[0] == "lanczos3"


def test_every_kernel_can_be_asked_for():
    y = picture("lanczos3")[:20, :20]
    assert [told(y, kernel=kernel)[0] for kernel in KERNELS] == list(KERNELS)
    with pytest.raises(BadInput, match="did you mean 'gauss:0.8'"):
        told(y, kernel="gauss:0.85")
