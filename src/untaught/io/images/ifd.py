"""EXIF, byte for byte: directories of tags (TIFF's, which EXIF borrows) read, patched and moved, not interpreted.

Libraries read the values and write them anew, which loses what they do not know. Only places are changed here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterator
from fractions import Fraction
from typing import Literal

EXIF, GPS, INTEROP = 0x8769, 0x8825, 0xA005  # tags whose value is the place of a further directory
ORIENTATION, MAKE, MODEL, ISO = 0x0112, 0x010F, 0x0110, 0x8827
_MAKER = 0x927C
_SIDES = {0x0100: 0, 0x0101: 1, 0xA002: 0, 0xA003: 1}  # the picture's width (0) and height (1), in pixels
_DENSITIES = {0x011A: 0, 0x011B: 1, 0xA20E: 0, 0xA20F: 1}  # pixels a unit of length, on paper and on the sensor
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}

THUMBNAIL = "The thumbnail in its EXIF block showed the picture as it was: it was left out."

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


def number(block: bytes, tag: int) -> int:
    """The first whole number of that tag, in the first directory or in EXIF's; 0 where there is none, or the block is damaged."""
    try:
        order, first = start(block)
        todo = [first]
        for at in todo:
            for found, kind, count, value in entries(reader(block), order, at):
                if found == EXIF and len(todo) == 1:
                    todo.append(*struct.unpack(order + "I", value))
                elif found == tag and kind in (3, 4) and 0 < _SIZES[kind] * count <= 4:
                    return int(struct.unpack_from(order + ("H" if kind == 3 else "I"), value)[0])
    except (struct.error, ValueError):
        pass
    return 0


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
            if tag == _MAKER:
                data = _counted_anew(data, order, place, free + len(tail))[0]
        else:
            data = b""
        if data:
            value = struct.pack(order + "I", free + len(tail))
            tail += data + b"\0" * (len(data) % 2)
        rows += struct.pack(order + "HHI4s", tag, kind, count, value)
    return struct.pack(order + "H", len(known)) + rows + b"\0\0\0\0" + tail


def _counted_anew(note: bytes, order: Order, was: int, now: int) -> tuple[bytes, bool]:
    """A maker note moved from `was` to `now`, and whether it is sound there.

    Some makers' directories count their places from the start of the file (Canon's, Sony's): these are counted anew. Others
    count from the note's own start, or hold no places at all: these move as they are. What may be either is not touched.
    """
    for head in (0, 8, 10, 12):  # a maker's name may stand before the directory
        try:
            rows = list(entries(reader(note), order, head))
        except struct.error:
            continue
        sizes = [_SIZES.get(kind, 0) * count for _, kind, count, _ in rows]
        if not rows or 0 in sizes or not any(size > 4 for size in sizes):
            continue
        places = [struct.unpack(order + "I", row[3])[0] for row in rows]
        least = head + 2 + 12 * len(rows)
        counted = [
            all(
                start + least <= at <= start + len(note) - size
                for at, size in zip(places, sizes, strict=True)
                if size > 4
            )
            for start in (was, 0)
        ]
        if counted == [True, False]:
            out = bytearray(note)
            for number, (at, size) in enumerate(zip(places, sizes, strict=True)):
                if size > 4:
                    struct.pack_into(order + "I", out, head + 2 + 12 * number + 8, at - was + now)
            return bytes(out), True
        return note, counted == [False, True]
    return note, True


def moves(read: Read, order: Order, at: int) -> bool:
    """Whether the maker's note behind the directory at `at` outlasts a move to another place (or there is none)."""
    for tag, kind, count, value in entries(read, order, at):
        (place,) = struct.unpack(order + "I", value)
        if tag == EXIF:
            return moves(read, order, place)
        if tag == _MAKER and _SIZES.get(kind, 0) * count > 4:
            return _counted_anew(read(place, count), order, place, place)[1]
    return True


def extract(read: Read, order: Order, at: int, wanted: Collection[int]) -> bytes | None:
    """The `wanted` tags of a TIFF whose first directory is at `at`, as an EXIF block; None where there are none."""
    if not any(tag in wanted for tag, *_ in entries(read, order, at)):
        return None
    head = b"II*\0" if order == "<" else b"MM\0*"
    return head + struct.pack(order + "I", 8) + moved(read, order, at, 8, wanted)


def times(numerator: int, denominator: int, factor: float) -> tuple[int, int]:
    """A rational times `factor`, of 32-bit numbers again; what is no number stays as it is."""
    if not denominator:
        return numerator, denominator
    value = Fraction(numerator, denominator) * Fraction(factor).limit_denominator(2**20)
    value = value.limit_denominator(max(1, int((2**32 - 1) / max(float(value), 1.0))))
    return min(value.numerator, 2**32 - 1), value.denominator


def resized(exif: bytes, size: tuple[int, int], factors: tuple[float, float], *, turned: bool = False) -> bytes:
    """The block for a picture of `size` (width, height) with `factors` times the pixels; all other bytes as they were.

    turned: rows became columns, and what stood for one axis now stands for the other.
    """
    out = bytearray(exif)
    try:
        order, first = start(exif)
        todo, found = [first], dict[int, tuple[int, bytes]]()
        for at in todo:
            for number, (tag, kind, count, value) in enumerate(entries(reader(exif), order, at)):
                row = at + 2 + 12 * number
                if tag == EXIF and len(todo) == 1:
                    todo.append(*struct.unpack(order + "I", value))
                elif tag in _SIDES and count == 1 and kind in (3, 4):
                    struct.pack_into(order + "HII", out, row + 2, 4, 1, size[_SIDES[tag]])
                elif tag in _DENSITIES and (count, kind) == (1, 5):
                    (place,) = struct.unpack(order + "I", value)
                    above, below = struct.unpack_from(order + "II", exif, place)
                    found[tag] = place, struct.pack(order + "II", *times(above, below, factors[_DENSITIES[tag]]))
        for tag, (place, data) in found.items():
            other = tag + (1 if _DENSITIES[tag] == 0 else -1)
            out[place : place + 8] = found[other][1] if turned and other in found else data
    except (struct.error, ValueError):  # damaged: nothing in it can be found
        return exif
    return bytes(out)


def without_thumbnail(exif: bytes) -> bytes:
    """The block without its second directory, which holds a small picture of what the picture was."""
    try:
        order, at = start(exif)
        (count,) = struct.unpack_from(order + "H", exif, at)
        link = at + 2 + 12 * count
        (second,) = struct.unpack_from(order + "I", exif, link)
        if not second:
            return exif
        out = bytearray(exif)
        out[link : link + 4] = bytes(4)
        values = {
            tag: struct.unpack(order + "I", value)[0] for tag, _, _, value in entries(reader(exif), order, second)
        }
        place, length = values.get(0x0201, 0), values.get(0x0202, 0)
        if second < place and place + length >= len(exif) - 1:  # at the end, as nearly always: nothing else moves
            del out[place:]
        else:
            out[place : place + length] = bytes(len(out[place : place + length]))
    except (struct.error, ValueError):
        return exif
    return bytes(out)


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
