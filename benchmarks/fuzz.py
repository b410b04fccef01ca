"""Damaged files by the thousand, each read in a worker with little memory and time: only our own refusals may come out.

    python benchmarks/fuzz.py --count 10000 --seed 0 --keep failures

Every file is made here, from a few small pictures in every format and compression, recipes, weights and checkpoints; a case is
its number and the seed, so that one can be made again. Exit code 1 where a case failed; --keep saves the files of those.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import os
import resource
import signal
import struct
import sys
import tempfile
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

MEMORY, SECONDS = 2**30, 5
_EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1)


def seeds() -> dict[str, bytes]:
    """Whole small files by name, the suffix being that of the format."""
    import tifffile
    from PIL import Image as Pillow

    from untaught.io import images
    from untaught.io.images import Image
    from untaught.io.recipes import Recipe

    rng = np.random.default_rng(0)
    smooth = np.clip(np.add.outer(np.arange(24), np.arange(32)) * 4.0, 0, 255).astype(np.uint8)
    colour = np.dstack((smooth, smooth[::-1], rng.integers(0, 256, smooth.shape, np.uint8)))
    recipe = Recipe(
        "denoise", {"sigma": 0.1, "preset": "fast"}, "a.png", "0" * 64, {"torch": "2"}, 1, notes=("x",)
    ).to_toml()
    made: dict[str, bytes] = {"recipe.toml": recipe.encode()}
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("png", "tif", "jpg", "webp", "npy"):
            for kind, array in (("grey", smooth), ("rgb", colour), ("deep", colour.astype(np.uint16) * 257)):
                path = Path(folder) / f"{kind}.{suffix}"
                like = Image(array, dpi=(300.0, 300.0), text={"Title": "Öl", "Comment": "c"})
                images.write(path, array, like, recipe=recipe)
                made[f"own-{kind}.{suffix}"] = path.read_bytes()

    def pillow(name: str, picture: Any, **how: Any) -> None:
        out = io.BytesIO()
        picture.save(out, name.rpartition(".")[2].replace("jpg", "jpeg"), **how)
        made[name] = out.getvalue()

    photo = Pillow.fromarray(colour)
    pillow("progressive.jpg", photo, progressive=True, quality=80)
    pillow("cmyk.jpg", photo.convert("CMYK"))
    pillow("palette.png", photo.quantize(16), transparency=3)
    pillow("bits.png", Pillow.fromarray(smooth > 90))
    pillow("lossy.webp", photo, quality=60)
    exif = Pillow.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    pillow("exif.jpg", photo, exif=exif)
    out = io.BytesIO()
    np.savez_compressed(out, a=colour.astype(np.float32), b=smooth)
    made["weights.npz"] = out.getvalue()
    made.update(_tensors())
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for code in tifffile.COMPRESSION:
            for deep in (False, True):
                out = io.BytesIO()
                try:
                    array = colour.astype(np.uint16) * 257 if deep else colour
                    tifffile.imwrite(out, array, compression=code, photometric="rgb", rowsperstrip=16, metadata=None)
                except Exception:
                    continue  # tifffile cannot write that one
                made[f"{code.name.lower()}-{8 + 8 * deep}.tif"] = out.getvalue()
        for name, how in (
            ("tiles", {"tile": (16, 16)}),
            ("big", {"bigtiff": True}),
            ("planes", {"planarconfig": "separate"}),
        ):
            out = io.BytesIO()
            tifffile.imwrite(out, colour.transpose(2, 0, 1) if name == "planes" else colour, photometric="rgb", **how)
            made[f"{name}.tif"] = out.getvalue()
        for name, how in (("imagej", {"imagej": True}), ("ome", {"ome": True}), ("float", {})):
            out = io.BytesIO()
            tifffile.imwrite(out, smooth.astype(np.float32), photometric="minisblack", **how)
            made[f"{name}.tif"] = out.getvalue()
    return made


def _tensors() -> dict[str, bytes]:
    import torch
    from safetensors.torch import save

    from untaught.io.checkpoints import pack

    weights = {"a.weight": torch.ones(3, 4), "a.bias": torch.zeros(3)}
    state = {"x": torch.ones(1, 3, 4, 4), "y": [1, 2.5, (True, None)], "z": torch.ones(1, 3, 4, 4).permute(0, 2, 3, 1)}
    out = io.BytesIO()
    torch.save(weights, out)
    return {"w.safetensors": save(weights), "w.pth": out.getvalue(), "run.state": pack(state, {"of": "key"})}


def mutate(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """One or a few of: bits flipped, the end cut off, a piece twice or gone, a piece of another file, a field at an extreme."""
    made = bytearray(data)
    for _ in range(int(rng.choice((1, 1, 1, 2, 4)))):
        head = rng.random() < 0.6  # headers are short, and most of what can go wrong is said there
        at = int(rng.integers(0, max(1, min(len(made), 256 if head else len(made)))))
        length = int(rng.integers(1, 65))
        way = int(rng.integers(6))
        if way == 0 and made:
            for place in rng.integers(0, len(made), int(rng.integers(1, 9))):
                made[place] ^= 1 << int(rng.integers(8))
        elif way == 1 and rng.random() < 0.4:
            del made[max(16, int(rng.integers(0, len(made) + 1))) :]
        elif way == 2:
            made[at:at] = made[at : at + length]
        elif way == 3:
            start = int(rng.integers(0, max(1, len(other))))
            made[at : at + length] = other[start : start + length]
        elif way == 4:
            del made[at : at + length]
        else:
            size, order = int(rng.choice((1, 2, 4, 8))), str(rng.choice(("little", "big")))
            value = int(_EXTREMES[rng.integers(len(_EXTREMES))]) & ((1 << 8 * size) - 1)
            made[at : at + size] = value.to_bytes(size, order)  # type: ignore[arg-type]
    return with_checksums(bytes(made)) if rng.random() < 0.8 else bytes(made)


def with_checksums(data: bytes) -> bytes:
    """A PNG with the checksum of every chunk made right, so that what is damaged is read at all; others as they are."""
    if not data.startswith(b"\x89PNG"):
        return data
    made, at = bytearray(data), 8
    while at + 12 <= len(made):
        end = at + 8 + struct.unpack_from(">I", made, at)[0]
        if end + 4 > len(made):
            break
        struct.pack_into(">I", made, end, zlib.crc32(made[at + 4 : end]))
        at = end + 4
    return bytes(made)


def cases(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of case after case; every seed file in turn."""
    files = seeds()
    names = sorted(files)
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        name = names[number % len(names)]
        yield f"{seed}-{number}-{name}", mutate(files[name], files[names[int(rng.integers(len(names)))]], rng)


def take_in(path: Path) -> str:
    """Read one file in every way that reads its kind; "read", or "refused" where only our own errors came."""
    from untaught.core.errors import UntaughtError
    from untaught.io import images
    from untaught.io.recipes import Recipe

    ways: list[Any] = [images.read, images.read_recipe]
    if path.suffix == ".toml":
        ways = [Recipe.read]
    elif path.suffix in (".npz", ".safetensors", ".pth"):
        from untaught.problem.classifiers._find import read

        ways = [read]
    elif path.suffix == ".state":
        ways = [_unpack]
    elif path.suffix == ".jpg":
        ways.append(_coefficients)
    outcome = "read"
    for way in ways:
        try:
            way(path)
        except UntaughtError as error:
            if "\n" in str(error) or len(str(error)) > 1000:
                raise AssertionError(f"no one sentence: {error}") from error
            outcome = "refused"
    return outcome


def _unpack(path: Path) -> None:
    from untaught.core.errors import BadInput
    from untaught.io.checkpoints import unpack

    try:
        unpack(path.read_bytes())
    except ValueError as error:  # what it promises: the folder's reader passes such a state over
        raise BadInput("no state") from error


def _coefficients(path: Path) -> None:
    from untaught.io import images
    from untaught.io.images.jpeg import coefficients

    if images.read(path).format == "JPEG":
        coefficients(path)


def _work(pipe: Connection) -> None:
    """A worker: paths in, (outcome, seconds, MiB at most) out, until None comes."""
    import torch  # counted to the base, with all that reading ever imports

    from untaught.io import images  # noqa: F401

    torch.set_num_threads(1)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)  # decoders write there what they think of the file
        os.dup2(nowhere.fileno(), 1)
    warm = Path(pipe.recv())
    for path in sorted(warm.iterdir()):
        with contextlib.suppress(Exception):
            take_in(path)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)
    pipe.send(("ready", 0.0))
    while (path := pipe.recv()) is not None:
        used = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # CPU time, whose signal ends a decoder in C, too
        try:
            outcome = take_in(Path(path))
        except BaseException as error:
            outcome = f"{type(error).__name__}: {str(error)[:200]}"
        signal.setitimer(signal.ITIMER_PROF, 0)
        pipe.send((outcome, time.process_time() - used))


class Worker:
    """One process that reads; made anew where a file ended it."""

    def __init__(self, warm: Path) -> None:
        self.warm = warm
        self.process: Any = None

    def __call__(self, path: Path) -> tuple[str, float]:
        if self.process is None:
            self.pipe, theirs = multiprocessing.Pipe()
            self.process = multiprocessing.get_context("fork").Process(target=_work, args=(theirs,), daemon=True)
            self.process.start()
            theirs.close()
            self.pipe.send(str(self.warm))
            self.pipe.recv()
        try:
            self.pipe.send(str(path))
            if not self.pipe.poll(12 * SECONDS):
                raise EOFError
            return self.pipe.recv()
        except (EOFError, OSError):
            self.close()
            return "ended the process: too long, or a fault in a decoder", float(SECONDS)

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None


def sweep(count: int, seed: int, keep: Path | None = None) -> tuple[Counter[str], list[str], float]:
    """(how many of each outcome, a line for every failure, the longest CPU seconds of a file)."""
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    longest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        warm = Path(folder) / "warm"
        warm.mkdir()
        for name, data in seeds().items():
            (warm / name).write_bytes(data)
        worker = Worker(warm)
        for name, data in cases(count, seed):
            path = Path(folder) / f"case{Path(name).suffix}"
            path.write_bytes(data)
            outcome, seconds = worker(path)
            longest = max(longest, seconds)
            outcomes[outcome if outcome in ("read", "refused") else "failed"] += 1
            if outcome not in ("read", "refused"):
                failures.append(f"{name}: {outcome}")
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / name).write_bytes(data)
        worker.close()
    return outcomes, failures, longest


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--count", type=int, default=10_000)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--keep", type=Path, help="a folder for the files that failed")
    given = asked.parse_args()
    began = time.monotonic()
    outcomes, failures, longest = sweep(given.count, given.seed, given.keep)
    print(
        f"{given.count} files, seed {given.seed}: {dict(outcomes)}, {time.monotonic() - began:.0f} s, {longest:.2f} s at most"
    )
    print("\n".join(failures))
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
