"""`untaught compare networks`: which network makes the better prior."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from untaught.cli.studying import FLAG, Device, Force, Markdown, Pairs, Quiet, Seeds, check, tell
from untaught.cli.studying import names as split
from untaught.cli.watching import INTERRUPTED, watch

if TYPE_CHECKING:
    from untaught.bench.case import Case
    from untaught.bench.networks import Compared


def compare(
    what: str,
    /,
    *pictures: Path,
    pairs: Pairs = None,
    noise: Annotated[list[str] | None, FLAG] = None,
    amount: float | None = None,
    networks: str = "hourglass,unet,resnet",
    width: str = "paper",
    lr: float | None = None,
    seeds: Seeds = 3,
    steps: int = 2000,
    size: int = 256,
    device: Device = "auto",
    csv: Path = Path("networks.csv"),
    markdown: Markdown = None,
    force: Force = False,
    quiet: Quiet = False,
) -> int:
    """Compare networks as priors on noise that is not Gaussian: equal steps, best (oracle) and final averaged iterate.

    Rows that the CSV holds already are not made again: interrupt it, and the same command goes on.

    Parameters
    ----------
    what
        networks: there is nothing else to compare here (presets: untaught bench).
    pictures
        Clean pictures, on which --noise is drawn anew for every seed.
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
    steps
        How many steps each network takes.
    size
        Side of the centre crop in pixels.
    csv
        Where each row is kept as soon as it is known.
    """
    from untaught.bench import networks as study
    from untaught.bench import table
    from untaught.bench.case import fill
    from untaught.bench.store import Store
    from untaught.core.errors import BadInput, unknown
    from untaught.core.machine import resolve_device
    from untaught.io.images.places import Places

    if what != "networks":
        raise unknown("comparison", what, ["networks"])
    check(seeds=seeds, steps=steps, size=size)
    names = split(networks)
    if not names:
        raise BadInput(f"--networks names none: give some of {', '.join(study.NETWORKS)}.")
    for name in names:
        study.architecture(name, width)
    if lr is not None and not 0 < lr <= 1:
        raise BadInput(f"--lr {lr:g} is no learning rate: give one above 0 and up to 1, e.g. 0.01.")
    setting = study.Setting(steps, size, width, resolve_device(device), lr)
    places = Places.of([*pictures, *(pairs or ())], force=force)
    store = Store(csv, study.Compared, lambda row: row.key, places)
    plan = list(study.plan(study.pairs(pairs or (), pictures, noise or (), amount, size), names, seeds, setting))

    def known() -> list[Compared]:
        return [row for *_, key in plan for row in store.known.get(key, ())]

    def text(rows: list[Compared]) -> str:
        said = [*study.caption(rows), f"Hardware: {table.hardware(setting.device)}."]
        return table.page(study.summary(rows), said, shlex.join(["untaught", *sys.argv[1:]]))

    def make(case: Case, name: str, seed: int) -> list[Compared]:
        score = study.Score(case.clean, steps)
        solution, stopped = watch(study.job(case.input(seed), name, seed, setting), quiet=quiet, watchers=[score.look])
        if stopped:
            raise KeyboardInterrupt
        row = study.row(case, name, seed, setting, score, solution.seconds)
        if not quiet:
            best = f"best {row.best:.2f} dB at {row.best_step}, final {row.final:.2f} dB"
            print(f"{row.noise}, {row.picture}, {name}, seed {seed}: {best}, {row.seconds:.0f} s", file=sys.stderr)
        return [row]

    if markdown is not None:
        before = known()
        if before and markdown.is_file() and markdown.read_bytes() == text(before).encode():
            places.adopt(markdown)  # exactly what this command wrote, which now goes on
        places.check(markdown, option="--markdown", what="the table")
    interrupted = fill(store, ((key, partial(make, case, name, seed)) for case, name, seed, key in plan))
    if rows := known():
        table.show(study.summary(rows), study.caption(rows))
        if markdown is not None:
            places.text(markdown, text(rows))
        print(f"{len(rows)} rows in {store.place}.")
    tell(places)
    return INTERRUPTED if interrupted else 0
