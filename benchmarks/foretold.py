"""What tells a pattern from noise that neighbours share: how alike neighbouring pixels are in what cannot be foretold.

    python benchmarks/foretold.py DATA > docs/benchmarks/foretold.csv

256 x 256 from the middle of photos with white noise added, of scikit-image's lettering and textures, and of real cameras' and
microscopes' pictures as they came. Deviations in grey levels of 255, root mean square of the channels.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import skimage.data
import torch
from numpy.typing import NDArray
from PIL import Image

from untaught.noise import estimate_noise
from untaught.noise.foretold import foretell

SIDE = 256


def pictures(data: Path) -> Iterator[tuple[str, NDArray]]:
    clean = {
        f.stem: np.asarray(Image.open(f))
        for folder in ("kodak", "set9", "set12", "set14", "inpaint11")
        for f in sorted((data / folder).iterdir())
        if f.suffix.lower() in (".png", ".bmp")
    }
    clean |= {name: getattr(skimage.data, name)() for name in ("brick", "grass", "gravel", "page", "text", "clock")}
    rng = np.random.default_rng(0)
    for name, picture in clean.items():
        for sigma in (0, 5, 15, 40):
            yield f"{name} + {sigma}", np.clip(middle(picture) + rng.normal(0, sigma, middle(picture).shape), 0, 255)
    for pattern in ("polyu/*_real.JPG", "camera/*_real.png", "fmd/raw/*"):
        yield from ((f"{f.parts[-2]}/{f.stem}", middle(np.asarray(Image.open(f)))) for f in sorted(data.glob(pattern)))


def middle(picture: NDArray) -> NDArray:
    i, j = (max(0, n - SIDE) // 2 for n in picture.shape[:2])
    return picture[i : i + SIDE, j : j + SIDE]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    print("picture,alike,foretold,measured,shared by")
    for name, picture in pictures(parser.parse_args().data):
        x = torch.from_numpy(np.atleast_3d(picture).transpose(2, 0, 1).astype(np.float32) / 255)[None]
        found, noise = foretell(x), estimate_noise(x)
        told = (f"{found.alike:.2f}", f"{255 * float(found.sigma.square().mean().sqrt()):.1f}") if found else ("", "")
        print(name, *told, f"{255 * noise.level:.1f}", noise.sharers, sep=",", flush=True)


if __name__ == "__main__":
    main()
