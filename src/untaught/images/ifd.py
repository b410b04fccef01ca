"""EXIF, byte for byte: directories of tags (TIFF's, which EXIF borrows) read, patched and moved, not interpreted.

Libraries read the values and write them anew, which loses what they do not know. Only places are changed here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterator
from typing import Literal

EXIF, GPS, INTEROP = 0x8769, 0x8825, 0xA005  # tags whose value is the place of a further directory
ORIENTATION, MAKE, MODEL = 0x0112, 0x010F, 0x0110
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}

Read = Callable[[int, int], bytes]  # (place, length) -> bytes
Order = Literal["<", ">"]  # as `struct` wants it


def start(block: bytes) -> tuple[Order, int]:
    """The byte order, '<' or '>' as `struct` wants it, and the place of the first directory."""
    order: Order | None = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])  # type: ignore[assignment]
    if order is None:
        raise ValueError("not a TIFF block")
    return order, struct.unpack_from(order + "I", block, 4)[0]


def tags(block: bytes) -> set[int]:
    """The tags of the first directory; empty where the block is damaged."""
    try:
        order, at = start(block)
        return {tag for tag, *_ in entries(reader(block), order, at)}
    except (struct.error, ValueError):
        return set()


def is_sound(block: bytes) -> bool:
    """Whether every value is inside the block, so that it can be moved elsewhere."""
    try:
        order, at = start(block)
        moved(reader(block), order, at, 8)
    except (struct.error, ValueError):
        return False
    return True


def reader(block: bytes) -> Read:
    """Reads of a block in memory."""
    return lambda at, length: block[at : at + length]


def entries(read: Read, order: Order, at: int) -> Iterator[tuple[int, int, int, bytes]]:
    """(tag, type, count, the four bytes of the value or of its place) of the directory at `at`."""
    (count,) = struct.unpack(order + "H", read(at, 2))
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        yield struct.unpack(order + "HHI4s", read(entry, 12))


def moved(read: Read, order: Order, at: int, base: int, keep: Collection[int] | None = None, depth: int = 0) -> bytes:
    """The directory at `at`, its values and its sub-directories, as it must be written to stand at `base`.

    keep: the tags to take (None: all). Raises struct.error or ValueError where the directory is damaged.
    """
    known = [e for e in entries(read, order, at) if e[1] in _SIZES and (keep is None or e[0] in keep)]
    tail, rows = b"", b""
    free = base + 2 + 12 * len(known) + 4
    for tag, kind, count, value in known:
        size = _SIZES[kind] * count
        if tag in (EXIF, GPS, INTEROP):
            if depth > 2:
                raise ValueError("directories that point at each other")
            (place,) = struct.unpack(order + "I", value)
            data = moved(read, order, place, free + len(tail), depth=depth + 1)
        elif size > 4:
            (place,) = struct.unpack(order + "I", value)
            data = read(place, size)
            if len(data) < size:
                raise ValueError("a value beyond the end")
        else:
            data = b""
        if data:
            value = struct.pack(order + "I", free + len(tail))
            tail += data + b"\0" * (len(data) % 2)
        rows += struct.pack(order + "HHI4s", tag, kind, count, value)
    return struct.pack(order + "H", len(known)) + rows + b"\0\0\0\0" + tail


def extract(read: Read, order: Order, at: int, wanted: Collection[int]) -> bytes | None:
    """The `wanted` tags of a TIFF whose first directory is at `at`, as an EXIF block; None where there are none."""
    if not any(tag in wanted for tag, *_ in entries(read, order, at)):
        return None
    head = b"II*\0" if order == "<" else b"MM\0*"
    return head + struct.pack(order + "I", 8) + moved(read, order, at, 8, wanted)


def take_orientation(exif: bytes) -> tuple[int, bytes]:
    """The EXIF orientation (1 to 8), and the block with that number set to 1 and every other byte as it was."""
    try:
        order, at = start(exif)
        for number, (tag, kind, _, value) in enumerate(entries(reader(exif), order, at)):
            if (tag, kind) == (ORIENTATION, 3):
                place = at + 2 + 12 * number + 8
                (orientation,) = struct.unpack_from(order + "H", value)
                reset = exif[:place] + struct.pack(order + "H", 1) + exif[place + 2 :]
                return (orientation if 1 <= orientation <= 8 else 1), reset
    except (struct.error, ValueError):  # damaged, or none: kept as it is, it turns nothing
        pass
    return 1, exif
