"""What the commands of the studies share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from untaught.io.images.places import Places


def tell(places: Places) -> None:
    """Say where things went whose place was taken meanwhile."""
    for sentence in places.said:
        print(f"untaught: {sentence}", file=sys.stderr)
