"""The pictures and the printed lines of the gallery, drawn by the examples themselves: python docs/site/draw.py [NAME ...]."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
GALLERY = ROOT / "docs" / "gallery"

if __name__ == "__main__":
    names = sys.argv[1:] or sorted(path.stem for path in (ROOT / "examples").glob("*.py"))
    GALLERY.mkdir(exist_ok=True)
    for name in names:
        command = [sys.executable, str(ROOT / "examples" / f"{name}.py")]
        env = os.environ | {"OMP_NUM_THREADS": "1"}
        printed = subprocess.run(command, cwd=GALLERY, env=env, check=True, capture_output=True, text=True).stdout
        (GALLERY / f"{name}.txt").write_text(printed, encoding="utf-8")
        print(name, printed, sep="\n")
    for page in GALLERY.glob("*.html"):
        page.unlink()  # a report, which the page of the example does not show
