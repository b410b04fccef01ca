"""What a file may not have: spaces at the end of a line, no newline or many at its end, conflict marks. Mends the first two.

python .ci/whitespace.py FILE ...              # exit code 1 if anything was mended, or has to be
python .ci/whitespace.py --size 500 FILE ...   # only the size, in kB
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path


def mended(text: str) -> str:
    lines = "\n".join(line.rstrip(" \t") for line in text.split("\n")).rstrip("\n")
    return lines + "\n" if lines else ""


def faults(path: Path) -> list[str]:
    """What was wrong; white space is mended in place."""
    text = path.read_text(encoding="utf-8")
    found = ["has a conflict mark"] if re.search(r"^(<{7} |>{7} )", text, flags=re.M) else []
    if (right := mended(text)) != text:
        path.write_text(right, encoding="utf-8")
        found.append("had white space at the end of a line or of the file, which is mended")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float)
    parser.add_argument("files", nargs="*", type=Path)
    given = parser.parse_args()
    told = [
        f"{path} {fault}"
        for path in given.files
        for fault in (
            faults(path)
            if given.size is None
            else [f"has more than {given.size:g} kB"] * (path.stat().st_size > 1000 * given.size)
        )
    ]
    print("\n".join(told), end="\n" if told else "")
    sys.exit(bool(told))
