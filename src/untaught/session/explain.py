"""What a job is and what it will cost: its formula filled in, counted on a real step and timed by a short probe."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from untaught.io import arrays

if TYPE_CHECKING:
    from untaught.prior.kernels.bare import Convolution
    from untaught.problem import Problem
    from untaught.solver.course import Course
    from untaught.solver.stage import Job, Stage


@dataclass(frozen=True)
class Cost:
    """Of one stage. parameters: all that is sought. flop: of one step, forward and backward, products and sums apart.

    steps: how many at most, or None where the rule does not know. step_seconds: of one.
    prepare_seconds: of all inputs that are made once and used again. final_seconds: of the picture in the end.
    early: a rule may end the stage before. convolution_seconds: of one step's convolutions alone, as the library takes them; None
    where nothing is convolved.
    """

    parameters: int
    flop: int
    steps: int | None
    step_seconds: float
    prepare_seconds: float
    final_seconds: float
    early: bool = False
    convolution_seconds: float | None = None

    @property
    def engine(self) -> float | None:
        """The share of a step that its convolutions alone would take; over 1 where it takes them quicker than the library."""
        return None if self.convolution_seconds is None else self.convolution_seconds / self.step_seconds

    @property
    def seconds(self) -> float | None:
        """The whole stage."""
        if self.steps is None:
            return None
        return self.steps * self.step_seconds + self.prepare_seconds + self.final_seconds


def costs(job: Job, *, seconds: float = 1.0) -> list[Cost]:
    """The cost of each stage, from about `seconds` of real steps of it; what they find is thrown away."""
    found = []
    for i, stage in enumerate(job.stages):
        problem = stage.problem or job.problem
        if i and problem.start is None:  # what the stage before would hand on: its size is what matters here
            problem = replace(problem, start=problem.operator.adjoint(problem.data))
        part = stage.excerpt(problem)
        if part and stage.whole:  # too large to be tried as a whole
            found.append(_larger(_probe(stage, part[0], seconds, least=1), part[1]))
        else:
            found.append(_probe(stage, problem, seconds))
    return found


def loaded() -> float | None:
    """Bytes that this process holds once it has what a probe needs, which no run does; None where the system does not tell."""
    import torch

    from untaught.core.machine import held_memory
    from untaught.prior.kernels.bare import Noted

    with Noted():  # the first of which loads a package for algebra
        torch.zeros(2).add(1)
    now = held_memory()
    return None if now is None else now[0]


def held(job: Job, probe: Callable[[], list[Cost]], base: float | None = None) -> tuple[list[Cost], float]:
    """(what the probe finds, bytes that the job will hold beside what is held now, or beside `base`, from before it was composed).

    The probe takes real steps of every stage, and what they hold at most is what a run holds; of a stage that is tried on a part of
    the picture, beside the copies of the whole that every stage has. Where the system does not tell, the figure is one that a job
    does not fall short of.
    """
    from untaught.core.machine import held_memory
    from untaught.solver.memory import needed

    device, least = job.stages[0].device, needed(job)
    before = held_memory(device)
    found = probe()
    after = held_memory(device)
    if before is None or after is None:
        return found, least
    seen = after[1] - (base if base is not None and device == "cpu" else before[0])
    parts = any(stage.whole and stage.excerpt(stage.problem or job.problem) for stage in job.stages)
    return found, max(least, seen) + (least if parts else 0.0)


def begin(stage: Stage, problem: Problem, pool: int = 1) -> Course:
    """The stage on that problem, at its start, with so many inputs that are prepared once."""
    from untaught.solver.loop import Run
    from untaught.solver.stage import Job

    return Run(Job((replace(stage.pooled(pool), problem=None, onward=False),), problem)).course


def _larger(cost: Cost, factor: float) -> Cost:
    """The cost of something so many times larger."""
    bare = None if cost.convolution_seconds is None else cost.convolution_seconds * factor
    return replace(
        cost, flop=int(cost.flop * factor), step_seconds=cost.step_seconds * factor,
        final_seconds=cost.final_seconds * factor, convolution_seconds=bare,
    )  # fmt: skip


def forecast(job: Job) -> float | None:
    """The seconds that a job on a large picture will take, from a few on parts of it; None for a small one, or unknown."""
    if not any(stage.excerpt(stage.problem or job.problem) for stage in job.stages):
        return None
    return total(costs(job, seconds=0.2))


def total(costs: list[Cost]) -> float | None:
    """The seconds of all stages; None where one is not known."""
    each = [cost.seconds for cost in costs]
    return None if None in each else sum(s for s in each if s is not None)


def _probe(stage: Stage, problem: Problem, seconds: float, least: int = 3) -> Cost:
    from untaught.prior.kernels.bare import alone

    # Inputs that are prepared once and used again would fall into the probe in any number: one now, counted apart.
    course = begin(stage, problem)
    steps = course.outlook[1]
    once = steps == 1
    if not once:
        course.advance()
    begun = time.perf_counter()
    flop, convolutions = _counted(course)
    each = time.perf_counter() - begun
    if not once or each < seconds:  # a long step that is all of a stage is not taken again: the counted one is its time
        each = _mean(course, seconds, least)
    bare = alone(convolutions, device=stage.device, step=each) if convolutions else None
    prepare = _prepare(stage, problem, each, steps) if stage.pool else 0.0
    early = stage.fixed is None
    return Cost(course.parameters, flop, steps, each, prepare, _final(stage, problem, course), early, bare)


def _prepare(stage: Stage, problem: Problem, each: float, steps: int | None) -> float:
    """The seconds that a pool of inputs takes, from a few of them: the first may need something that all share."""
    course = begin(stage, problem, pool=4)
    first = max(0.0, timed(course.advance) - each)
    # Which input a step takes is drawn: of two, one of eight steps has to prepare the second, but for one time in 256.
    item = min(first, max(0.0, max(timed(course.advance) for _ in range(8)) - each))
    drawn = stage.items * (1 - (1 - 1 / stage.items) ** (steps or 10 * stage.items))
    count = max(drawn, min(stage.items, -(-stage.passes // 2)))  # the final picture is made of them too
    return first - item + item * count


def _final(stage: Stage, problem: Problem, course: Course) -> float:
    """The seconds of the final picture, from one of one pass and one of two."""
    if part := stage.excerpt(problem):
        smaller = begin(stage, part[0])
        smaller.advance()
        return part[1] * timed(smaller.render)
    course.render(1)
    one = timed(lambda: course.render(1))
    if stage.passes == 1:
        return one
    return one + (stage.passes - 1) * max(0.0, timed(lambda: course.render(2)) - one)


def _counted(course: Course) -> tuple[int, Counter[Convolution]]:
    """The floating-point operations of one real step, a product and its sum being two, and its convolutions.

    A convolution counts as its plain sum: the step takes all of them the library's way, since no other is seen.
    """
    from untaught.prior.kernels.bare import Noted, layers, plain

    with plain(course.model), Noted() as noted:
        course.advance()
    return noted.flop, noted.calls if layers(course.model) else Counter()


def _mean(course: Course, seconds: float, least: int) -> float:
    """The mean time of a step over about `seconds`, and over so many steps at least."""
    begun, count = time.perf_counter(), 0
    while count < least or time.perf_counter() - begun < seconds:
        course.advance()
        count += 1
    return (time.perf_counter() - begun) / count


def timed(work: Callable[[], Any]) -> float:
    """The seconds that it takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def formula(job: Job, costs: list[Cost], *, name: str, dtype: str, sigma_given: bool) -> list[tuple[str, str]]:
    """(symbol, what it is here): y, A, E, R, and for each stage f, z, objective, optimiser, average, stop, passes."""
    problem = job.problem
    shape = tuple(problem.data.shape)
    full = arrays.full_scale(np.empty(0, dtype))
    offset, gain = job.finish.scale
    size = f"{' x '.join(map(str, shape[2:]))}, {shape[1]} channel{'s' if shape[1] > 1 else ''}"
    size = size if len(shape) > 2 else f"{shape[1]} measurements"
    lines = [
        ("y", f"{name}: {size}, {dtype}; value = {offset:g} + {gain:g} y"),
        ("A", said(problem.operator)),
        ("E", _energy(job, sigma_given, full)),
        ("R", " + ".join(f"{w:g} {said(r)}" for w, r in _terms(problem.regulariser)) or "0"),
    ]
    for i, (stage, cost) in enumerate(zip(job.stages, costs, strict=True)):
        mark = f" {i + 1}" if len(job.stages) > 1 else ""
        lines += [(symbol + mark, words) for symbol, words in _stage(stage, cost)]
    return lines


def _stage(stage: Stage, cost: Cost) -> list[tuple[str, str]]:
    from untaught.solver.stage import Estimate

    limit = "at most " if cost.early else ""
    steps = f"{limit}{cost.steps} step{'s' * (cost.steps != 1)}" if cost.steps else "how many steps is not known before"
    if isinstance(stage, Estimate):
        return [("estimate", f"{said(stage.estimator)}: no network, {steps}, {cost.flop / 1e9:.3g} GFLOP a step")]
    m = stage.method
    net, code = getattr(m.prior, "net", m.prior), getattr(m.prior, "code", "-")
    output = "".join(f", {key} {value}" for key in ("output", "residual") if (value := getattr(m.prior, key, None)))
    jitter = getattr(m.prior, "jitter", 0)
    return [
        ("f", f"{said(net)}{output}: {cost.parameters:,} parameters, {cost.flop / 1e9:.3g} GFLOP a step"),
        ("z", f"{said(code)}" + (f", jittered by {jitter:.3g} at every step" if jitter else "")),
        ("objective", said(m.objective)),
        ("optimiser", said(m.optimiser)),
        ("average", said(m.average)),
        ("stop", f"{said(m.stop)}: {steps}"),
        ("passes", f"{m.passes}, averaged in the final picture" if m.passes > 1 else "1"),
    ]


def _terms(regulariser: Any) -> Any:
    return getattr(regulariser, "terms", ((1.0, regulariser),))


def _energy(job: Job, given: bool, full: float) -> str:
    """E by the first words of its own documentation, with sigma in the unit of the picture, and how it is known."""
    from untaught.solver.stage import Estimate

    likelihood = job.problem.likelihood
    sigma = likelihood.sigma
    first = (type(likelihood).__doc__ or "").strip().splitlines()[0]
    if type(likelihood).__name__ == "Gaussian" and sigma is not None:
        first = "|A x - y|^2 / (2 sigma^2)."
    if sigma is None:
        return f"{said(likelihood)}: {first}"
    levels = [s * job.finish.scale[1] for s in (sigma if isinstance(sigma, tuple) else (sigma,))]
    shown = ", ".join(f"{v:.3g}" for v in levels) + (f" of {full:g}" if full > 1 else "")
    found = (stage.estimator.noise for stage in job.stages if isinstance(stage, Estimate))
    how = "given" if given else next(filter(None, found), "measured on the picture")
    return f"{type(likelihood).__name__}: {first} sigma = {shown}, {how}"


def said(part: Any) -> str:
    """A part as it would be written, with large tensors by their sizes only."""
    if hasattr(part, "numel"):
        return f"tensor {' x '.join(map(str, part.shape))}"
    if is_dataclass(part) and not isinstance(part, type):
        inner = ", ".join(f"{f.name}={said(getattr(part, f.name))}" for f in fields(part) if f.repr)
        return f"{type(part).__name__}({inner})"
    return repr(part)
