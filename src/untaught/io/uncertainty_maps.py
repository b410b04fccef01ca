"""How far a result may be off, as arrays in its own units and layout: the maps of an `Uncertainty`, and how runs differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput

if TYPE_CHECKING:
    from torch import Tensor

    from untaught.solver.result import Result
    from untaught.solver.stage import Job
    from untaught.solver.uncertainty import Spread, Uncertainty


def maps(job: Job, found: Uncertainty, spread: Spread | None = None) -> dict[str, NDArray]:
    """Named pages, the standard deviation first; where known values are kept, nothing is uncertain. spread: between the runs."""
    array, top = replace(job, finish=direct(job.finish.bare)).result, job.finish.full
    mean = array(found.mean)
    ends = [array(x) for x in (found.lower, found.upper)]
    if top:
        ends = [np.clip(end, 0, top) for end in ends]
    pages = {
        "standard deviation": np.abs(array(found.mean + found.deviation) - mean),
        "lower end of the 90 % interval": ends[0],
        "upper end of the 90 % interval": ends[1],
    }
    if spread is not None:
        pages["standard deviation between runs"] = np.abs(array(found.mean + spread.deviation) - mean)
    return pages


def between(job: Job, pictures: Sequence[Tensor]) -> NDArray:
    """The standard deviation between the results that two or more pictures, (1, c, *space) each, would become."""
    array = replace(job, finish=job.finish.exact()).result
    return np.std([array(x) for x in pictures], axis=0, ddof=1)


def direct(finish: Result) -> Result:
    """`exact`, of results that are the picture sought itself; `BadInput` for one that is made of it in another way."""
    if finish.direct:
        return finish.exact()
    raise BadInput(
        "The uncertainty is that of the picture sought, and the result of this task is made of it in another way: leave out "
        "--uncertainty; --repeat tells how runs differ."
    )
