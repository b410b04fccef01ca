"""What a job is and what it will cost: its formula filled in, counted on a real step and timed by a short probe."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from untaught.io import arrays

if TYPE_CHECKING:
    from untaught.prior.kernels.bare import Convolution
    from untaught.solver.run import Job, Run


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
    from untaught.solver.run import Job, Run

    found = []
    for i, stage in enumerate(job.stages):
        problem = stage.problem or job.problem
        if i and problem.start is None:  # what the stage before would hand on: its size is what matters here
            problem = replace(problem, start=problem.operator.backproject(problem.data))
        run = Run(Job((stage,), problem))
        part = run.objective.excerpt(run.problem)
        if part and run.objective.whole:  # too large to be tried as a whole
            cost = _probe(Run(Job((stage,), part[0])), seconds, least=1)
            found.append(_larger(cost, part[1]))
        else:
            found.append(_probe(run, seconds))
    return found


def _larger(cost: Cost, factor: float) -> Cost:
    """The cost of something so many times larger."""
    bare = None if cost.convolution_seconds is None else cost.convolution_seconds * factor
    return replace(
        cost, flop=int(cost.flop * factor), step_seconds=cost.step_seconds * factor,
        final_seconds=cost.final_seconds * factor, convolution_seconds=bare,
    )  # fmt: skip


def forecast(job: Job) -> float | None:
    """The seconds that a job on a large picture will take, from a few on parts of it; None for a small one, or unknown."""
    if not any(s.method.objective.excerpt(s.problem or job.problem) for s in job.stages):
        return None
    each = [cost.seconds for cost in costs(job, seconds=0.2)]
    return None if None in each else sum(s for s in each if s is not None)


def _probe(run: Run, seconds: float, least: int = 3) -> Cost:
    from untaught.prior.kernels.bare import alone

    pool = getattr(run.objective, "pool", 0)
    if pool:
        # Inputs that are prepared once and used again would fall into the probe in any number: one now, counted apart.
        run.objective = replace(run.objective, pool=1)  # type: ignore[type-var]
    once = run.steps == 1
    if not once:
        _step(run)
    begun = time.perf_counter()
    flop, convolutions = _counted(run)
    each = time.perf_counter() - begun
    if not once or each < seconds:  # a long step that is all of a stage is not taken again: the counted one is its time
        each = _mean(run, seconds, least)
    bare = alone(convolutions, device=run.method.device, step=each) if convolutions else None
    prepare = _prepare(run, pool, each) if pool else 0.0
    parameters = sum(
        p.numel() for p in (*run.model.parameters(), *run.problem.operator.parameters()) if p.requires_grad
    )
    early = len(getattr(run.method.stop, "rules", ())) > 1
    return Cost(parameters, flop, run.steps, each, prepare, _final(run), early, bare)


def _prepare(run: Run, pool: int, each: float) -> float:
    """The seconds that a pool of inputs takes, from two pairs of them: the first may need something that all share."""
    run.objective = run.objective.bind(run.problem, run.method.prior)  # forgets what was prepared
    first = max(0.0, _timed(lambda: _step(run)) - each)
    run.objective = replace(run.objective, pool=4)  # type: ignore[type-var]
    # Which pair a step takes is drawn: one of eight steps has to prepare the second, but for one time in 256.
    item = min(first, max(0.0, max(_timed(lambda: _step(run)) for _ in range(8)) - each))
    pairs = max(1, pool // 2)
    drawn = pairs * (1 - (1 - 1 / pairs) ** (run.steps or 10 * pairs))
    count = max(drawn, min(pairs, -(-run.method.passes // 2)))  # the final picture is made of them too
    return first - item + item * count


def _final(run: Run) -> float:
    """The seconds of the final picture, from one of one pass and one of two."""
    if part := run.objective.excerpt(run.problem):
        whole, run.problem = run.problem, part[0]
        try:
            return part[1] * _timed(lambda: run.render(run.method.passes))
        finally:
            run.problem = whole
    run.render(1)
    one = _timed(lambda: run.render(1))
    if run.method.passes == 1:
        return one
    return one + (run.method.passes - 1) * max(0.0, _timed(lambda: run.render(2)) - one)


def _step(run: Run) -> None:
    """One more step, also of a run whose rule says that it is over: a short run has to be timed too."""
    run.over = False
    next(run)


def _counted(run: Run) -> tuple[int, Counter[Convolution]]:
    """The floating-point operations of one real step, a product and its sum being two, and its convolutions.

    A convolution counts as its plain sum: the step takes all of them the library's way, since no other is seen.
    """
    from untaught.prior.kernels.bare import Noted, layers, plain

    with plain(run.model), Noted() as noted:
        _step(run)
    return noted.flop, noted.calls if layers(run.model) else Counter()


def _mean(run: Run, seconds: float, least: int) -> float:
    """The mean time of a step over about `seconds`, and over so many steps at least."""
    begun, count = time.perf_counter(), 0
    while count < least or time.perf_counter() - begun < seconds:
        _step(run)
        count += 1
    return (time.perf_counter() - begun) / count


def _timed(work: Any) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def formula(job: Job, costs: list[Cost], *, name: str, dtype: str, sigma_given: bool) -> list[tuple[str, str]]:
    """(symbol, what it is here): y, A, E, R, and for each stage f, z, objective, optimiser, average, stop, passes."""
    problem = job.problem
    shape = tuple(problem.data.shape)
    full = arrays.full_scale(np.empty(0, dtype))
    offset, gain = job.scale
    lines = [
        (
            "y",
            f"{name}: {' x '.join(map(str, shape[2:]))}, {shape[1]} channel{'s' if shape[1] > 1 else ''}, {dtype}; "
            f"value = {offset:g} + {gain:g} y",
        ),
        ("A", said(problem.operator)),
        ("E", _energy(job, sigma_given, full)),
        ("R", " + ".join(f"{w:g} {said(r)}" for w, r in _terms(problem.regulariser)) or "0"),
    ]
    for i, (stage, cost) in enumerate(zip(job.stages, costs, strict=True)):
        m = stage.method
        mark = f" {i + 1}" if len(job.stages) > 1 else ""
        net, code = getattr(m.prior, "net", m.prior), getattr(m.prior, "code", "-")
        output = "".join(f", {key} {value}" for key in ("output", "residual") if (value := getattr(m.prior, key, None)))
        jitter = getattr(m.prior, "jitter", 0)
        limit = "at most " if cost.early else ""
        steps = f"{limit}{cost.steps} steps" if cost.steps is not None else "how many steps is not known before"
        lines += [
            ("f" + mark, f"{said(net)}{output}: {cost.parameters:,} parameters, {cost.flop / 1e9:.3g} GFLOP a step"),
            ("z" + mark, f"{said(code)}" + (f", jittered by {jitter:.3g} at every step" if jitter else "")),
            ("objective" + mark, said(m.objective)),
            ("optimiser" + mark, said(m.optimiser)),
            ("average" + mark, said(m.average)),
            ("stop" + mark, f"{said(m.stop)}: {steps}"),
            ("passes" + mark, f"{m.passes}, averaged in the final picture" if m.passes > 1 else "1"),
        ]
    return lines


def _terms(regulariser: Any) -> Any:
    return getattr(regulariser, "terms", ((1.0, regulariser),))


def _energy(job: Job, given: bool, full: float) -> str:
    """E by the first words of its own documentation, with sigma in the unit of the picture, and how it is known."""
    likelihood = job.problem.likelihood
    sigma = getattr(likelihood, "sigma", None)
    first = (type(likelihood).__doc__ or "").strip().splitlines()[0]
    if type(likelihood).__name__ == "Gaussian" and sigma is not None:
        first = "|A x - y|^2 / (2 sigma^2)."
    if sigma is None:
        return f"{said(likelihood)}: {first}"
    levels = [s * job.scale[1] for s in (sigma if isinstance(sigma, tuple) else (sigma,))]
    shown = ", ".join(f"{v:.3g}" for v in levels) + (f" of {full:g}" if full > 1 else "")
    return f"{type(likelihood).__name__}: {first} sigma = {shown}, {'given' if given else 'measured on the picture'}"


def said(part: Any) -> str:
    """A part as it would be written, with large tensors by their sizes only."""
    if hasattr(part, "numel"):
        return f"tensor {' x '.join(map(str, part.shape))}"
    if is_dataclass(part) and not isinstance(part, type):
        inner = ", ".join(f"{f.name}={said(getattr(part, f.name))}" for f in fields(part) if f.repr)
        return f"{type(part).__name__}({inner})"
    return repr(part)
