"""Which network makes the better prior: hourglass, U-Net and ResNet on the same noisy pictures, with equal steps.

A row is one network on one noisy picture with one seed. Rows are kept in a CSV and made once: a comparison of hours can be
interrupted and goes on where it was. Only the scores see the clean pictures.
"""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from untaught.bench.metrics import psnr
from untaught.core.errors import BadInput, unknown
from untaught.io import arrays
from untaught.io.images.places import Places, write_text

if TYPE_CHECKING:
    from untaught.prior import Architecture
    from untaught.solver.iterate import Iterate
    from untaught.solver.stage import Job

NETWORKS = ("hourglass", "unet", "resnet")
RATES = {"hourglass": 0.01, "unet": 0.001, "resnet": 0.001}
"""The learning rates of Adam that the authors' code gives these networks."""
WIDTHS = {"paper": 4, "half": 2, "narrow": 1}
"""How many times wider than the narrow form. Narrow networks differ: only those of "paper" are the authors' own."""
NOISES = {"salt-and-pepper": 0.1, "speckle": 0.2}
"""Share of the values that are lost; standard deviation of the factor."""
EVERY = 10
"""PSNR is taken at every so many steps: the best is the best of those."""


@dataclass(frozen=True, eq=False)
class Pair:
    """A clean picture and how its noisy version comes about: as it was shot, or drawn by `noise` for each seed."""

    name: str
    clean: NDArray
    noise: str
    noisy: NDArray | None = None
    amount: float = 0.0

    def input(self, seed: int) -> NDArray:
        """Of the clean picture's type."""
        return self.noisy if self.noisy is not None else spoil(self.clean, self.noise, self.amount, seed)


@dataclass(frozen=True)
class Setting:
    """What all networks share."""

    steps: int = 2000
    size: int = 256
    width: str = "paper"
    device: str = "cpu"
    lr: float | None = None

    def rate(self, network: str) -> float:
        """The learning rate asked for, or the network's own."""
        return RATES[network] if self.lr is None else self.lr


@dataclass(frozen=True)
class NetworkRow:
    """noise: "real", or what was drawn. best: PSNR of the averaged iterate where it was highest, known from the truth alone."""

    noise: str
    amount: float
    picture: str
    network: str
    seed: int
    steps: int
    size: int
    width: str
    lr: float
    noisy: float
    best: float
    best_step: int
    final: float
    seconds: float

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes it another run."""
        return tuple(getattr(self, name) for name in KEY)


KEY = ("noise", "amount", "picture", "network", "seed", "steps", "size", "width", "lr")


def spoil(clean: NDArray, noise: str, amount: float, seed: int) -> NDArray:
    """The picture with noise that is not Gaussian, as scikit-image's `random_noise` draws it, in the clean one's type.

    salt-and-pepper: `amount` of all values (each channel by itself) become black or white. speckle: x + x n, n of that
    standard deviation; clipped.
    """
    from skimage.util import random_noise

    full = arrays.full_scale(clean)
    how: dict[str, Any] = {"mode": "s&p", "amount": amount} if noise == "salt-and-pepper" else {}
    how = how or {"mode": "speckle", "var": amount**2}
    spoilt: NDArray = np.rint(full * random_noise(clean / full, rng=seed, **how))
    return spoilt.astype(clean.dtype)


def centre(picture: NDArray, size: int) -> NDArray:
    """The middle of at most `size` pixels a side."""
    top, left = ((max(0, n - size)) // 2 for n in picture.shape[:2])
    return np.ascontiguousarray(picture[top : top + size, left : left + size])


def pairs(
    folders: Iterable[Path], pictures: Sequence[Path], noises: Sequence[str], amount: float | None, size: int
) -> list[Pair]:
    """What is compared on: real pairs of folders (see `cases.pairs`), and clean pictures with drawn noise."""
    from untaught.bench import cases

    found = [
        Pair(c.name, centre(c.clean, size), "real", centre(c.noisy, size))
        for folder in folders
        for c in cases.pairs(folder)
        if c.noisy is not None
    ]
    if pictures and not noises:
        raise BadInput(f"It is not said which noise the pictures get: add --noise {' or --noise '.join(NOISES)}.")
    if noises and not pictures:
        raise BadInput("--noise is drawn on clean pictures, but none is named: name some, or leave it out.")
    for noise in noises:
        if noise not in NOISES:
            raise unknown("noise", noise, NOISES)
        level = NOISES[noise] if amount is None else amount
        if not 0 < level <= 1:
            raise BadInput(
                f"An amount of {level:g} is no share of the values or of their size: give one above 0, to 1."
            )
        # The noise level is not needed by any network here; `with_noise` only reads the pictures.
        found += [Pair(c.name, centre(c.clean, size), noise, None, level) for c in cases.with_noise(pictures, 0.1)]
    if not found:
        raise BadInput("There is nothing to compare on: name clean pictures with --noise, or a folder with --pairs.")
    return found


def architecture(network: str, width: str) -> Architecture:
    """The network at its width. "paper": the hourglass of denoising, 2.2 M parameters; the U-Net of the authors' `get_net`
    with as many; their ResNet, 0.17 M."""
    from untaught.prior.networks.hourglass import Hourglass
    from untaught.prior.networks.resnet import ResNet
    from untaught.prior.networks.unet import UNet

    if width not in WIDTHS:
        raise unknown("width", width, WIDTHS)
    factor = WIDTHS[width]
    if network == "hourglass":
        return Hourglass((32 * factor,) * 5)
    if network == "unet":
        return UNet(tuple(4 * factor * 2**i for i in range(5)), "bilinear", "batch", "reflection")
    if network == "resnet":
        return ResNet(width=8 * factor)
    raise unknown("network", network, NETWORKS)


def job(noisy: NDArray, network: str, seed: int, setting: Setting) -> Job:
    """Fit by mean squares, the code jittered by 1/30, pictures averaged by 0.99; nothing stops it."""
    from untaught.prior import Network
    from untaught.prior.codes import Noise
    from untaught.problem import Problem
    from untaught.solver.optimisers import Adam
    from untaught.solver.stage import Job, Method, Solve
    from untaught.solver.stopping import After

    data = arrays.tensor(noisy, -1 if noisy.ndim == 3 else None, (0.0, arrays.full_scale(noisy)))
    method = Method(
        Network(architecture(network, setting.width), Noise(32), jitter=1 / 30),
        optimiser=Adam(setting.rate(network)),
        stop=After(setting.steps),
        seed=seed,
        device=setting.device,
    )
    return Job((Solve(method),), Problem(data))


@dataclass
class Score:
    """PSNR of the averaged iterate on the way; `look` is its watcher."""

    clean: NDArray
    steps: int
    curve: list[tuple[int, float]] = field(default_factory=list)

    def look(self, iterate: Iterate) -> None:
        if iterate.step % EVERY == 0 or iterate.step == self.steps:
            x = iterate.average()[0].permute(1, 2, 0).cpu().numpy().reshape(self.clean.shape)
            self.curve.append((iterate.step, psnr(x * arrays.full_scale(self.clean), self.clean)))


def row(pair: Pair, network: str, seed: int, setting: Setting, score: Score, seconds: float) -> NetworkRow:
    """The row of a finished run."""
    step, best = max(score.curve, key=lambda at: at[1])
    return NetworkRow(
        noise=pair.noise,
        amount=pair.amount,
        picture=pair.name,
        network=network,
        seed=seed,
        steps=setting.steps,
        size=setting.size,
        width=setting.width,
        lr=setting.rate(network),
        noisy=round(psnr(pair.input(seed), pair.clean), 4),
        best=round(best, 4),
        best_step=step,
        final=round(score.curve[-1][1], 4),
        seconds=round(seconds, 2),
    )


def plan(
    found: Sequence[Pair], networks: Sequence[str], seeds: int, setting: Setting
) -> Iterator[tuple[Pair, str, int, tuple[Any, ...]]]:
    """Every run, the seeds outermost, so that an early table covers all pictures; with the key of its row."""
    for name in networks:
        if name not in NETWORKS:
            raise unknown("network", name, NETWORKS)
    for seed in range(seeds):
        for pair in found:
            for name in networks:
                shared = (setting.steps, setting.size, setting.width, setting.rate(name))
                yield pair, name, seed, (pair.noise, pair.amount, pair.name, name, seed, *shared)


def read(path: Path) -> list[NetworkRow]:
    """The rows of a CSV that `write` wrote; none, where there is no file yet."""
    if not path.exists():
        return []
    kinds = {"int": int, "float": float, "str": str}
    with path.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        names = [f.name for f in fields(NetworkRow)]
        if table.fieldnames != names:
            raise BadInput(f"'{path}' holds another table than this comparison: name another file for --csv.")
        try:
            return [NetworkRow(**{f.name: kinds[str(f.type)](line[f.name]) for f in fields(NetworkRow)}) for line in table]
        except (TypeError, ValueError) as error:
            raise BadInput(
                f"'{path}' has a damaged row ({error}): delete it, or name another file for --csv."
            ) from None


def write(path: Path, rows: Iterable[NetworkRow], places: Places | None = None) -> None:
    """All rows; whole or not at all."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([f.name for f in fields(NetworkRow)])
    writer.writerows(asdict(row).values() for row in rows)
    write_text(path, out.getvalue(), places)


HEADER = ("noise", "network", "runs", "noisy", "best (oracle)", "at step", "final", "seconds")


def summary(rows: Sequence[NetworkRow]) -> list[tuple[str, ...]]:
    """For each noise and network: means over pictures and seeds; ± the deviation over the seeds' means, where there are two."""
    lines: list[tuple[str, ...]] = []
    for noise, amount in dict.fromkeys((r.noise, r.amount) for r in rows):
        for network in [n for n in NETWORKS if any(r.network == n for r in rows)]:
            mine = [r for r in rows if (r.noise, r.amount, r.network) == (noise, amount, network)]
            if mine:
                cells = (noise if noise == "real" else f"{noise} {amount:g}", network, str(len(mine)))
                mean = {n: statistics.fmean(getattr(r, n) for r in mine) for n in ("noisy", "best_step", "seconds")}
                best, final = (_spread(mine, n) for n in ("best", "final"))
                shown = (f"{mean['noisy']:.2f}", best, f"{mean['best_step']:.0f}", final, f"{mean['seconds']:.0f}")
                lines.append((*cells, *shown))
    return lines


def _spread(rows: Sequence[NetworkRow], name: str) -> str:
    groups = [[getattr(r, name) for r in rows if r.seed == s] for s in sorted({r.seed for r in rows})]
    means = [statistics.fmean(g) for g in groups if len(g) == len(groups[0])]
    mean = statistics.fmean(getattr(r, name) for r in rows)
    return f"{mean:.2f} ± {statistics.stdev(means):.2f}" if len(means) > 1 else f"{mean:.2f}"


def caption(rows: Sequence[NetworkRow]) -> list[str]:
    """What the numbers mean, in sentences."""
    one = rows[0]
    seeds = len({r.seed for r in rows})
    rates = ", ".join(f"{r.network} {r.lr:g}" for r in {r.network: r for r in rows}.values())
    return [
        f"PSNR in dB of the averaged iterate (0.99) over all channels, {one.steps} steps for every network, centre crops of "
        f"{one.size} x {one.size}, {len({(r.noise, r.picture) for r in rows})} noisy pictures, {seeds} seed"
        f"{'s' if seeds > 1 else ''}, networks of width '{one.width}'; Adam: {rates}.",
        f"Best (oracle): the highest of every {EVERY}th step, known from the clean picture alone; it is a figure, not a way to "
        "stop. Final: after the last step.",
        *(["±: standard deviation over the seeds, of the means over the pictures."] if seeds > 1 else []),
    ]


def markdown(rows: Sequence[NetworkRow], command: str, hardware: str) -> str:
    """The summary as a Markdown table, with what is needed to make it again."""
    lines = ["| " + " | ".join(line) + " |" for line in (HEADER, *summary(rows))]
    lines.insert(1, "|---|---|" + "---:|" * (len(HEADER) - 2))
    said = [f"- {s}" for s in (*caption(rows), f"Hardware: {hardware}.")]
    return "\n".join([*lines, "", *said, "", "```", command, "```", ""])
