"""From the name of a preset to a plan. A task's presets are one table: for which jobs, and by which rows.

Rows are values with their source (`_rows`); their budgets are steps, never seconds. `tasks/X/presets.py` has a task's table as
`PRESETS`; docs/presets.md shows all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from untaught.core import parsing
from untaught.core.errors import BadInput, unknown
from untaught.core.machine import resolve_device
from untaught.core.registry import networks, presets
from untaught.problem import Problem
from untaught.solver.memory import refuse_picture
from untaught.solver.result import Result
from untaught.solver.stage import Estimate, Job, Method, Solve, Stage
from untaught.solver.stopping import After, FirstOf, Rule, rule

if TYPE_CHECKING:
    from torch import Tensor

BEYOND = 2  # times a preset's own steps, where a rule is to end the run


@dataclass(frozen=True, eq=False)
class Facts:
    """What a preset may know of a job; the truth is not among it. pictures: the values lie in [0, 1] and end there.

    stop: "preset", "auto" (networks that are fitted to the whole picture end by themselves), or a rule as it is written.
    kind: what the task found of the job besides, in a word (the kind of its holes, the detail that is asked for). guide: a picture
    beside the data, (1, c, *space). network: "preset", or one as it is written, in the place of those. device: as torch writes
    it; "auto" is one for `Presets.job` alone.
    """

    problem: Problem
    pictures: bool
    seed: int = 0
    device: str = "cpu"
    steps: int | None = None
    stop: str = "preset"
    kind: str = ""
    guide: Tensor | None = None
    network: str = "preset"

    @property
    def channels(self) -> int:
        return self.problem.image_shape[1]

    @property
    def space(self) -> tuple[int, ...]:
        return tuple(self.problem.image_shape[2:])

    @property
    def given(self) -> tuple[int, ...]:
        """The sides of the data."""
        return tuple(self.problem.data.shape[2:])

    @property
    def sigma(self) -> float:
        """The mean standard deviation of the noise in the units of the problem; 0 where it is not known."""
        return self.problem.likelihood.level


@dataclass(frozen=True)
class When:
    """A kind of job: in words, and whether a job is of it."""

    words: str
    holds: Callable[[Facts], bool]

    def __and__(self, other: When) -> When:
        return When(f"{self.words}, {other.words}", lambda facts: self.holds(facts) and other.holds(facts))

    def __or__(self, other: When) -> When:
        return When(f"{self.words} or {other.words}", lambda facts: self.holds(facts) or other.holds(facts))


ALWAYS = When("any", lambda facts: True)
STEPS = When("a number of steps given", lambda facts: facts.steps is not None)


@dataclass(frozen=True)
class Plan:
    """What is done, stage by stage, and what a person is told of the choice, in sentences."""

    stages: tuple[Stage, ...]
    notes: tuple[str, ...] = ()


class Row(ABC):
    """How a picture is sought. source: the paper, or the benchmark of this project, that its values are from. note: what is told
    where it is taken, or ""."""

    source: str
    note: str = ""

    @abstractmethod
    def stages(self, facts: Facts) -> tuple[Stage, ...]: ...


@dataclass(frozen=True)
class Way:
    """One line of a task's table: for jobs of that kind, the rows that each preset of it takes.

    note: what is told of the choice; empty for what the rows say of themselves. {preset} stands for the preset's name, {size} for
    the sides of the data.
    """

    when: When
    rows: Mapping[str, tuple[Row, ...]]
    note: str = ""

    def plan(self, name: str, facts: Facts) -> Plan:
        rows, size = self.rows[name], " x ".join(map(str, facts.given))
        stages = tuple(stage for row in rows for stage in row.stages(facts))
        notes = [self.note] if self.note else [row.note for row in rows]
        return Plan(stages, tuple(note.format(preset=name, size=size) for note in notes if note))


def way(when: When, note: str = "", **rows: Row | tuple[Row, ...]) -> Way:
    """A line of a table; one row may stand for itself."""
    return Way(when, {name: some if isinstance(some, tuple) else (some,) for name, some in rows.items()}, note)


class Presets(Mapping[str, str]):
    """A task's presets: what each promises, by name; and the table, of which the first line that holds for a job is taken."""

    def __init__(self, promises: dict[str, str], *ways: Way) -> None:
        self.promises, self.ways = promises, ways

    def __getitem__(self, name: str) -> str:
        return self.promises[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.promises)

    def __len__(self) -> int:
        return len(self.promises)

    def way(self, name: str, facts: Facts) -> Way:
        """The line that a job is done by."""
        return next(way for way in self.ways if name in way.rows and way.when.holds(facts))

    def plan(self, name: str, facts: Facts) -> Plan:
        """What is done; `BadInput` with the nearest name for a preset, a rule or a network that there is not, and where nothing is
        stopped early, or no network is fitted, though that is asked for."""
        if name not in self:
            raise unknown("preset", name, self)
        refuse_picture(facts.problem, facts.device)
        plan = self.way(name, facts).plan(name, facts)
        stages = plan.stages
        if facts.network != "preset":
            net = parsing.parse(facts.network, dict(networks.items()), "network")
            stages = self._fitted(name, stages, "network", lambda m: replace(m, prior=m.prior.with_net(net)))
        if facts.stop != "preset":
            early = rule(facts.stop)
            stages = self._fitted(name, stages, "stop", lambda m: replace(m, stop=_early(early, m.stop, facts.steps)))
        return Plan(tuple(s.seeded(facts.seed).on(facts.device) for s in stages), plan.notes)

    def job(self, name: str, facts: Facts, result: Result, notes: Iterable[str] = ()) -> Job:
        """The job by that plan, on a device that is there; what the task has to tell stands before what the plan tells."""
        plan = self.plan(name, replace(facts, device=resolve_device(facts.device)))
        return Job(plan.stages, facts.problem, result, (*notes, *plan.notes))

    def _fitted(
        self, name: str, stages: tuple[Stage, ...], setting: str, change: Callable[[Method], Method]
    ) -> tuple[Stage, ...]:
        """The stages with another method in every one that fits a network to the picture; `BadInput` where none does."""
        if not any(isinstance(s, Solve) and s.method.overfits for s in stages):
            classic = (
                "a classic filter" if all(isinstance(s, Estimate) for s in stages) else "a classic without a network"
            )
            why = "fed with the data" if any(network(s) for s in stages) else classic
            lacks = {
                "stop": "which does not overfit, so that nothing is stopped early",
                "network": "and fits no network to the picture that another could replace",
            }[setting]
            other = ", or take the preset 'paper'" if "paper" in self and name != "paper" else ""
            raise BadInput(f"The preset '{name}' is {why}, {lacks}: leave {setting} out{other}.")
        return tuple(
            replace(s, method=change(s.method)) if isinstance(s, Solve) and s.method.overfits else s for s in stages
        )


def network(stage: Stage) -> bool:
    """Whether a stage seeks the weights of a network."""
    return isinstance(stage, Solve) and stage.network is not None


def table(task: str) -> Mapping[str, str]:
    """The promises of a task's presets by name; none, where it has none."""
    return presets.get(task) if task in presets.names() else {}


def _early(early: Rule, stop: Rule, steps: int | None) -> Rule:
    """`early` first, then what the preset has; its number of steps is doubled where nobody has given one."""
    given = steps is None and any(part.fixed for part in early.parts)
    rest = [
        After(steps or BEYOND * part.fixed) if part.fixed else part for part in stop.parts if not (part.fixed and given)
    ]
    return FirstOf((*early.parts, *rest))
