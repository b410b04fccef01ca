"""What the eye is shown of a picture, and of a map over it: 8 bit, at most 1536 pixels a side. Only for the eye: results never
pass here."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 1536  # pixels, the longer side
FAINT, STRONG = 0.1, 0.8  # how much of a map's colour lies over the picture, where it is sure and where it is not
STRETCHED = (
    "It is shown with its brightness stretched, since it has more levels than a screen; the file is not changed."
)


@dataclass(frozen=True)
class Eye:
    """How values become 8 bit: (value - low) / (high - low). Made once from the input, so that before and after compare."""

    low: float
    high: float
    stretched: bool = False

    @classmethod
    def of(cls, pixels: NDArray) -> Eye:
        """8 bit and 16-bit colour by full scale; 16-bit grey and floats by robust percentiles of what is there."""
        if pixels.dtype == np.uint8:
            return cls(0, 255)
        if pixels.dtype == np.uint16 and pixels.ndim == 3:
            return cls(0, 65535)
        sample = pixels[:: max(1, pixels.shape[0] // 512), :: max(1, pixels.shape[1] // 512)].astype(np.float64)
        sample = sample[np.isfinite(sample)]
        if sample.size == 0:
            return cls(0, 1, True)
        low, high = (float(v) for v in np.percentile(sample, [0.5, 99.5]))
        return cls(low, high if high > low else low + 1, True)

    def eight(self, pixels: NDArray) -> NDArray:
        """(h, w) or (h, w, 3) uint8."""
        if pixels.ndim == 3:
            pixels = pixels[..., 0] if pixels.shape[2] < 3 else pixels[..., :3]
        if pixels.dtype == np.uint8:
            return np.ascontiguousarray(pixels)
        small = np.nan_to_num(pixels.astype(np.float32), nan=self.low, posinf=self.high, neginf=self.low)
        return np.rint(np.clip((small - self.low) * (255 / (self.high - self.low)), 0, 255)).astype(np.uint8)

    def small(self, pixels: NDArray, side: int = SIDE) -> Any:
        """A Pillow picture of 8 bit, at most `side` pixels a side."""
        from PIL import Image as Pillow

        skip = max(1, max(pixels.shape[:2]) // (2 * SIDE)) if pixels.dtype != np.uint8 else 1  # converting is dear
        picture = Pillow.fromarray(self.eight(pixels[::skip, ::skip]))
        if max(picture.size) > side:
            picture.thumbnail((side, side), Pillow.Resampling.BOX, reducing_gap=2)
        return picture

    def jpeg(self, pixels: NDArray, *, icc: bytes | None = None, side: int = SIDE, quality: int = 90) -> bytes:
        """The bytes of the preview. icc: the picture's own profile, which a browser follows."""
        picture, out = self.small(pixels, side), io.BytesIO()
        grey = picture.mode == "L"
        profile = None if icc is None or self.stretched or (icc[16:20] == b"GRAY") != grey else icc
        more = {} if profile is None else {"icc_profile": profile}
        picture.save(out, "JPEG", quality=quality, subsampling=0, **more)
        return out.getvalue()


def depth(pixels: NDArray) -> str:
    """What a person is told of the type of the samples."""
    return {"uint8": "8 bit", "uint16": "16 bit"}.get(str(pixels.dtype), "32 bit float")


def store(path: Path, samples: NDArray) -> None:
    """As `np.save`, which on a full disk may lose the end of the array without a word; here it is whole, or not there at all.
    OSError with the system's words."""
    samples, part = np.ascontiguousarray(samples), path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(samples))
            file.write(samples.data)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def overlay(size: NDArray) -> bytes:
    """The PNG of a map (h, w), to be laid over the picture: coloured, and the more opaque the larger the value."""
    from PIL import Image as Pillow

    from untaught.reports.heat import brightest, colours

    small = Pillow.fromarray(np.clip(size / brightest(size), 0, 1).astype(np.float32))
    if max(small.size) > SIDE:
        small.thumbnail((SIDE, SIDE), Pillow.Resampling.BOX)
    values = np.asarray(small)
    alpha = np.rint(255 * (FAINT + (STRONG - FAINT) * values)).astype(np.uint8)
    out = io.BytesIO()
    Pillow.fromarray(np.dstack([colours(values), alpha]), "RGBA").save(out, "PNG")
    return out.getvalue()


def legend(size: NDArray) -> dict[str, Any]:
    """How such a map is read. high: the value of the last of the colours, which begin at 0. middle: the median."""
    from untaught.reports.heat import STOPS, brightest

    return {
        "high": brightest(size),
        "colours": [f"rgb({r:.0f} {g:.0f} {b:.0f})" for r, g, b in STOPS],
        "middle": float(np.median(size)),
        "most": float(size.max()),
    }
