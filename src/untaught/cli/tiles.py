"""`--memory`: one picture of any size, in tiles."""

from __future__ import annotations

import json
import re
import sys
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from untaught.cli.asked import Asked
from untaught.cli.watching import INTERRUPTED, bar_of, end, interrupts
from untaught.core.errors import BadInput, OutOfMemory

_UNITS = {"": 1.0, "B": 1.0, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KIB": 2.0**10, "MIB": 2.0**20, "GIB": 2.0**30}


def amount(text: str) -> float:
    """Bytes, of "2GB", "900MB" or "1.5GiB"; `BadInput` for anything else."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if match is None or match[2].upper() not in _UNITS:
        raise BadInput(f"--memory {text} is no amount of memory: write 2GB or 900MB.")
    return float(match[1]) * _UNITS[match[2].upper()]


def instead(error: OutOfMemory, name: str, picture: Path | None, settings: dict[str, Any], asked: Asked) -> int:
    """In tiles, and said, what the memory is not enough for; the same error where that cannot be done."""
    try:
        return restore_in_tiles(
            name, picture, settings, replace(asked, memory="0"), because=f"{error} It is done in tiles."
        )
    except BadInput:
        raise error from None


def restore_in_tiles(
    name: str, picture: Path | None, settings: dict[str, Any], asked: Asked, *, because: str = ""
) -> int:
    """Restore it within that memory (0: what is free): the exit code."""
    from untaught.core.registry import tasks
    from untaught.io.images import check_output
    from untaught.io.images.places import Places
    from untaught.scale.cluster import Cluster
    from untaught.scale.large import Large
    from untaught.scale.ome_zarr import check, is_store
    from untaught.session.writing import default_output

    memory = amount(asked.memory or "0")
    if told := asked.beyond("save_run", "keep_run", "report", "repeat", "uncertainty"):
        raise BadInput(f"{told} is of the whole picture, which --memory never has: leave one of the two out.")
    task = tasks.get(name)
    if picture is None or not task.local:
        raise BadInput(f"{name} looks at all of a picture at once, and cannot be done in tiles: leave --memory out.")
    if task.beside({name: value for name, value in settings.items() if name not in ("mask", "mask_colour")}):
        raise BadInput(f"{name} takes more than a picture, and cannot be done in tiles: leave --memory out.")
    store = is_store(picture)
    target = asked.output or (picture.with_suffix(".untaught.zarr") if store else default_output(name, picture))
    places = Places.of([picture, *task.files(settings).values()], force=asked.force)
    if is_store(target):
        check(target, places)
    else:
        check_output(target, places=places)
    cluster = (
        None
        if asked.scheduler is None
        else Cluster(asked.scheduler, lambda said: print(f"untaught: {said}", file=sys.stderr))
    )
    large = Large(
        name, settings, picture, target, places, memory=memory or None, workers=asked.workers, cluster=cluster
    )
    with (
        large.cleared(),
        closing(cluster) if cluster else nullcontext(),
        interrupts(large.stop) as seen,
        bar_of("tiles", hidden=asked.json or asked.quiet) as update,
    ):
        done, count = 0, 1
        for done, count in large:
            if because and not asked.quiet and not done:
                print(f"untaught: {because}", file=sys.stderr)
            update(done, count)
            if asked.json:
                print(json.dumps({"tiles": done, "of": count}), flush=True)
    if seen and done < count:
        print("untaught: interrupted. Its tiles are kept; the same command goes on.", file=sys.stderr)
        return INTERRUPTED
    notes = large.end()
    went = places.went.get(target, target)
    end(f"{went}: {count} tiles.", as_json=asked.json, quiet=asked.quiet, output=str(went), notes=notes)
    return 0
