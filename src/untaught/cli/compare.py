"""`untaught compare networks`: which network makes the better prior."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from untaught.cli.watching import INTERRUPTED, watch

if TYPE_CHECKING:
    from untaught.bench.networks import NetworkRow
    from untaught.io.images.places import Places

FLAG = Parameter(negative=())


def compare(
    what: str,
    /,
    *pictures: Path,
    pairs: Annotated[list[Path] | None, FLAG] = None,
    noise: Annotated[list[str] | None, FLAG] = None,
    amount: float | None = None,
    networks: str = "hourglass,unet,resnet",
    width: str = "paper",
    lr: float | None = None,
    seeds: int = 3,
    steps: int = 2000,
    size: int = 256,
    device: str = "auto",
    csv: Path = Path("networks.csv"),
    markdown: Path | None = None,
    force: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> int:
    """Compare networks as priors on noise that is not Gaussian: equal steps, best (oracle) and final averaged iterate.

    Rows that the CSV holds already are not made again: interrupt it, and the same command goes on.

    Parameters
    ----------
    what
        networks: there is nothing else to compare here (presets: untaught bench).
    pictures
        Clean pictures, on which --noise is drawn anew for every seed.
    pairs
        A folder of real noise beside a reference: raw/ and gt/, or NAME_real and NAME_mean.
    noise
        salt-and-pepper or speckle; may be given twice.
    amount
        Share of values lost, or standard deviation of the speckle's factor; 0.1 and 0.2 where it is left out.
    networks
        Names with commas between them.
    width
        paper (the authors' own sizes), half, or narrow (a quarter of the channels, for a CPU).
    lr
        One learning rate for all; the authors' own for each, 0.01, 0.001 and 0.001, where it is left out.
    seeds
        How many seeds, 0, 1, 2, ..., of the noise and of the network.
    steps
        How many steps each network takes.
    size
        Side of the centre crop in pixels.
    device
        auto, cpu or cuda.
    csv
        Where each row is kept as soon as it is known.
    markdown
        Write the table here.
    force
        Write over existing files (never over a picture that is read); rows of the CSV are kept anyway.
    quiet
        Print nothing but the table and errors.
    """
    from untaught.bench import networks as study
    from untaught.cli.studying import tell
    from untaught.core.errors import BadInput, unknown
    from untaught.io.images.places import Places
    from untaught.tasks._presets import resolve_device

    if what != "networks":
        raise unknown("comparison", what, ["networks"])
    for option, count in (("seeds", seeds), ("steps", steps), ("size", size)):
        if count < 1:
            raise BadInput(f"--{option} {count} leaves nothing to do: give 1 or more.")
    names = [n.strip() for n in networks.split(",") if n.strip()]
    if not names:
        raise BadInput(f"--networks names none: give some of {', '.join(study.NETWORKS)}.")
    for name in names:
        study.architecture(name, width)
    places = Places.of([*pictures, *(pairs or ())], force=force)
    places.adopt(csv)  # read below, or refused there if it is another table
    places.check(csv, option="--csv", what="the table of all rows")
    if lr is not None and not 0 < lr <= 1:
        raise BadInput(f"--lr {lr:g} is no learning rate: give one above 0 and up to 1, e.g. 0.01.")
    setting = study.Setting(steps, size, width, resolve_device(device), lr)
    found = study.pairs(pairs or (), pictures, noise or (), amount, size)
    kept = study.read(csv)
    known = {row.key: row for row in kept}
    rows, interrupted = [], False
    plan = list(study.plan(found, names, seeds, setting))
    if markdown is not None:
        before = [known[key] for *_, key in plan if key in known]
        if before and markdown.is_file() and markdown.read_bytes() == _text(before, setting.device).encode():
            places.adopt(markdown)  # exactly what this command wrote, which now goes on
        places.check(markdown, option="--markdown", what="the table")
    for pair, name, seed, key in plan:
        row = known.get(key)
        if row is None and not interrupted:
            score = study.Score(pair.clean, steps)
            job = study.job(pair.input(seed), name, seed, setting)
            solution, interrupted = watch(job, quiet=quiet, watchers=[score.look])
            if interrupted:
                continue  # what is left of the table may still be known
            row = study.row(pair, name, seed, setting, score, solution.seconds)
            kept.append(row)
            study.write(csv, kept, places)
            if not quiet:
                best = f"best {row.best:.2f} dB at {row.best_step}, final {row.final:.2f} dB"
                print(f"{row.noise}, {row.picture}, {name}, seed {seed}: {best}, {row.seconds:.0f} s", file=sys.stderr)
        if row is not None:
            rows.append(row)
    if rows:
        _tell(rows, setting.device, markdown, places)
        print(f"{len(rows)} rows in {places.went.get(csv, csv)}.")
    tell(places)
    return INTERRUPTED if interrupted else 0


def _tell(rows: list[NetworkRow], device: str, markdown: Path | None, places: Places) -> None:
    """The table on the terminal, and in the file that was asked for."""
    from rich.console import Console
    from rich.table import Table

    from untaught.bench import networks as study

    table = Table()
    for i, name in enumerate(study.HEADER):
        table.add_column(name, justify="left" if i < 2 else "right")
    for line in study.summary(rows):
        table.add_row(*line)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)
    console.print(table)
    for sentence in study.caption(rows):
        console.print(sentence, markup=False, soft_wrap=True)
    if markdown is not None:
        places.text(markdown, _text(rows, device))


def _text(rows: list[NetworkRow], device: str) -> str:
    """The table, with the command that makes it."""
    from untaught.bench import networks as study
    from untaught.bench.tables import hardware

    return study.markdown(rows, shlex.join(["untaught", *sys.argv[1:]]), hardware(device))
