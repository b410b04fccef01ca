"""Chance: children of a seed are their own, the first of a kind is the seed itself, and nobody adds to a seed."""

from __future__ import annotations

import ast

import test_house
import torch

import untaught
from untaught.core.randomness import Rng

KINDS = ("stage", "attempt", "rule", "member", "run")
SMALL = untaught.Hourglass(down=(4,), skip=0)


def test_children_of_all_kinds_and_seeds_are_different():
    found = {seed: Rng(seed) for seed in range(40)}
    for kind in KINDS:
        for i in range(1, 12):
            for seed in range(40):
                child = Rng(seed).child(kind, i)
                assert child.seed not in found
                found[child.seed] = child
                grandchild = child.child(kind, i)
                assert grandchild.seed not in found
                found[grandchild.seed] = grandchild


def test_the_first_of_a_kind_is_the_seed_itself():
    for kind in KINDS:
        rng = Rng(7)
        assert rng.child(kind, 0) is rng
        a, b = (Rng(7).child(kind, 3) for _ in range(2))
        assert a.seed == b.seed
        assert torch.equal(torch.rand(4, generator=a.stream), torch.rand(4, generator=b.stream))


def test_nobody_adds_to_a_seed():
    found = [
        f"{file}:{node.lineno} {ast.unparse(node)}"
        for file, tree in test_house.sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp)
        and any(
            isinstance(s, (ast.Name, ast.Attribute)) and ast.unparse(s).endswith("seed")
            for s in (node.left, node.right)
        )
    ]
    assert found == []


def started(prior: untaught.Prior, seed: int) -> list[torch.Tensor]:
    """The weights of every member, from the start."""
    model = prior.build((1, 1, 8, 8), untaught.Problem(torch.rand(1, 1, 8, 8)), Rng(seed))
    parts = getattr(model, "parts", [model])
    return [torch.cat([p.detach().flatten() for p in part.parameters()]) for part in parts]


def test_members_of_other_seeds_are_never_the_same():
    one = untaught.Network(SMALL, untaught.Noise(2))
    several = [weights for seed in range(6) for weights in started(untaught.Ensemble(one, 4), seed)]
    assert len({tuple(w.tolist()) for w in several}) == len(several)
    assert torch.equal(started(untaught.Ensemble(one, 2), 3)[0], started(one, 3)[0])


def test_repeated_runs_share_none_with_those_of_the_next_seeds():
    method = untaught.Method(untaught.Network(SMALL, untaught.Noise(2)), stop=untaught.After(1))
    job = untaught.Job((untaught.Solve(method),), untaught.Problem(torch.rand(1, 1, 8, 8)))
    seeds = []
    for seed in range(3):
        runs = untaught.RepeatedRuns(job.seeded(seed), 3)
        mine = set()
        for _ in runs:
            mine.add(runs.course.method.seed)
        assert len(mine) == 3
        assert seed in mine
        seeds += mine
    assert len(set(seeds)) == len(seeds)


def test_rules_that_are_composed_draw_their_own():
    problem = untaught.Problem(torch.rand(1, 1, 16, 16))
    rule = untaught.HoldOut(0.2) | untaught.HoldOut(0.2)
    for seed in range(3):
        _, bound = rule.bind(problem, Rng(seed), untaught.Fit())
        _, alone = untaught.HoldOut(0.2).bind(problem, Rng(seed + 1), untaught.Fit())
        first, second = (part._held for part in bound.parts)
        assert not torch.equal(first, second)
        assert not torch.equal(second > 0, alone._held > 0)
