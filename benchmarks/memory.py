"""What `explain` foretells of memory and time, beside what a command takes: one process for each.

    python benchmarks/memory.py DATA [TASK ...]

prints | job | pixels | memory foretold | held at most | ratio | seconds foretold | taken | ratio |. Memory: the peak of the
process, less what it holds when the engine is loaded and no job has begun. Time: of the processor, in both, so that it may be
measured beside other work; set OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from untaught.io import images

PHOTO = "kodak/kodim05.png"
JOBS = (
    ("denoise", 256, ("--preset", "instant", "--sigma", "0.08")),
    ("denoise", 512, ("--preset", "instant", "--sigma", "0.08")),
    ("denoise", 256, ("--preset", "fast", "--sigma", "0.08", "--steps", "30")),
    ("denoise", 512, ("--preset", "fast", "--sigma", "0.08", "--steps", "30")),
    ("denoise", 256, ("--preset", "paper", "--sigma", "0.08", "--steps", "5")),
    ("denoise", 384, ("--preset", "paper", "--sigma", "0.08", "--steps", "5")),
    ("inpaint", 256, ("--preset", "instant")),
    ("inpaint", 384, ("--preset", "paper", "--steps", "5")),
    ("upscale", 192, ("--factor", "2", "--steps", "30")),
    ("upscale", 192, ("--factor", "2", "--preset", "paper", "--steps", "5")),
    ("deblur", 256, ("--kernel", "disk:2", "--preset", "instant")),
    ("deblur", 256, ("--kernel", "disk:2", "--preset", "paper", "--steps", "5")),
    ("dejpeg", 256, ("--preset", "instant")),
    ("dejpeg", 256, ("--preset", "fast")),
    ("dejpeg", 256, ("--preset", "balanced", "--steps", "30")),
    ("dejpeg", 256, ("--preset", "paper", "--steps", "5")),
    ("inpaint", 256, ("--preset", "fast", "--steps", "30")),
    ("upscale", 192, ("--factor", "3", "--steps", "30")),
    ("deblur", 256, ("--kernel", "disk:2", "--preset", "balanced", "--steps", "30")),
    (
        "enhance",
        256,
        (
            "--steps",
            "30",
        ),
    ),
    ("enhance", 384, ("--preset", "paper", "--steps", "5")),
)
LAUNCH = (
    "import time; time.perf_counter = time.process_time\n"
    "import sys, resource, json; from untaught.core.registry import tasks; import torch, scipy.ndimage, PIL.Image;"
    "import untaught.solver.loop, untaught.session.life, untaught.reports, untaught.tasks._presets;"
    "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024;"
    "torch.nn.functional.conv2d(torch.zeros(1, 8, 32, 32), torch.zeros(8, 8, 3, 3)); torch.linalg.cholesky(torch.eye(8));"
    "from untaught.core.machine import held_memory; before = held_memory()[0]; from untaught.cli import main\n"
    "begun = time.perf_counter()\n"
    "try: main(sys.argv[1:])\n"
    "except SystemExit as end: code = end.code\n"
    "print(json.dumps([code, peak() - before, time.perf_counter() - begun]))"
)


def run(*words: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", LAUNCH, *words], capture_output=True, text=True, timeout=580)
    return done.stdout.strip().splitlines() or [done.stderr]


def main() -> None:
    data, wanted = Path(sys.argv[1]), set(sys.argv[2:])
    whole = images.read(data / PHOTO).pixels
    for task, side, more in JOBS:
        if wanted and task not in wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            clean = np.tile(whole, (2, 2, 1))[:side, :side]
            noisy = np.clip(clean + np.random.default_rng(0).normal(0, 20, clean.shape), 0, 255).astype(np.uint8)
            name = f"{folder}/in.{'jpg' if task == 'dejpeg' else 'png'}"
            images.write(name, clean if task in ("dejpeg", "upscale", "deblur") else noisy, quality=30)
            if task == "inpaint":
                mask = np.zeros((side, side), np.uint8)
                mask[::16] = 255
                images.write(f"{folder}/mask.png", mask)
                more = (*more, "--mask", f"{folder}/mask.png")
            told = json.loads("\n".join(run("explain", task, name, *more, "--json")[:-1]))
            end = run(task, name, *more, "-o", f"{folder}/out.png", "--quiet")[-1]
        code, held, taken = json.loads(end)
        said = " ".join(word for word in more if not word.startswith(folder))
        memory, seconds = told["memory_bytes"], told["seconds"] or np.nan
        print(
            f"| {task} {said} | {side} x {side} | {memory / 1e6:.0f} MB | {held / 1e6:.0f} MB | {memory / held:.2f} "
            f"| {seconds:.1f} s | {taken:.1f} s | {seconds / taken:.2f} |{' failed' if code else ''}",
            flush=True,
        )


if __name__ == "__main__":
    main()
