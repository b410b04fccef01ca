"""The figures and tables of the paper made again: kept panel by panel in a folder, drawn, tabulated, and shown on one page.

A folder holds figures of one size. `parts/NAME-PANEL.safetensors` is a panel that is done, `.run` beside it one under way; of the
panels come NAME.png, NAME.csv and NAME-curves.csv, and of these index.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from untaught.bench import store
from untaught.bench.figures._base import Figure, Made, Panel, Reproduced, Size
from untaught.core import registry
from untaught.core.errors import BadInput, UntaughtError, unknown
from untaught.io import images
from untaught.io.images.places import Places

PAGE, PARTS = "index.html", "parts"
# fmt: off
ORDER = (
    "sine", "fig2", "landscape", "samples", "networks", "fig4", "denoising", "denoising50", "fig3", "fig5", "x4", "x8", "table1",
    "fig6", "fig7", "fig8", "fig9", "activation", "fig10", "enhancement",
)
# fmt: on


def known() -> dict[str, Figure]:
    """All figures by their names, as a lecture has them, those of plugins last."""
    found = {figure.name: figure for _, figures in registry.figures.items() for figure in figures}
    return dict(sorted(found.items(), key=lambda item: ORDER.index(item[0]) if item[0] in ORDER else len(ORDER)))


def chosen(names: list[str]) -> list[Figure]:
    """The figures of those names; "all" is every one. `BadInput` for one that there is not."""
    every = known()
    for name in names:
        if name not in every and name != "all":
            raise BadInput(f"{unknown('figure', name, every)} There are: {', '.join(every)}.")
    return [figure for name, figure in every.items() if name in names or "all" in names]


@dataclass(frozen=True)
class CurvePoint:
    """One value of a curve: the number-th that was noted of it."""

    panel: str
    curve: str
    number: int
    value: float


class Collection:
    """A folder of reproduced figures. `BadInput` where it holds anything else, or figures of another size."""

    def __init__(self, folder: Path, size: Size) -> None:
        self.folder, self.size = folder, size
        try:
            begun = folder.is_dir() and any(folder.iterdir())
            if begun and not (folder / PARTS).is_dir():
                raise BadInput(f"'{folder}' holds other files: name a new folder with -o.")
            folder.mkdir(exist_ok=True)
            (folder / PARTS).mkdir(exist_ok=True)
        except OSError as error:
            raise BadInput(
                f"The folder '{folder}' cannot be used ({error.strerror}): name another one with -o, in a folder that exists."
            ) from error
        self.places = Places(force=True, aside=False)

    def place(self, figure: Figure, panel: Panel) -> Path:
        """Where a panel is kept once it is done."""
        slug = re.sub(r"[^A-Za-z0-9.]+", "-", f"{figure.name}-{panel.name}").strip("-")
        return self.folder / PARTS / f"{slug}.safetensors"

    def state(self, figure: Figure, panel: Panel) -> Path:
        """Where its run is kept before."""
        return self.place(figure, panel).with_suffix(".run")

    def made(self, figure: Figure, panel: Panel) -> Made | None:
        """A panel that is done; None where it is not, or its file is damaged. `BadInput` where it has another size."""
        try:
            found, size = Made.unpacked(self.place(figure, panel).read_bytes())
        except (OSError, ValueError):
            return None
        self.agree(size)
        return found

    def agree(self, size: str) -> None:
        """`BadInput` for another size than this."""
        if size != str(self.size):
            raise BadInput(
                f"'{self.folder}' holds figures of another size ({size}; asked for: {self.size}): name another folder with -o."
            )

    def add(self, figure: Figure, panel: Panel, made: Made) -> None:
        """Keep a panel, whole or not at all."""
        self.places.put(self.place(figure, panel), made.packed(str(self.size)))
        self.state(figure, panel).unlink(missing_ok=True)

    def finish(self, figure: Figure, made: Mapping[str, Made], command: str) -> list[Reproduced]:
        """Draw and tabulate the panels that are done, and make the page anew; their rows."""
        rows = [row for m in made.values() for row in m.rows]
        images.write(self.folder / f"{figure.name}.png", figure.draw(made), places=self.places)
        said = [f"Command: {command}", f"Size: {self.size}"]
        store.write(self.folder / f"{figure.name}.csv", rows, self.places, said=said)
        noted = [
            CurvePoint(panel, name, i + 1, value)
            for panel, m in made.items()
            for name, values in m.curves.items()
            for i, value in enumerate(values)
        ]
        if noted:
            store.write(self.folder / f"{figure.name}-curves.csv", noted, self.places, said=said)
        self.places.text(self.folder / PAGE, self.page)
        return rows

    @property
    def page(self) -> str:
        """One page of all figures that are in the folder."""
        from untaught.bench.lecture import html

        return html([entry for figure in known().values() for entry in self._entries(figure)], str(self.size))

    def _entries(self, figure: Figure) -> Iterator[tuple[Figure, list[tuple[str, ...]], str]]:
        table = self.folder / f"{figure.name}.csv"
        if table.exists() and (self.folder / f"{figure.name}.png").exists():
            try:
                rows = store.read(table, Reproduced)
            except UntaughtError:
                return
            command = table.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# Command: ")
            yield figure, grid(rows), command


HEADER = ("picture", "method", "what", "ours", "published", "ours at", "published at", "seconds")


def grid(rows: list[Reproduced]) -> list[tuple[str, ...]]:
    """The header and a line for each row; of several pictures the means of what all of them have, too."""
    lines: list[tuple[str, ...]] = [HEADER]
    for row in [*rows, *means(rows)]:
        numbers = (_number(row.ours), _number(row.published))
        seconds = "" if row.seconds is None else f"{row.seconds:.0f}"
        lines.append((row.picture, row.method, row.quantity, *numbers, row.at, row.published_at, seconds))
    return lines


def means(rows: list[Reproduced]) -> list[Reproduced]:
    """For each method that all pictures have, its mean over them, where there are several pictures."""
    pictures = {row.picture for row in rows}
    kinds: dict[tuple[str, str], list[Reproduced]] = {}
    for row in rows:
        kinds.setdefault((row.method, row.quantity), []).append(row)
    found = []
    for mine in kinds.values():
        if (
            mine[0].quantity.startswith("PSNR")
            and len(pictures) > 1
            and sorted(row.picture for row in mine) == sorted(pictures)
        ):
            ours, theirs = [row.ours for row in mine], [row.published for row in mine]
            found.append(
                replace(
                    mine[0], picture=f"mean of {len(mine)}", seconds=None, at="", published_at="",
                    ours=None if None in ours else fmean(v for v in ours if v is not None),
                    published=None if None in theirs else fmean(v for v in theirs if v is not None),
                )
            )  # fmt: skip
    return found


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if value == round(value):
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) >= 10 else f"{value:.3g}"
