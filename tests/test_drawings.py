"""Lettering and drawings between black and white, posterised pictures and few counts: their strokes and levels are no noise."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter
from torch import Tensor

import untaught
from untaught.noise import Scale, estimate_noise, measure
from untaught.noise.anderson import shown
from untaught.noise.foretold import foretell
from untaught.noise.impulses import clustered, find_impulses


def lettering(size: int, angle: int = 0, side: int = 96) -> np.ndarray:
    """Black on white, in [0, 1]."""
    sheet = Image.new("L", (side, side), 255)
    for i in range(side // size + 1):
        words = "The quick brown fox 0123 jumps"[i % 9 :]
        ImageDraw.Draw(sheet).text((3, int(1.2 * size * i)), words, fill=0, font=ImageFont.load_default(size))
    return np.asarray(sheet.rotate(angle, fillcolor=255)) / 255


def drawings() -> dict[str, np.ndarray]:
    y, x = np.mgrid[:96, :96]
    line = np.zeros((96, 96))
    line[20:60, 30:70], line[40:44, 30:70] = 0.8, 0.4
    found = {f"letters {size}": lettering(size) for size in (8, 12, 20, 30)}
    found |= {"turned": lettering(16, 8), "inverse": 1 - lettering(16, 8), "line": line}
    found |= {"rings": np.hypot(x - 48, y - 40) // 6 % 2, "stripes": 1.0 * ((x + y) % 20 == 0), "bars": x // 9 % 5 / 4}
    colours = [lettering(14)] * 3
    return found | {"colours": np.stack([1 - 0.3 * k * (1 - c) for k, c in enumerate(colours, 1)], -1)}


def data(picture: np.ndarray) -> Tensor:
    x = torch.from_numpy(np.rint(picture.clip(0, 1) * 255) / 255).float()
    return x[None, None] if x.ndim == 2 else x.movedim(-1, 0)[None]


@pytest.mark.parametrize("name", drawings())
def test_a_clean_drawing_has_no_noise(name):
    """It was 21 to 93 of 255, and the lettering was gone."""
    x = data(drawings()[name])
    assert find_impulses(x) is None
    assert estimate_noise(x).level < 0.5 / 255


@pytest.mark.parametrize("levels", [3, 4, 6])
def test_levels_of_a_posterised_picture_are_no_impulses(levels, photo):
    y = np.rint(photo / 255 * (levels - 1)) / (levels - 1)
    assert find_impulses(data(y)) is None


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize(("size", "angle"), [(20, 0), (20, 12), (16, 90), (30, 5)])
def test_lettering_tells_its_noise_and_no_law_of_brightness(size, angle, inverse):
    """Strokes were taken for noise of 33 and 71 where it is 8 and 4, for speckle and for a few photons."""
    clean, sigma = lettering(size, angle), 4 / 255
    noisy = (1 - clean if inverse else clean) + np.random.default_rng(0).normal(0, sigma, clean.shape)
    found = measure(data(noisy), "auto", [], Scale(clipped=True))
    assert found.kind == "gaussian"
    assert estimate_noise(data(noisy)).level == pytest.approx(sigma, rel=0.4)


def test_what_cannot_be_foretold_is_a_number():
    """Also where the classes of brightness that are foretold best have no noise at all."""
    rng = np.random.default_rng(5)
    x = np.mgrid[:96, :96][1]
    for spread in (0.03, 0.06, 0.1):
        told = foretell(data(np.rint((0.5 + 0.4 * np.sin(x / 9) + rng.normal(0, spread, x.shape)).clip(0, 1) * 2) / 2))
        assert told is None or bool(told.least.isfinite().all())


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
@pytest.mark.parametrize(
    ("dark", "given"), [(0, {}), (100, {}), (0, {"noise": "poisson"}), (100, {"noise": "poisson", "dark": 100})]
)
def test_single_counts_on_a_dark_ground_are_known(dtype, dark, given):
    """Spots of up to 60 counts, most of the picture nearly without: the gain was read 1.4 to 1.9 times too high."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:96, :96]
    mean = sum(
        np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * s * s)) for a, b, s in rng.uniform((0, 0, 2), (96, 96, 8), (18, 3))
    )
    counts = (rng.poisson(60 * mean / mean.max()) + dark).astype(dtype)
    job = untaught.denoise.job(counts, preset="instant", **given)
    one = 65535 if dtype == "uint16" else 1
    assert f"(gain: {one:.3g} counts" in job.notes[0]


@pytest.mark.parametrize("share", [0.002, 0.006, 0.012])
def test_hot_pixels_go_however_many_there_are(share, photo):
    """Between 0.4 % of a picture and what is called impulses none was found."""
    rng = np.random.default_rng(0)
    noisy = (photo * 0.9 + rng.normal(0, 10, photo.shape)).clip(0, 255)
    hot = rng.random(photo.shape) < share
    noisy[hot] = 255
    made = untaught.denoise(noisy.astype(np.uint8), preset="instant")
    left = np.abs(made[hot] - photo[hot] * 0.9) > 80
    assert left.mean() < 0.2


def test_single_photons_are_no_drawing():
    """They are as few on black as strokes are, but each for itself."""
    y, x = np.mgrid[:96, :96]
    mean = 0.05 + 2 * np.exp(-((x - 40) ** 2 + (y - 50) ** 2) / 100)
    counts = np.random.default_rng(0).poisson(mean)
    assert estimate_noise(data(counts / counts.max())).level > 0.02


@pytest.mark.parametrize(("angle", "sigma"), [(12, 12), (12, 20), (0, 12)])
def test_small_lettering_in_noise_is_no_impulses(angle, sigma):
    """6.5 % of the values, the strokes among them, were filled: 16.9 dB of 28.6."""
    clean = 1 - lettering(10, angle)
    assert find_impulses(data(clean + np.random.default_rng(0).normal(0, sigma / 255, clean.shape))) is None


@pytest.mark.parametrize("radius", [9, 16, 30])
@pytest.mark.parametrize(("level", "sigma"), [(60, 10), (150, 25)])
def test_the_rim_of_an_object_that_was_cut_out_is_no_pepper(radius, level, sigma):
    """1.2 to 1.7 % of the values were filled and the noise was left: 29.6 dB of 26.9, where 35.2 are to be had."""
    y, x = np.mgrid[:96, :96]
    inside = (
        np.hypot((x + 20) % 48 - 24, (y + 20) % 48 - 24) < radius if radius < 20 else np.hypot(x - 50, y - 44) < radius
    )
    noise = np.random.default_rng(radius).normal(0, sigma, x.shape)
    noisy = inside * (level * (1 + 0.3 * np.sin(x / 7) * np.cos(y / 5)) + noise) / 255
    assert find_impulses(data(noisy)) is None
    assert estimate_noise(data(noisy)).level == pytest.approx(sigma / 255, rel=0.35)


def lines(side: int = 80) -> np.ndarray:
    """Thin ones, black on white, in [0, 1]."""
    sheet, draw = Image.new("L", (4 * side, 4 * side), 255), np.random.default_rng(1)
    for _ in range(12):
        ImageDraw.Draw(sheet).line(
            [tuple(int(v) for v in draw.integers(0, 4 * side, 2)) for _ in range(3)], fill=0, width=8
        )
    return np.asarray(sheet.resize((side, side), Image.Resampling.BOX)) / 255


@pytest.mark.parametrize("blur", [0, 0.7])
@pytest.mark.parametrize("sigma", [5, 10, 25])
@pytest.mark.parametrize("inverse", [False, True])
def test_noise_on_paper_is_read_off_the_paper(inverse: bool, sigma: int, blur: float) -> None:
    """Half of it is cut off there, and thin lines are all else that there is: 38 to 43 were read of 5 and 10."""
    noise = np.random.default_rng(sigma).normal(size=(80, 80, 3))
    noise = gaussian_filter(noise, (blur, blur, 0)) if blur else noise
    sheet = 1 - lines() if inverse else lines()
    found = estimate_noise(data(sheet[..., None] + sigma / 255 * noise / noise.std()))
    assert 255 * found.level == pytest.approx(sigma, rel=0.12)


@pytest.mark.parametrize("ground", [0, 255])
def test_random_values_are_found_beside_a_bare_ground_and_on_it(ground: int, photo: np.ndarray) -> None:
    draw, sheet = np.random.default_rng(3), np.full((96, 96, 3), ground / 255)
    sheet[20:68, 20:76] = 0.1 + 0.8 * photo / 255
    lost = draw.random(sheet.shape) < 0.05
    found = find_impulses(data(np.where(lost, draw.random(sheet.shape), sheet)))
    assert found is not None
    assert found.kind == "random values"
    where = found.where[0].movedim(0, -1).numpy()
    assert where[lost].mean() > 0.7
    assert where[~lost].mean() < 0.01


@pytest.mark.parametrize("share", [0.02, 0.1, 0.2, 0.4])
def test_what_lies_together_is_strokes_however_much_there_is(share: float) -> None:
    """Of a fifth of all values no neighbours can be lost many times as often as any."""
    draw, whole = np.random.default_rng(5), torch.ones(1, 1, 96, 96, dtype=torch.bool)
    strokes = np.kron(draw.random((24, 48)) < share, np.ones((4, 2)))
    assert not clustered(torch.from_numpy(draw.random((1, 1, 96, 96)) < share), whole)
    assert clustered(torch.from_numpy(strokes[None, None] > 0), whole)


def test_salt_is_found_where_black_is_the_night() -> None:
    draw = np.random.default_rng(4)
    night = gaussian_filter(draw.random((80, 80, 3)), (4, 4, 0))
    night = np.clip(night - night.mean() + 0.02, 0, 1)
    lost = draw.random(night.shape[:2]) < 0.15
    found = find_impulses(data(np.where(lost[..., None], 1.0 * (draw.random((80, 80, 1)) < 0.5), night)))
    assert found is not None
    assert found.kind == "salt and pepper"


def _brought(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Lettering, and as somebody brings it; of 255."""
    tinted = "tinted" in kind
    sheet = Image.new("RGB", (72, 72), (240, 235, 210) if tinted else "white")
    inks = [(180, 20, 20), (20, 60, 160), (10, 110, 40), (60, 60, 60)] if tinted else ["black"] * 4
    for i, ink in enumerate(inks):
        size = (9, 12, 15, 20)[i] if tinted else 14
        at = (3, (2, 12, 25, 42)[i]) if tinted else (4, 4 + 18 * i)
        words = f"Colour {i} words abc" if tinted else f"The quick brown {i} fox"
        ImageDraw.Draw(sheet).text(at, words, fill=ink, font=ImageFont.load_default(size))
    clean = np.asarray(sheet).astype(float)
    if tinted:
        clean = np.rint(clean.mean(-1))
        return clean, clean
    noise = np.random.default_rng(1).standard_normal((72, 72, 3))
    if "left" in kind:
        noise[:, 36:] = 0
        return clean, clean + 25 * noise
    few = Image.fromarray((clean + 15 * noise).clip(0, 255).astype(np.uint8)).quantize(8)
    return clean, np.asarray(few.convert("RGB"))


@pytest.mark.parametrize("kind", ["noisy to the left", "on tinted paper", "in eight colours"])
def test_lettering_is_not_made_worse_whatever_its_noise(kind: str) -> None:
    """Strokes were read as noise of 19 to 58 of 255, and as impulses."""
    clean, noisy = (np.rint(x.clip(0, 255)).astype(np.uint8) for x in _brought(kind))
    found = untaught.denoise(noisy, preset="instant")
    came, left = (np.square(x - clean.astype(float)).mean() for x in (noisy, found))
    assert left <= came


@pytest.mark.parametrize("sigma", [3, 15])
def test_thin_lines_on_noisy_paper_say_nothing_of_its_noise(sigma: int) -> None:
    sheet = Image.new("L", (256, 256), 255)
    for start, end in np.random.default_rng(1).integers(0, 256, (16, 2, 2)):
        ImageDraw.Draw(sheet).line([*start.tolist(), *end.tolist()], fill=0, width=8)
    drawn = np.asarray(sheet.resize((64, 64), Image.Resampling.BOX)) / 255
    noisy = data(drawn + sigma / 255 * np.random.default_rng(2).standard_normal(drawn.shape))
    assert 0.8 * sigma < 255 * estimate_noise(noisy).level < 1.2 * sigma


def test_a_law_of_brightness_is_refuted_by_parts_that_are_quieter() -> None:
    from untaught.noise.kinds import _refuted
    from untaught.noise.laws import Found
    from untaught.problem.likelihoods import Poisson, PoissonGaussian

    flat = np.linspace(0.2, 0.8, 64)[None] * np.ones((64, 1))
    draw = np.random.default_rng(3)
    counted, even = draw.poisson(100 * flat) / 100, flat + 0.01 * draw.standard_normal(flat.shape)
    law = Found("poisson", Poisson(100.0))
    assert not _refuted(data(counted), law, Scale())
    assert _refuted(data(even), law, Scale())
    few = draw.poisson(np.full((128, 128), 0.3)) / 15  # many parts are without any
    assert not _refuted(data(0.01 + few), Found("poisson-gaussian", PoissonGaussian(15.0, 0.0), dark=0.01), Scale())


@pytest.mark.parametrize("side", [20, 32, 48])
def test_a_small_picture_has_no_more_noise_than_its_quiet_parts_in_the_dark_and_in_the_light(side: int) -> None:
    picture = np.full((side, side), 0.3)
    picture[:, side // 2 :] = 0.7
    picture[: side // 3] += 0.15 * np.random.default_rng(4).standard_normal((side // 3, side))  # texture
    assert 255 * estimate_noise(data(picture)).level < 2


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_point_of_a_small_picture_is_no_salt(value: float) -> None:
    picture = 0.5 + 0.1 * np.random.default_rng(5).random((8, 8, 3))
    picture[4, 4] = value
    assert find_impulses(data(picture)) is None


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [1, 2, 4])
def test_pixel_art_is_not_taken_for_noise(side, channels):
    """Colours of no order, each over a few pixels: nothing of it can be foretold, and no part is flat."""
    draw = np.random.default_rng(side)
    cells = np.kron(draw.integers(0, 6, (32 // side, 32 // side)), np.ones((2, 2), int))
    art = draw.integers(0, 256, (6, channels), np.uint8)[cells].repeat(side, 0).repeat(side, 1).squeeze()
    assert np.array_equal(untaught.denoise(art, preset="instant"), art)


@pytest.mark.parametrize("scene", ["ramp", "checks", "texture"])
@pytest.mark.parametrize("blur", [0, 1.0])
def test_no_scene_makes_noise_that_lies_over_it_quieter(scene, blur):
    """Anderson's lemma, whatever neighbours share; and where it is broken, by as much as the noise was taken too loud."""
    y, x = np.mgrid[:96, :96]
    draw = np.random.default_rng(7)
    scenes = {"ramp": x / 96, "checks": (x // 2 + y // 2) % 2, "texture": draw.random((96, 96))}
    noise, other = (gaussian_filter(draw.normal(size=(96, 96)), blur) for _ in range(2))
    noise, other = noise / noise.std() / 25, other / other.std() / 25
    seen = data(0.3 + 0.4 * scenes[scene] + noise)
    assert shown(seen, torch.from_numpy(other)[None, None].float()) > 0.9
    if scene == "ramp":
        assert shown(seen, 3 * torch.from_numpy(other)[None, None].float()) == pytest.approx(1 / 3, rel=0.15)


@pytest.mark.parametrize(("side", "seed"), [(4, 1), (4, 2)])
def test_pixel_art_that_was_a_jpeg_is_not_taken_for_noise(side, seed):
    """It was 2 to 6 dB below what came: cells of no order look like noise that neighbours share."""
    draw = np.random.default_rng(seed)
    palette, cells = draw.integers(0, 256, (6, 3)), draw.integers(0, 6, (32 // side, 32 // side))
    cells = np.kron(cells, np.ones((2, 2), int))
    alone = draw.random(cells.shape) < 0.15
    cells[alone] = draw.integers(0, 6, alone.sum())
    art = palette[cells].astype(np.uint8).repeat(side, 0).repeat(side, 1)
    file = io.BytesIO()
    Image.fromarray(art).save(file, "JPEG", quality=75)
    came = np.asarray(Image.open(file))
    assert untaught.psnr(untaught.denoise(came, preset="instant"), art) > untaught.psnr(came, art) - 0.5


@pytest.mark.parametrize("quality", [30, 50])
def test_lettering_on_paper_that_was_blown_out_is_no_noise(quality):
    """A JPEG whose levels were stretched: its rings were read as noise of 60, and as counts whose no light was 214 of 255."""
    rings = io.BytesIO()
    clean = np.rint(255 * lettering(12)).astype(np.uint8)
    Image.fromarray(clean).save(rings, "JPEG", quality=quality)
    stretched, truth = (
        np.clip(1.1 * v.astype(float) + 4, 0, 255).astype(np.uint8) for v in (np.asarray(Image.open(rings)), clean)
    )
    assert untaught.psnr(untaught.denoise(stretched, preset="instant"), truth) > untaught.psnr(stretched, truth) - 0.1


def test_nothing_is_darker_than_no_light():
    from untaught.noise.kinds import _refuted
    from untaught.noise.laws import Found
    from untaught.problem.likelihoods import PoissonGaussian

    counted = np.random.default_rng(3).poisson(np.full((64, 64), 8.0)) / 16
    law = Found("poisson-gaussian", PoissonGaussian(16.0, 0.0), dark=0.0)
    assert not _refuted(data(counted), law, Scale())
    assert _refuted(data(counted), replace(law, dark=0.8), Scale())


def test_single_photons_are_no_pixel_art():
    from untaught.noise.differences import is_of_few

    counts = torch.poisson(torch.full((1, 1, 64, 64), 0.3), generator=torch.Generator().manual_seed(0))
    assert not is_of_few(counts)
