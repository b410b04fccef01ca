"""How near to the best picture every rule stops, on recordings: picked step, oracle step, gap in dB; chosen on one half, judged
on the other.

Where a rule stops is worked out anew from the scores that were recorded, with its patience as it is now. The gap is the
PSNR of the averaged picture at the step that the rule picks, less that of the best averaged picture of the watched run. Rules
that change the data are scored on a run of their own: as it is, and with `refit`, where the watched run, which begins from the
same start and sees all the data, has what the repeated stage would have found.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from untaught.bench.trajectories import CHANGED, FED, WATCHED, Recording, rules

if TYPE_CHECKING:
    from untaught.solver.stopping import Rule

AUTO, LAST, REFIT = "auto", "last step", ", refit"


@dataclass(frozen=True)
class Judged:
    """One rule on one trajectory. picked: its step, None where the rule refused. stopped: whether it ended the run itself.
    gap: dB, 0 for the oracle and negative; best, end: PSNR of the oracle and of the run's end."""

    case: str
    damage: str
    half: str
    rule: str
    picked: int | None
    stopped: bool
    oracle: int
    gap: float | None
    best: float
    end: float
    said: str = ""


def lines(recordings: Sequence[Recording]) -> list[Judged]:
    """Every rule on every trajectory, and what `Auto` comes to; of fed runs the end, against the best along the path."""
    of = {(r.case, r.run): r for r in recordings}
    found = []
    for main in recordings:
        if main.run == FED:
            found.append(_line(main, main, "fed: fast", len(main.psnr) - 1, True))
        if main.run != WATCHED:
            continue
        mine: dict[str, tuple[Recording, str, Rule]] = {n: (main, n, r) for n, r in rules(WATCHED).items()}
        if changed := of.get((main.case, CHANGED)):
            for name, rule in rules(CHANGED).items():
                mine[name] = mine[name + REFIT] = changed, name, rule
        for name, (where, key, rule) in mine.items():
            found.append(_judged(main, where, name, key, rule))
        found.append(_auto(main, mine))
        found.append(_line(main, main, LAST, len(main.psnr) - 1, False))
    return found


def pick(rule: Rule, recording: Recording, scores: Sequence[float]) -> tuple[int, bool]:
    """(index of the step that the rule takes for the best, whether it ended the run by itself)."""
    state, best = rule.init(), None
    for i, (step, energy, score) in enumerate(zip(recording.steps, recording.energy, scores, strict=True)):
        seen: Any = SimpleNamespace(step=step, energy=energy, fit=score)
        state, verdict = rule.replay(state, seen, None if score != score else score)
        if verdict.best:
            best = i
        if verdict.stop:
            return (i if best is None else best), True
    return (len(scores) - 1 if best is None else best), False


def _judged(main: Recording, where: Recording, name: str, key: str, rule: Rule) -> Judged:
    if key not in where.scores:
        return _line(main, where, name, None, False, where.refused.get(key, ""))
    index, stopped = pick(rule, where, where.scores[key])
    return _line(main, main if name.endswith(REFIT) else where, name, index, stopped)


def _auto(main: Recording, mine: dict[str, tuple[Recording, str, Rule]]) -> Judged:
    """What `Auto` would do: the first rule of its table that was recorded and has not refused, as the table sets it."""
    from untaught.solver.stopping.auto import CHOICE

    for rule in CHOICE[main.kind]:
        for name, (where, key, known) in mine.items():
            if type(known) is not type(rule) or key not in where.scores:
                continue
            if name.endswith(REFIT) == rule.refit:
                line = _judged(main, where, name, key, rule)
                return replace(line, rule=AUTO, said=name)
    return _line(main, main, AUTO, None, False, "its rule was not recorded")


def _line(main: Recording, where: Recording, rule: str, index: int | None, stopped: bool, said: str = "") -> Judged:
    oracle = int(np.argmax(main.psnr))
    best, half = main.psnr[oracle], "choose" if main.chooses else "judge"
    gap = None if index is None else where.psnr[index] - best
    picked = None if index is None else main.steps[index]
    return Judged(
        main.case, main.damage, half, rule, picked, stopped, main.steps[oracle], gap, best, main.psnr[-1], said
    )


def summary(lines: Sequence[Judged], half: str) -> list[tuple[str, ...]]:
    """For every rule: on how many trajectories of that half it works, its mean and worst gap, and where it is worst."""
    rows: list[tuple[str, ...]] = [("rule", "trajectories", "mean gap", "worst", "worst on", "ended by itself")]
    for name in dict.fromkeys(line.rule for line in lines):
        mine = [x for x in lines if x.rule == name and x.half == half]
        seen = [(x.gap, x.case) for x in mine if x.gap is not None]
        if seen:
            worst, case = min(seen)
            ended = f"{sum(x.stopped for x in mine)}/{len(seen)}"
            mean = statistics.fmean(gap for gap, _ in seen)
            rows.append((name, f"{len(seen)}/{len(mine)}", f"{mean:.2f}", f"{worst:.2f}", case, ended))
    return rows


def by_damage(lines: Sequence[Judged]) -> list[tuple[str, ...]]:
    """The mean gap of every rule under every damage, of the half that chooses: what `Auto`'s table is read off."""
    mine = [x for x in lines if x.half == "choose" and x.gap is not None]
    names = list(dict.fromkeys(x.rule for x in mine))
    rows: list[tuple[str, ...]] = [("damage", *names)]
    for damage in dict.fromkeys(x.damage for x in mine):
        gaps = [[x.gap for x in mine if x.damage == damage and x.rule == n and x.gap is not None] for n in names]
        rows.append((damage, *(f"{statistics.fmean(g):.2f}" if g else "-" for g in gaps)))
    return rows


def grid(lines: Sequence[Judged]) -> list[tuple[str, ...]]:
    """One row a trajectory: its oracle, and for every rule the gap and the picked step."""
    names = list(dict.fromkeys(line.rule for line in lines))
    rows: list[tuple[str, ...]] = [("trajectory", "half", "oracle", "best", "end", *names)]
    for case in dict.fromkeys(line.case for line in lines):
        mine = {line.rule: line for line in lines if line.case == case}
        one = next(iter(mine.values()))
        cells = (mine.get(n) for n in names)
        rows.append(
            (
                case,
                one.half,
                str(one.oracle),
                f"{one.best:.2f}",
                f"{one.end:.2f}",
                *("-" if c is None or c.gap is None else f"{c.gap:.2f} ({c.picked})" for c in cells),
            )
        )
    return rows
