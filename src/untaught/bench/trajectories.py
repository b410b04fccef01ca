"""What `untaught bench stopping` fits: clean crops under every kind of damage, pairs of real noise, and how a run is recorded.

A recording is one run to its overfitted end: for every step the PSNR of the averaged picture, which only this study sees, and
the score of every rule, which none of them has seen it. It is a file, so that a study goes on where it was stopped, and
rules are judged again without running anything.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from untaught.bench._pixels import array, tensor
from untaught.bench.case import Case, always
from untaught.bench.comparisons._base import eight
from untaught.bench.metrics import psnr
from untaught.core.errors import BadInput
from untaught.io.images.places import write_text

if TYPE_CHECKING:
    from untaught.problem import Problem
    from untaught.solver.iterate import Iterate
    from untaught.solver.stage import Job, Method
    from untaught.solver.stopping import Rule

GAUSSIAN = (15, 25, 50)
GAIN, LOOKS, SALT, MISSING, FACTOR, BLUR = 30.0, 10.0, 0.1, 0.5, 4, 1.6
WATCHED, CHANGED, FED = "watched", "changed", "fed"
FED_LOOKS = 10  # pictures of a fed run that are measured, evenly spread


@dataclass(frozen=True, eq=False)
class Trial(Case):
    """One picture under one damage (its level), whose input is a problem. clean: (h, w[, 3]) in [0, 1], for scores alone.

    chooses: whether it is of the half that defaults are chosen on. fed: the job of `fast`, where the task has a fed objective.
    """

    chooses: bool = True
    fed: Callable[[], Job] | None = None

    @property
    def problem(self) -> Problem:
        return cast("Problem", self.input(0))


@dataclass(frozen=True)
class RunSettings:
    """steps: of every run. width: channels of each of the four levels of the hourglass. size: pixels a side of a crop."""

    size: int = 256
    steps: int = 2000
    width: int = 32
    seed: int = 0

    def method(self, stop: Rule) -> Method:
        """That of `default_method`, but for the width and what stops it."""
        from untaught.prior.networks.hourglass import Hourglass
        from untaught.solver.stage import default_method

        plain = default_method()
        levels = (self.width,) * 4
        prior = replace(plain.prior, net=Hourglass(down=levels, up=levels, skip=(4,) * 4))  # type: ignore[type-var]
        return replace(plain, prior=prior, stop=stop, seed=self.seed)


@dataclass
class Recording:
    """psnr: of the averaged picture, for `steps`. scores: of every rule that did not refuse, NaN where it had none yet.
    refused: the sentences of the others. kind: of the problem, as `Auto` sees it."""

    case: str
    damage: str
    run: str
    chooses: bool
    kind: str
    steps: list[int] = field(default_factory=list)
    psnr: list[float] = field(default_factory=list)
    energy: list[float] = field(default_factory=list)
    scores: dict[str, list[float]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def read(cls, path: Path) -> Recording:
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def rules(run: str) -> dict[str, Rule]:
    """The rules that look at a run of that kind, by the names that tables have for them."""
    from untaught.solver import stopping as s

    if run == WATCHED:
        return {
            "windowed variance": s.WindowedVariance(patience=500),
            "exponential variance": s.ExponentialVariance(patience=500),
            "discrepancy": s.Discrepancy(decay=0.0),  # its mean is taken over the recorded scores
            "self-reference": s.SelfReference(),
            "plateau": s.Plateau(),
        }
    return {
        "hold-out": s.HoldOut(),
        "SURE": s.SureRisk(),
        "UNSURE": s.UnsureRisk(),
        "pseudo-noise": s.PseudoNoise(),
    }


def cases(pictures: Sequence[Path], pairs: Sequence[Path], *, size: int, each: int) -> list[Trial]:
    """Every damage on `each` of the pictures, in turn; of every folder of pairs `each`. They choose and are judged by turns.

    Noise is that of numpy.random.default_rng(0), in [0, 1]; only Gaussian noise and impulses are clipped there.
    """
    from untaught.bench import cases as known

    names = known.names(pictures)
    clean = [_crop(_unit(known.picture(path)), size) for path in pictures]
    found = []
    for i, (damage, make) in enumerate(_damages().items() if pictures else ()):
        for k in range(min(each, len(clean))):
            which = (i + k) % len(clean)
            truth = clean[which]
            problem, fed = make(truth, np.random.default_rng(0))
            found.append(_trial(names[which], damage, truth, problem, k % 2 == 0, fed))
    for folder in pairs:
        real = known.pairs(folder)
        for k, which in enumerate(np.linspace(0, len(real) - 1, min(each, len(real))).round().astype(int)):
            case = real[which]
            truth, noisy = (_crop(_unit(a), size) for a in (case.clean, case.input(0)))
            found.append(_trial(case.name, f"real ({folder.name})", truth, _measured(noisy), k % 2 == 0))
    return found


def _trial(
    name: str, damage: str, truth: NDArray, problem: Problem, chooses: bool, fed: Callable[[], Job] | None = None
) -> Trial:
    return Trial(f"{name}, {damage}", truth, damage, always(problem), fixed=True, chooses=chooses, fed=fed)


class Recordings:
    """Recordings, each in a file of its own, by its path."""

    def __contains__(self, path: Hashable) -> bool:
        return isinstance(path, Path) and path.exists()

    def add(self, path: Hashable, recording: Recording) -> None:
        assert isinstance(path, Path)
        write_text(path, json.dumps(recording.__dict__), None)


def path(folder: Path, case: Trial, run: str, settings: RunSettings) -> Path:
    """Where the recording of that run is, or is to be."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", f"{case.name}-{run}").strip("-")
    return folder / f"{slug}-{settings.size}px-{settings.steps}x{settings.width}-{settings.seed}.json"


def plan(
    folder: Path, cases: Sequence[Trial], runs: Sequence[str], settings: RunSettings
) -> Iterator[tuple[Trial, str, Path]]:
    """All recordings, the watched runs of all cases first."""
    for run in runs:
        for case in cases:
            if run != FED or case.fed is not None:
                yield case, run, path(folder, case, run, settings)


def record(case: Trial, run: str, settings: RunSettings) -> Recording:
    """One run to its end, which takes minutes."""
    from untaught.solver.loop import Run
    from untaught.solver.stage import Job, Solve
    from untaught.solver.stopping import After
    from untaught.solver.stopping.auto import kind

    recording = Recording(case.name, case.level, run, case.chooses, kind(case.problem))
    begun = time.perf_counter()
    if run == FED:
        _fed(case, recording)
    else:
        stop = recorder(rules(run), recording) | After(settings.steps)
        for iterate in Run(Job((Solve(settings.method(stop)),), case.problem)):
            recording.steps.append(iterate.step)
            recording.energy.append(iterate.energy)
            recording.psnr.append(psnr(array(iterate.average(), case.clean), case.clean))
    recording.seconds = round(time.perf_counter() - begun, 1)
    return recording


def recorder(rules: dict[str, Rule], into: Recording) -> Rule:
    """A rule that never stops, and writes down what every one of `rules` would have said."""
    from untaught.solver.iterate import Verdict
    from untaught.solver.stopping import Rule

    @dataclass(frozen=True)
    class Recorder(Rule):
        rules: tuple[tuple[str, Rule], ...]
        needs = frozenset({"x", "average", "held"})

        def bind(self, problem: Any, rng: Any, objective: Any) -> tuple[Any, Rule]:
            bound: list[tuple[str, Rule]] = []
            new: Any
            probe: Any = None
            before = problem
            for name, rule in self.rules:
                ours = rule.adds
                before = before if probe else problem
                try:
                    after, new = rule.bind(before if ours else problem, rng, objective)
                except BadInput as error:
                    into.refused[name] = str(error)
                    continue
                if ours and probe:  # one and the same noise is looked at, that of the first
                    new = new.beside(probe)
                else:
                    problem, probe = after, new if ours else probe
                bound.append((name, new))
                into.scores[name] = []
            return problem, Recorder(tuple(bound))

        def init(self) -> dict[str, Any]:
            return {name: rule.init() for name, rule in self.rules}

        def step(self, state: dict[str, Any], iterate: Iterate) -> tuple[dict[str, Any], Verdict]:
            new = {}
            for name, rule in self.rules:
                new[name], verdict = rule.step(state[name], iterate)
                into.scores[name].append(float("nan") if verdict.score is None else verdict.score)
            return new, Verdict()

    return Recorder(tuple(rules.items()))


def _fed(case: Trial, recording: Recording) -> None:
    """The preset `fast`: the picture that it would return, at `FED_LOOKS` moments of its last stage."""
    from untaught.solver.loop import Run

    assert case.fed is not None
    job = case.fed()
    run = Run(job)
    for iterate in run:
        total = run.steps or 1
        if run.last and (iterate.step % max(1, total // FED_LOOKS) == 0 or run.over):
            picture = job.result(run.course.render())
            recording.steps.append(iterate.step)
            recording.energy.append(iterate.energy)
            recording.psnr.append(psnr(np.asarray(picture) / 255, case.clean))


def _damages() -> dict[str, Callable[[NDArray, np.random.Generator], tuple[Problem, Callable[[], Job] | None]]]:
    """By name, what makes of a clean picture a problem, and a job of the fed family where the task has one."""
    from untaught.core.registry import tasks
    from untaught.problem import Problem
    from untaught.problem.likelihoods import ClippedGaussian, Gaussian, Laplace, Poisson, Speckle
    from untaught.problem.operators import kernels
    from untaught.problem.operators.blur import Blur
    from untaught.problem.operators.resample import Downsample

    def gaussian(level: int) -> Callable[..., Any]:
        def make(clean: NDArray, rng: np.random.Generator) -> Any:
            noisy, sigma = np.clip(clean + rng.normal(0, level / 255, clean.shape), 0, 1), level / 255
            fed = partial(tasks.get("denoise").job, eight(noisy), sigma=sigma)
            return Problem(tensor(noisy), likelihood=ClippedGaussian(sigma)), fed

        return make

    def poisson(clean: NDArray, rng: np.random.Generator) -> Any:
        return Problem(tensor(rng.poisson(clean * GAIN) / GAIN), likelihood=Poisson(GAIN)), None

    def speckle(clean: NDArray, rng: np.random.Generator) -> Any:
        return Problem(tensor(clean * rng.gamma(LOOKS, 1 / LOOKS, clean.shape)), likelihood=Speckle(LOOKS)), None

    def impulses(clean: NDArray, rng: np.random.Generator) -> Any:
        hit, white = rng.random(clean.shape) < SALT, rng.random(clean.shape) < 0.5
        return Problem(tensor(np.where(hit, white, clean)), likelihood=Laplace()), None

    def holes(clean: NDArray, rng: np.random.Generator) -> Any:
        kept = rng.random(clean.shape[:2]) > MISSING
        weight = tensor(np.broadcast_to(kept[..., None] if clean.ndim == 3 else kept, clean.shape))
        fed = partial(tasks.get("inpaint").job, eight(clean), mask=~kept)
        return Problem(tensor(clean), weight=weight), fed

    def fewer(clean: NDArray, rng: np.random.Generator) -> Any:
        space = clean.shape[0] // FACTOR * FACTOR, clean.shape[1] // FACTOR * FACTOR
        operator = Downsample([n // FACTOR for n in space], space)
        small = operator(tensor(clean[: space[0], : space[1]]))
        return Problem(small, operator), partial(tasks.get("upscale").job, eight(array(small, clean)), factor=FACTOR)

    def blurred(clean: NDArray, rng: np.random.Generator) -> Any:
        operator, sigma = Blur(kernels.gauss(BLUR)), 2 / 255
        y = operator(tensor(clean))
        y = y + tensor(rng.normal(0, sigma, array(y, clean).shape))
        return Problem(y, operator, Gaussian(sigma)), None

    return {
        **{f"gaussian {level}": gaussian(level) for level in GAUSSIAN},
        f"poisson {GAIN:g}": poisson,
        f"salt and pepper {SALT:.0%}": impulses,
        f"speckle {LOOKS:g}": speckle,
        f"missing {MISSING:.0%}": holes,
        f"upscale x{FACTOR}": fewer,
        f"blur {BLUR:g}": blurred,
    }


def _measured(noisy: NDArray) -> Problem:
    """A real noisy picture, with the noise that `denoise` finds in it."""
    from untaught import noise
    from untaught.problem import Problem

    data = tensor(noisy)
    return Problem(data, likelihood=noise.measure(data, "gaussian", []).likelihood)


def _unit(picture: NDArray) -> NDArray:
    return picture / np.iinfo(picture.dtype).max


def _crop(picture: NDArray, size: int) -> NDArray:
    """The middle, of a side that four levels halve evenly."""
    side = [min(size, n) // 16 * 16 for n in picture.shape[:2]]
    if not all(side):
        raise BadInput(f"A crop of {size} pixels is too small: give 16 or more.")
    top, left = ((n - k) // 2 for n, k in zip(picture.shape[:2], side, strict=True))
    return picture[top : top + side[0], left : left + side[1]]
