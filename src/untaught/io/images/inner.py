"""How large a compressed picture unpacks, by its own first bytes: asked before any decoder makes room for it."""

from __future__ import annotations

import struct
from collections.abc import Iterator

STARTS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # JPEG markers that say a frame's kind and size
SCANS = 400  # of one JPEG: encoders make about ten, and each costs the decoder another walk over the whole picture

Size = tuple[int, int]  # width, height


def area(data: bytes) -> int | None:
    """The pixels that `data` unpacks to, at most; None where its bytes begin as no picture known here.

    JPEG, JPEG 2000, JPEG XL, JPEG XR, WebP, PNG, LERC (of which several may stand in a row). struct.error or ValueError
    where the header is cut short or contradicts itself.
    """
    if data[:2] == b"\xff\xd8":
        return max((w * h for *_, w, h in frames(data)), default=None)
    if data[:4] in (b"Lerc", b"CntZ"):
        return sum(w * h for w, h in _lerc(data))
    size = _size(data)
    return None if size is None else size[0] * size[1]


def frames(data: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """(place, kind of marker, bits, width, height) of every frame header of a JPEG."""
    at = 2
    while 0 <= (at := data.find(b"\xff", at)) < len(data) - 9:
        marker = data[at + 1]
        if marker in (0, 1, 0xFF) or 0xD0 <= marker <= 0xD8:  # stuffing, filling, or a marker that stands alone
            at += 1 if marker == 0xFF else 2
            continue
        if marker == 0xD9:
            return
        if marker in STARTS:
            bits, height, width = struct.unpack_from(">BHH", data, at + 4)
            yield at, marker, bits, width, height
        at += 2 + max(2, int(struct.unpack_from(">H", data, at + 2)[0]))


def scans(data: bytes) -> int:
    """How many scans a JPEG has, at most."""
    return data.count(b"\xff\xda")


def _size(data: bytes) -> Size | None:
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        width, height = struct.unpack_from(">II", data, 16)
        return width, height
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data[:4] == b"\xff\x4f\xff\x51" or data[4:8] == b"jP  ":
        at = data.index(b"\xff\x4f\xff\x51")
        right, low, left, top = struct.unpack_from(">4I", data, at + 8)
        return max(0, right - left), max(0, low - top)
    if data[:2] == b"\xff\x0a":
        return _jpegxl(data[2:40])
    if data[4:8] == b"JXL ":
        at = min((p for p in (data.find(b"jxlc"), data.find(b"jxlp")) if p >= 0), default=-1)
        if at < 0:
            raise ValueError("a JPEG XL without a codestream")
        start = data.index(b"\xff\x0a", at + 4, at + 16)
        return _jpegxl(data[start + 2 : start + 40])
    if data[:3] == b"II\xbc":
        return _jpegxr(data)
    return None


def _webp(data: bytes) -> Size:
    kind = data[12:16]
    if kind == b"VP8X":
        packed = int.from_bytes(data[24:30], "little")
        return (packed & 0xFFFFFF) + 1, (packed >> 24) + 1
    if kind == b"VP8L":
        (packed,) = struct.unpack_from("<I", data, 21)
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _jpegxl(data: bytes) -> Size:
    bits, at = int.from_bytes(data, "little"), 0

    def take(count: int) -> int:
        nonlocal at
        at += count
        return bits >> (at - count) & ((1 << count) - 1)

    def side(small: int) -> int:
        return 8 * (take(5) + 1) if small else take((9, 13, 18, 30)[take(2)]) + 1

    small = take(1)
    height = side(small)
    ratio = take(3)
    if ratio:
        a, b = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
        return height * a // b, height
    return side(small), height


def _jpegxr(data: bytes) -> Size:
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    found = {}
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, _, value = struct.unpack_from("<HHII", data, entry)
        found[tag] = value & 0xFFFF if kind == 3 else value
    if 0xBC80 not in found or 0xBC81 not in found:
        raise ValueError("a JPEG XR without a size")
    return found[0xBC80], found[0xBC81]


def _lerc(data: bytes) -> Iterator[Size]:
    at = 0
    while data[at : at + 10] == b"CntZImage ":
        _, _, height, width = struct.unpack_from("<4i", data, at + 10)
        yield abs(width), abs(height)
        at = data.find(b"CntZImage ", at + 10)
        if at < 0:
            return
    while data[at : at + 6] == b"Lerc2 ":
        (version,) = struct.unpack_from("<i", data, at + 6)
        numbers = struct.unpack_from("<7i", data, at + (14 if version >= 3 else 10))
        height, width, depth = (*numbers[:2], numbers[2] if version >= 4 else 1)
        length = numbers[5 if version >= 4 else 4]
        yield abs(width), abs(height * depth)
        if length <= 0:
            raise ValueError("a LERC picture of no length")
        at += length
