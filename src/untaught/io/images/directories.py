"""TIFF's directories, walked before any library reads them: no ring, and no value longer than the file is let through."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

from untaught.core.errors import BadInput

MOST = 10_000  # directories that are walked: a file of so many is a stack
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_ONE = {  # tags that are one whole number: libraries reckon with them before they ask whether they are
    254, 255, 256, 257, 259, 262, 266, 274, 277, 278, 284, 296, 317, 322, 323, 32997, 32998,
}  # fmt: skip
_WHOLE = {1, 3, 4, 6, 8, 9, 13, 16, 17}


def check(file: BinaryIO, name: str) -> None:
    """BadInput where the chain of directories is a ring or too long, or a value of one reaches beyond the file.

    file: at any position, and left at any.
    """
    size = file.seek(0, io.SEEK_END)
    seen: set[int] = set()
    for at, values in _chain(file, size, name):
        if at in seen:
            raise BadInput(
                f"{name} is damaged: its directory at byte {at} comes after itself, so that its pages have no end; fetch "
                "it again, or save it anew where it was made."
            )
        seen.add(at)
        if len(seen) > MOST:
            raise BadInput(
                f"{name} holds more than {MOST} pages, and one picture at a time can be worked on: extract one."
            )
        total = 0
        for tag, kind, count, length in values:
            total += length
            if total > size:
                raise BadInput(
                    f"{name} is incomplete or damaged: tag {tag} of its directory at byte {at} counts {count} values, and "
                    f"the file has {size} bytes; fetch it again."
                )
            if tag in _ONE and (kind not in _WHOLE or count != 1):
                raise BadInput(
                    f"{name} is damaged: tag {tag} is one whole number, and is {count} values of type {kind}; save it anew "
                    "where it was made."
                )


def _chain(file: BinaryIO, size: int, name: str) -> Iterator[tuple[int, list[tuple[int, int, int, int]]]]:
    """(place, [(tag, type, count, bytes)]) of every directory."""

    def get(place: int, layout: str) -> tuple[int, ...]:
        length = struct.calcsize(layout)
        if place + length > size:
            raise BadInput(
                f"{name} is truncated: a directory reaches to byte {place + length}, it ends at {size}: fetch it again."
            )
        file.seek(place)
        return struct.unpack(layout, file.read(length))

    file.seek(0)
    head = file.read(4)
    order = "<" if head[:2] == b"II" else ">"
    big = 43 in head[2:]
    place, number, entry = ("Q", "Q", "HHQQ") if big else ("I", "H", "HHII")
    (at,) = get(8 if big else 4, order + place)
    while at:
        (count,) = get(at, order + number)
        start, row = at + struct.calcsize(order + number), struct.calcsize(order + entry)
        if start + count * row > size:
            raise BadInput(
                f"{name} is incomplete or damaged: its directory at byte {at} counts {count} entries, and the file has "
                f"{size} bytes; fetch it again."
            )
        file.seek(start)
        rows = struct.iter_unpack(order + entry, file.read(count * row))
        yield at, [(tag, kind, n, n * _SIZES.get(kind, 0)) for tag, kind, n, _ in rows]
        if start + count * row + struct.calcsize(place) > size:
            return  # the last pointer is missing, as of a file that ends with its only directory
        (at,) = get(start + count * row, order + place)
        if at >= size:
            return  # readers take that for the end
