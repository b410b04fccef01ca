"""Where grain is most, in a photographer's words: of noise whose law is known, and of what is measured on pictures of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("fastapi", reason="the extra test-studio is not installed")

from untaught.io.images import Image, ifd
from untaught.noise.spectrum import NoiseModel
from untaught.studio.measuring import measure, places
from untaught.studio.words import FOUND

EVEN = torch.ones(1)


def model(kernel, gain=EVEN):
    kernel = kernel / kernel.square().sum((1, 2, 3), keepdim=True).sqrt()
    return NoiseModel(torch.full((len(kernel),), 0.05), True, kernel, torch.linspace(0, 1, len(gain)), gain)


def blur(mix):
    return torch.as_tensor(mix)[:, :, None, None] * torch.ones(3, 3)


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        ([1.0, 1.0, 1.0], []),
        ([0.6, 1.0, 1.4], ["bright"]),
        ([1.4, 1.0, 0.6], ["dark"]),
        ([0.6, 1.4, 0.6], []),
        ([1.0], []),
    ],
)
def test_where_it_is_most(gain, said):
    assert places(model(blur(torch.ones(3, 1)), torch.tensor(gain))) == said


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_what_all_channels_share_is_grey_and_the_rest_is_colour(channels):
    assert places(model(blur(torch.ones(channels, 1)))) == []
    assert places(model(blur(torch.eye(channels)))) == (["colour"] if channels == 3 else [])


@pytest.mark.parametrize("which", ["dark", "bright"])
def test_it_is_seen_in_a_picture(which):
    draw = np.random.default_rng(0)
    light = np.linspace(40, 200, 256)[None, :, None] * np.ones((256, 1, 3))
    strength = np.interp(light, (40, 200), (18, 6) if which == "dark" else (6, 18))
    told = measure(Image(np.uint8(np.clip(light + strength * draw.standard_normal(light.shape), 0, 255).round())))
    assert FOUND[which] in told.found


@pytest.mark.parametrize("name", ["kodim05", "kodim08", "kodim19", "kodim20", "kodim23"])
def test_a_clean_photo_made_small_has_no_grain(name, shared):
    """Its texture is as fine as grain, then."""
    from PIL import Image as Pillow

    whole = Pillow.open(shared(f"kodak/{name}.png"))
    small = np.asarray(whole.reduce(4))
    assert not [said for said in measure(Image(small)).found if "grain" in said]
    noisy = np.uint8(np.clip(small + np.random.default_rng(0).normal(0, 12, small.shape), 0, 255))
    assert measure(Image(noisy)).suggestion == "denoise"


@pytest.mark.parametrize(("iso", "grainy"), [(100, False), (1600, True), (12800, True), (None, False)])
def test_a_shot_in_little_light_is_looked_at_for_grain(iso, grainy):
    from PIL import ExifTags
    from PIL import Image as Pillow

    tags = Pillow.Exif()
    if iso:
        tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] = iso
    smooth = np.uint8(np.mgrid[:330, :8][0] // 2)
    told = measure(Image(smooth, exif=tags.tobytes().removeprefix(b"Exif\0\0")))
    assert (FOUND["iso"].format(iso=iso) in told.found) == grainy
    assert (told.suggestion == "denoise") == grainy


@pytest.mark.parametrize(
    "block", [b"", b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\0\x05", bytes(range(256))]
)
def test_a_damaged_block_tells_nothing(block):
    assert ifd.number(block, ifd.ISO) == 0
