"""A figure of the paper: panels, each of which is one run that is kept; how large it is made; what is drawn of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from untaught.bench._pixels import array
from untaught.bench.metrics import psnr
from untaught.reports import labels

if TYPE_CHECKING:
    from untaught.solver.iterate import Iterate
    from untaught.solver.solution import Solution
    from untaught.solver.stage import Job

DIP = "Deep Image Prior"
DB = "PSNR (dB)"


@dataclass(frozen=True)
class Size:
    """How large figures are made. full: with the paper's pictures, networks and steps; else in minutes on a CPU.

    data: the folder of the paper's pictures; scikit-image's stand in for what it lacks. steps, side: of a trial, at most so many.
    """

    full: bool = False
    data: Path | None = None
    steps: int | None = None
    side: int | None = None
    seed: int = 0
    device: str = "cpu"

    def taken(self, full: int, small: int) -> int:
        """Steps of a run that takes `full` in the paper, and `small` on a CPU."""
        return min(full if self.full else small, self.steps or full)

    def pixels(self, small: int, full: int = 2**14) -> int:
        """The longest side of a picture that has `small` pixels on a CPU."""
        return min(full if self.full else small, self.side or full)

    def __str__(self) -> str:
        limits = (f"at most {n} {what}" for n, what in ((self.steps, "steps"), (self.side, "pixels a side")) if n)
        pictures = "scikit-image's pictures" if self.data is None else "the paper's pictures"
        return ", ".join(["full size" if self.full else "CPU size", pictures, *limits, f"seed {self.seed}"])


@dataclass(frozen=True)
class Reproduced:
    """One number, ours and the published one (None where there is none). at: the size of the picture, the network, the steps.

    seconds: of the run that it is from; None for what takes none.
    """

    panel: str
    picture: str
    method: str
    quantity: str
    ours: float | None
    at: str
    published: float | None = None
    published_at: str = ""
    seconds: float | None = None


@dataclass(frozen=True, eq=False)
class Made:
    """What is kept of a panel: its rows, pictures by their labels, and curves by their names."""

    rows: list[Reproduced]
    pictures: dict[str, NDArray] = field(default_factory=dict)
    curves: dict[str, list[float]] = field(default_factory=dict)

    def packed(self, size: str) -> bytes:
        """As one file, which says how large the figure is made."""
        import torch

        from untaught.io.checkpoints import pack

        pictures = {name: torch.from_numpy(np.array(x)) for name, x in self.pictures.items()}
        rows = [asdict(row) for row in self.rows]
        return pack({"rows": rows, "pictures": pictures, "curves": self.curves}, {"size": size})

    @classmethod
    def unpacked(cls, data: bytes) -> tuple[Made, str]:
        """(what `packed` packed, its size). ValueError for anything else."""
        from untaught.io.checkpoints import unpack

        kept, said = unpack(data)
        try:
            pictures = {name: x.numpy() for name, x in kept["pictures"].items()}
            return cls([Reproduced(**row) for row in kept["rows"]], pictures, kept["curves"]), said["size"]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no panel of a figure: {error}") from error


@dataclass
class Track:
    """What is noted of a run on its way, all of it in `kept`, so that a resumed run goes on with it.

    clean: (h, w) or (h, w, 3) in [0, 1]: PSNR of the network's picture and of the average are noted. moments: steps whose picture
    is kept. every: numbers are noted every so many steps.
    """

    clean: NDArray | None = None
    moments: tuple[int, ...] = ()
    every: int = 1
    kept: dict[str, Any] = field(default_factory=lambda: {"pictures": {}, "curves": {}})

    def look(self, iterate: Iterate) -> None:
        x = iterate.x
        assert x is not None  # these runs see whole pictures
        if iterate.step in self.moments:
            self.kept["pictures"][iterate.step] = x.clone()
        if iterate.step % self.every:
            return
        self.note(step=iterate.step, fit=iterate.fit)
        if self.clean is not None:
            found = {"network": x, "average": iterate.average()}
            self.note(**{name: psnr(array(x, self.clean), self.clean) for name, x in found.items()})

    def note(self, **values: float) -> None:
        for name, value in values.items():
            self.curves.setdefault(name, []).append(value)

    @property
    def curves(self) -> dict[str, list[float]]:
        found: dict[str, list[float]] = self.kept["curves"]
        return found


class Runner(Protocol):
    """Exhausts a job, its track looking on; KeyboardInterrupt where somebody stopped it."""

    def __call__(self, job: Job, track: Track) -> Solution: ...


@dataclass(frozen=True)
class Panel:
    """One run of a figure, or what needs none."""

    name: str
    make: Callable[[Runner], Made]


def strips(made: Mapping[str, Made]) -> NDArray:
    """The pictures of every panel in a row of their own, each under its label."""
    rows = [m.pictures for m in made.values() if m.pictures]
    return labels.stack(*(labels.grid([list(p.values())], columns=list(p), least=192) for p in rows))


@dataclass(frozen=True)
class Figure:
    """number: in the paper of CVPR 2018, or "IJCV 2020" for what only the longer version has. says: what is to be seen in it, in
    sentences. panels: of a size, refused before any work where they cannot be made. draw: the sheet, of the panels that are done.
    """

    name: str
    number: str
    title: str
    says: str
    panels: Callable[[Size], list[Panel]]
    draw: Callable[[Mapping[str, Made]], NDArray] = strips
