"""Tiled beside untiled: PSNR, and how steep a picture is across the seams of its tiles.

python benchmarks/seams.py --presets instant,fast
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from skimage import data

import untaught
from untaught.bench.metrics import psnr
from untaught.scale import stores
from untaught.scale.tiling import Tiling, find, job_of

SPACE, SIDE = 400, 208


def steep(x: np.ndarray) -> float:
    """The mean difference of neighbours on both sides of the upright seam, in levels."""
    return float(np.abs(np.diff(x.astype(float), axis=1))[:, SIDE - 1].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", default="instant,fast")
    args = parser.parse_args()
    for preset in args.presets.split(","):
        for kind, photo in (("grey", data.camera()), ("colour", data.astronaut())):
            clean = photo[:SPACE, :SPACE]
            noise = np.random.default_rng(0).normal(0, 25, clean.shape)
            noisy = np.clip(clean + noise, 0, 255).round().astype(np.uint8)
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                np.save(folder / "in.npy", noisy)
                source = stores.open_source(folder / "in.npy", folder / "unpacked.npy")
                stores.create(folder / "out.npy", source.shape, source.dtype)
                found = find(job_of("denoise", source, {"preset": preset}))
                assert found is not None
                work = Tiling(found, source, folder / "out.npy", SIDE)
                for number in range(len(work.tiles)):
                    work(number)
                tiled = np.load(folder / "out.npy")
            whole = untaught.denoise(noisy, preset=preset)
            of = [f"{psnr(x / 255, clean / 255):.3f} dB, {steep(x):.2f} levels across the seam" for x in (whole, tiled)]
            print(f"{kind}, {preset}: untiled {of[0]}; tiled {of[1]}", flush=True)


if __name__ == "__main__":
    main()
