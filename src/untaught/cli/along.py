"""`--along time`: a clip, or frames as files."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from untaught.cli.asked import Asked
from untaught.cli.watching import INTERRUPTED, bar_of, end, interrupts
from untaught.core.errors import BadInput

if TYPE_CHECKING:
    from untaught.io.images.places import Places
    from untaught.scale.clips import Clip


def restore_clip(name: str, pictures: list[Path], settings: dict[str, Any], asked: Asked) -> int:
    """Restore the frames along time: the exit code."""
    from untaught.core.registry import tasks
    from untaught.io.images.places import Places
    from untaught.scale.along import Along

    if told := asked.beyond(
        "save_run", "keep_run", "report", "repeat", "uncertainty", "memory", "workers", "scheduler"
    ):
        raise BadInput(f"{told} is of one picture, and --along time of many frames: leave one of the two out.")
    tasks.get(name).check(settings)
    places = Places.of([*pictures], force=asked.force)
    clip = _clip(name, pictures, asked, places)
    try:
        along = Along(name, settings, clip)
        with interrupts(lambda: None) as seen, bar_of("frames", hidden=asked.json or asked.quiet) as update:
            for done, count in along:
                update(done, count)
                if asked.json:
                    print(json.dumps({"frames": done, "of": count}), flush=True)
                if seen and done < count:
                    print("untaught: interrupted. A clip is written when all of its frames are done.", file=sys.stderr)
                    return INTERRUPTED
        notes = along.end()
    finally:
        clip.close()
    target = asked.output if len(pictures) > 1 else places.went.get(clip.target, clip.target)  # type: ignore[attr-defined]
    line = f"Saved {target} ({clip.tracks[0][0]} frames)."
    end(line, as_json=asked.json, quiet=asked.quiet, output=str(target), notes=notes)
    return 0


def _clip(name: str, pictures: list[Path], asked: Asked, places: Places) -> Clip:
    """What is named, and where it goes; `BadInput` for what is no clip, and what cannot be written."""
    from untaught.io.images import check_output
    from untaught.scale.clips import Files, Pages, Planes
    from untaught.scale.gathering import gather

    if len(pictures) > 1:
        if asked.output is None:
            raise BadInput(f"{len(pictures)} frames are named, and no folder for their results: name one with -o.")
        if asked.output.exists() and not asked.output.is_dir():
            raise BadInput(
                f"'{asked.output}' is a file, and {len(pictures)} frames go into a folder: name one with -o."
            )
        # 2.png comes before 10.png: the order of the frames is what this is about.
        items = sorted(gather(pictures, asked.output), key=lambda item: _ordered(item.name))
        targets = [asked.output / item.name for item in items]
        for target in targets:
            target.parent.mkdir(parents=True, exist_ok=True)
            check_output(target, places=places)
        return Files([item.source for item in items], targets, places, asked.max_megapixels)
    (path,) = pictures
    if not path.is_file():
        raise BadInput(f"There is no file '{path}': name a clip (.tif, .npy, .y4m), or all of its frames.")
    target = asked.output or path.with_name(f"{path.stem}.untaught{path.suffix}")
    film = path.suffix.lower() == ".y4m"
    if film:
        places.check(target, also=(target.with_name(target.name + ".toml"),))
        return Planes(path, target, places, asked.max_megapixels)
    if path.suffix.lower() not in (".tif", ".tiff", ".npy"):
        raise BadInput(f"'{path}' is one picture: along time name a TIFF of several pages, a .y4m film, or all frames.")
    check_output(target, places=places)
    return Pages(path, target, places, asked.max_megapixels)


def _ordered(name: str) -> list[tuple[str, int]]:
    """By which names are sorted: words as words, numbers as numbers."""
    return [(word, int(number or -1)) for word, number in re.findall(r"(\D*)(\d*)", name)]
