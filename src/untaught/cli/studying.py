"""What the commands of the studies share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from untaught.core.errors import BadInput

if TYPE_CHECKING:
    from untaught.io.images.places import Places


def tell(places: Places) -> None:
    """Say where things went whose place was taken meanwhile."""
    for sentence in places.said:
        print(f"untaught: {sentence}", file=sys.stderr)


def names(text: str) -> list[str]:
    """Names with commas between them."""
    return [name.strip() for name in text.split(",") if name.strip()]


def check(**counts: int | None) -> None:
    """Refuse an option that counts something, and is below 1."""
    for option, count in counts.items():
        if count is not None and count < 1:
            raise BadInput(f"--{option} {count} leaves nothing to do: give 1 or more.")
