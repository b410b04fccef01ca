"""A picture some of whose values are unknown, for a task that is not told what is missing: known values take their places for the
run, and what is done about them in the result is the last thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from untaught.io.arrays import channels, of_frames, placed
from untaught.io.gaps import Gaps, bridged, spread, unknown

if TYPE_CHECKING:
    from untaught.io.images import Image
    from untaught.solver.stage import Job


def spanned(compose: Callable[..., Job], image: Image, settings: dict[str, Any]) -> Job:
    """The job that `compose` makes of a picture without its unknown values, and what is done about these in the result.

    The setting keep_nan leaves them as they are; what a file marks as no data stays whatever is asked.
    """
    array, without = image.pixels, getattr(image, "unknown", None)
    original = np.ma.getdata(array)
    lost, notes = unknown(array, without)
    if lost is None:
        return compose(replace(image, pixels=original), **settings)
    axis = _axis(original, settings)
    job = compose(replace(image, pixels=bridged(original, lost, axis)), **settings)
    keeps = bool(settings.get("keep_nan"))
    kept = lost if keeps else None if without is None else spread(without, lost.shape)
    said = f"{notes[0]}, and {'stay' if keeps else 'are filled'}"
    job = replace(job, notes=(said, *notes[1:], *job.notes))
    return _weighed(job, Gaps(lost, original, axis, kept))


def _axis(array: NDArray, settings: dict[str, Any]) -> int | None:
    """Where the channels are, as the settings say it."""
    given, axes, along = (settings.get(k, "auto") for k in ("channel_axis", "axes", "along"))
    given = placed(array, axes, given, along if along != "auto" else "space")
    return channels(array, of_frames(array, given) if along == "time" else given)


def _weighed(job: Job, gaps: Gaps) -> Job:
    """The job with the gaps in its result; where every objective weighs its measurements, with the weight 0 there."""
    stages = [s for s in job.stages if s.problem is not None]
    problems = [job.problem, *(s.problem for s in stages if s.problem is not None)]
    gone = gaps.gone[None] if gaps.axis is None else np.moveaxis(gaps.gone, gaps.axis, 0)
    weighs = all(s.weighs for s in job.stages) and all(
        p.data.shape[2:] == gone.shape[1:] and p.data.shape[1] in (1, len(gone)) for p in problems
    )
    if weighs:
        import torch

        lost = torch.from_numpy(np.ascontiguousarray(gone))[None]

        def weighed(problem: Any) -> Any:
            known = ~lost.any(1, keepdim=True) if problem.data.shape[1] != lost.shape[1] else ~lost
            return replace(problem, weight=known.float() * (1 if problem.weight is None else problem.weight))

        job = replace(
            job,
            problem=weighed(job.problem),
            stages=tuple(s if s.problem is None else replace(s, problem=weighed(s.problem)) for s in job.stages),
        )
    return replace(job, finish=job.finish.bridging(gaps.gone, replace(gaps, whole=weighs)))
