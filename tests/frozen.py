"""The frozen table: what every job of `frozen_jobs` gave, and whether it still does.

    python tests/frozen.py --write                       # a new freeze: everything is recorded anew
    python tests/frozen.py --write NAME.. --because WHY   # these were changed on purpose
    python tests/frozen.py --add                          # this build's bits too, where the figures agree
    python tests/frozen.py --list                         # the jobs, and the seconds of one core that each takes

Two things are kept of a part of a result. Its SHA-256, by build: bits depend on the libraries and on the processor. And figures
that any build must come near: of an array its mean, deviation and 16 values; of a text its words without the numbers.

A few steps of a deep network on a tiny picture are not near on any other: rounding decides them. Which parts these are is
measured when they are recorded, by computing them once more with each of two older sets of instructions; of them
another build has to give the kind and the shape only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch

TABLE = Path(__file__).with_name("frozen.json")
PACKAGES = ("numpy", "scipy", "scikit-image", "PyWavelets", "pillow", "tifffile", "imagecodecs", "safetensors")
NEAR = 0.05  # of an array's range: how far another build's values may be
STEADY = 0.02  # and how far older instructions may take them, or no build has to come near
OLDER = ({"ATEN_CPU_CAPABILITY": "default"}, {"DNNL_MAX_CPU_ISA": "SSE41"})
SOME = 16  # values of an array that are kept
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|\b(?:nan|inf)\b")


@cache
def build() -> str:
    """This build in words, with a digest of its packages and of what it makes of some sums, whose bits depend on the processor."""
    draw = torch.Generator().manual_seed(0)
    a = torch.randn(1, 8, 40, 40, generator=draw, requires_grad=True)
    w = torch.randn(16, 8, 3, 3, generator=draw, requires_grad=True)
    m = a[0, 0] @ a[0, 1].T
    y = torch.nn.functional.conv2d(a, w).sigmoid().exp()
    y.square().mean().backward()
    results = (
        m,
        y,
        a.grad,
        w.grad,
        torch.linalg.solve(m + 50 * torch.eye(40), m),
        torch.fft.rfft2(a).abs(),
        a.double().sum(),
    )
    digest = hashlib.sha256()
    for result in results:
        digest.update(result.detach().contiguous().numpy().tobytes())
    for name in PACKAGES:
        try:
            digest.update(f"{name} {version(name)}".encode())
        except PackageNotFoundError:
            digest.update(f"{name} none".encode())
    words = f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, python {platform.python_version()}"
    return f"{words}, {digest.hexdigest()[:12]}"


def run(name: str) -> dict[str, Any]:
    """The parts that a job gives, computed by one thread in an empty folder. `ImportError` where a package is missing."""
    import importlib

    from frozen_jobs import JOBS, NEEDS

    if name in NEEDS:
        importlib.import_module(NEEDS[name])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return JOBS[name](Path(folder))
    finally:
        torch.set_num_threads(threads)


def sha(part: Any) -> str:
    """SHA-256 of all that a part is: type, shape and values of an array, characters of a text, bytes."""
    if isinstance(part, str):
        part = part.encode()
    if not isinstance(part, bytes):
        part = np.ascontiguousarray(part)
        part = f"{part.dtype} {part.shape} ".encode() + part.tobytes()
    return hashlib.sha256(part).hexdigest()


def figures(part: Any) -> Any:
    """What any build must come near; None of the bytes of a file, whose pixels are a part of their own."""
    if isinstance(part, bytes):
        return None
    if isinstance(part, str):
        return NUMBER.sub("#", part)
    wide = np.asarray(part).astype(np.complex128 if np.iscomplexobj(part) else np.float64).ravel()
    wide = np.concatenate([wide.real, wide.imag]) if np.iscomplexobj(wide) else wide
    known = wide[np.isfinite(wide)]
    at = np.linspace(0, max(0, wide.size - 1), min(SOME, wide.size)).astype(int)
    ends = (known.min(), known.max()) if known.size else (0.0, 0.0)
    values = [*ends, *((known.mean(), known.std()) if known.size else (0.0, 0.0)), *wide[at]]
    rounded = [float(f"{v:.6g}") if np.isfinite(v) else str(v) for v in values]
    return {"is": f"{np.asarray(part).dtype} {np.shape(part)}", "values": rounded}


def apart(kept: Any, now: Any, near: float = NEAR) -> str:
    """In what figures differ more than two builds may; empty where they do not. near: how far, of an array's range."""
    if isinstance(kept, dict) and isinstance(now, dict):
        if kept["is"] != now["is"]:
            return f"was {kept['is']}, is {now['is']}"
        low, high = kept["values"][:2]
        room = near * max(high - low, 1e-3 * max(abs(low), abs(high))) + 1e-9
        if kept["is"].startswith("uint8"):
            room = max(room, 1.5)
        for a, b in zip(kept["values"][2:], now["values"][2:], strict=True):
            if isinstance(a, str) or isinstance(b, str):
                if a != b:
                    return f"{a} became {b}"
            elif abs(a - b) > room:
                return f"{a} became {b}, and {room:.3g} is what another build may do"
        return ""
    return "" if kept == now else f"was {kept!r}\nis {now!r}"


def kind(kept: Any) -> Any:
    """What any build must give of a part that rounding decides."""
    return kept["is"] if isinstance(kept, dict) else type(kept).__name__


def unsteady(name: str, here: dict[str, Any]) -> list[str]:
    """The parts of a job that this processor makes otherwise with older instructions. here: the figures of all its parts."""
    found = set()
    for older in OLDER:
        command = [sys.executable, __file__, "--figures", name]
        said = subprocess.run(command, env=os.environ | older, capture_output=True, text=True, check=True).stdout
        there = json.loads(said.splitlines()[-1])
        found |= {part for part, kept in here.items() if apart(kept, there[part], STEADY)}
    return sorted(found)


def read() -> dict[str, Any]:
    return json.loads(TABLE.read_text("utf-8"))


def write(table: dict[str, Any]) -> None:
    temporary = TABLE.with_suffix(".tmp")
    text = json.dumps(table, indent=1, ensure_ascii=False, sort_keys=True)
    # Lists of numbers in one line each.
    text = re.sub(r"\[\s+((?:[^\[\]\n]+\n\s*)+)\]", lambda m: "[" + re.sub(r"\s*\n\s*", " ", m[1]).strip() + "]", text)
    temporary.write_text(text + "\n", "utf-8")
    temporary.replace(TABLE)


def strange(table: dict[str, Any], name: str, part: str, now: Any) -> str:
    """In what a part is another than any build must give; empty where it is not."""
    kept = table["figures"][name].get(part)
    if part in table["unsteady"].get(name, ()):
        return "" if kind(kept) == kind(now) else f"was {kind(kept)}, is {kind(now)}"
    return apart(kept, now)


def record(table: dict[str, Any], name: str, *, figures_too: bool) -> None:
    parts = run(name)
    if not figures_too:
        kept = table["figures"][name]
        wrong = [f"{p}: {words}" for p, v in parts.items() if (words := strange(table, name, p, figures(v)))]
        if wrong or set(kept) != set(parts):
            raise SystemExit(
                f"'{name}' is another result here, and not only other bits: {'; '.join(wrong) or 'its parts'}"
            )
    else:
        table["figures"][name] = {part: figures(value) for part, value in parts.items()}
        for bits in table["bits"].values():
            bits.pop(name, None)
        table["unsteady"].pop(name, None)
        if found := unsteady(name, table["figures"][name]):
            table["unsteady"][name] = found
    table["bits"].setdefault(build(), {})[name] = {part: sha(value) for part, value in parts.items()}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--write", nargs="*", metavar="NAME", help="record these jobs, or all")
    words.add_argument("--because", help="why these jobs give another result than they did")
    words.add_argument("--add", action="store_true", help="record the bits of this build beside those of others")
    words.add_argument("--figures", metavar="NAME", help="only print what this job gives, as JSON")
    words.add_argument("--list", nargs="*", metavar="PART", help="only the jobs whose names hold one of these")
    asked = words.parse_args()
    from frozen_jobs import JOBS, SLOW

    if asked.figures:
        print(json.dumps({part: figures(value) for part, value in run(asked.figures).items()}))
        return
    if asked.list is not None:
        for name in (n for n in JOBS if not asked.list or any(word in n for word in asked.list)):
            begun = time.process_time()
            try:
                parts = len(run(name))
            except Exception as error:
                parts = f"{type(error).__name__}: {error}"
            print(
                f"{time.process_time() - begun:6.2f} s{' slow' if name in SLOW else '     '}  {name}  ({parts})",
                flush=True,
            )
        return
    if asked.write is None and not asked.add:
        words.error("say --write, --add or --list")
    if asked.write and not asked.because:
        words.error("say --because WHY: a frozen result changes only on purpose")
    if unknown := sorted(set(asked.write or ()) - set(JOBS)):
        words.error(f"there is no job {', '.join(unknown)}")
    fresh = {"changed": {}, "figures": {}, "unsteady": {}, "bits": {}}
    table = read() if asked.add or asked.write else fresh
    failed = []
    for name in asked.write or JOBS:
        print(name, flush=True)
        try:
            record(table, name, figures_too=not asked.add)
        except Exception as error:
            failed.append(f"{name}: {type(error).__name__}: {error}")
        if asked.write:
            table["changed"][name] = asked.because
    for part in (table["changed"], table["figures"], table["unsteady"], *table["bits"].values()):
        for name in set(part) - set(JOBS):  # of what there is no more
            del part[name]
    write(table)
    print(f"{len(asked.write or JOBS) - len(failed)} jobs recorded for {build()}")
    if failed:
        sys.exit("not recorded, and so the test fails for them:\n" + "\n".join(failed))


if __name__ == "__main__":
    main()
