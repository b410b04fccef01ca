"""Real noise, nothing known: ten PolyU camera pairs and twelve FMD microscope pairs, `untaught.denoise(picture)`.

python benchmarks/real.py DATA [--preset fast] > docs/benchmarks/real.csv
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from PIL import Image

import untaught


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--preset", default="fast")
    options = parser.parse_args()
    sets = {
        "polyu": [(f, f.with_name(f.name.replace("_real", "_mean"))) for f in options.data.glob("polyu/*_real.JPG")],
        "fmd": [(f, options.data / "fmd" / "gt" / f.name) for f in options.data.glob("fmd/raw/*")],
    }
    print("set,picture,raw,restored,seconds,noise")
    for name, pairs in sets.items():
        rows = []
        for noisy_file, truth_file in sorted(pairs):
            noisy, truth = np.asarray(Image.open(noisy_file)), np.asarray(Image.open(truth_file))
            begun = time.perf_counter()
            job = untaught.denoise.job(noisy, preset=options.preset)
            result = job.result(untaught.solve(job).x)
            rows.append((untaught.psnr(noisy, truth), untaught.psnr(result, truth), time.perf_counter() - begun))
            raw, restored, taken = rows[-1]
            print(f'{name},{noisy_file.stem},{raw:.2f},{restored:.2f},{taken:.1f},"{job.notes[0]}"', flush=True)
        raw, restored, taken = np.mean(rows, axis=0)
        print(f"# {name}: mean raw {raw:.2f}, restored {restored:.2f} dB, {taken:.1f} s")


if __name__ == "__main__":
    main()
