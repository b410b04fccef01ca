"""Of every real pair: what a preset gains with nothing given, by the truth, and what the report says of it, which never sees that.

    python benchmarks/verdicts.py DATA --cache FOLDER [--preset instant] [--side 160] [--csv FILE] [--minutes 9]

The middles of ten PolyU pairs, twelve of FMD and two of other cameras. Pictures are kept in FOLDER and made once.
"""

from __future__ import annotations

import argparse
import csv
import time
from dataclasses import replace
from pathlib import Path

from report_real import ASIT, Input, kept
from truth_cases import cases, middle

import untaught
from untaught.reports import judge

GAIN = 1.0  # dB, from which on a result is never to be doubted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--preset", default="instant")
    parser.add_argument("--side", type=int, default=160)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    options = parser.parse_args()
    ends, rows = time.monotonic() + 60 * options.minutes, []
    for case in cases(options.data, options.side):
        if case.noise != "real":
            break
        if time.monotonic() > ends:
            print("# there are more: call again")
            break
        noisy, truth = both = tuple(middle(picture, options.side) for picture in case.made())
        pair = replace(case, noise=f"real {options.side}", made=lambda both=both: both)
        job, x = kept(Input("", pair, (ASIT,)), ASIT, options.preset, options.cache)
        said = judge(job.problem, x, finish=job.finish)
        came, gained = untaught.psnr(noisy, truth), untaught.psnr(job.result(x), truth)
        because = " + ".join(r.name for r in said.verdict.reasons)
        wrong = said.verdict.kind == "good" if gained < came else said.verdict.kind != "good" and gained > came + GAIN
        rows.append(
            (
                case.group,
                case.picture,
                options.preset,
                f"{came:.2f}",
                f"{gained - came:+.2f}",
                said.verdict.kind,
                because,
                "wrong" if wrong else "",
            )
        )
        print(" | ".join(rows[-1]), flush=True)
    if options.csv:
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("set", "picture", "preset", "came", "gain", "verdict", "because", "wrong"))
            writer.writerows(rows)


if __name__ == "__main__":
    main()
