"""Volumes of scanners: NIfTI by nibabel, DICOM series by pydicom; both are read where they are asked for, and only then.

An array is (z, y, x), or (t, z, y, x); the affine takes indices (x, y, z) to millimetres to the right, to the front and up.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput
from untaught.core.registry import require
from untaught.io.images.places import Places

NIFTI = (".nii", ".nii.gz")
ORDER = "CTZYX"  # the axes of a NIfTI, its last one first


@dataclass(frozen=True)
class Volume:
    """array: as stored, in the order of `axes`. affine: 4 x 4. header: a NIfTI's own. slices: the DICOM files, one a plane of z."""

    array: NDArray
    axes: str
    affine: NDArray
    header: Any = None
    slices: tuple[tuple[str, Any], ...] = field(default=(), repr=False)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """How far samples lie apart along x, y and z, in millimetres."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)


def is_nifti(path: Path) -> bool:
    return path.name.lower().endswith(NIFTI)


def is_dicom(path: Path) -> bool:
    """Whether a path is one of a series: a folder, or a file by its name."""
    return path.is_dir() or path.suffix.lower() in (".dcm", ".dicom", ".ima")


def read_nifti(path: Path) -> Volume:
    nibabel = require("nibabel", extra="science")
    opened: Any = nibabel.load(path)
    stored = np.asanyarray(opened.dataobj)
    if stored.dtype.kind not in "uif":
        raise BadInput(f"'{path}' holds values of type {stored.dtype}: save its real part, or its magnitude.")
    if stored.dtype.kind == "f" and opened.get_data_dtype().kind in "ui":  # scaled whole numbers
        stored = stored.astype(np.float32)
    if not 2 <= stored.ndim <= len(ORDER):
        raise BadInput(f"'{path}' has {stored.ndim} axes, and a NIfTI of x, y, z, t and channels is read.")
    return Volume(np.ascontiguousarray(stored.T), ORDER[-stored.ndim :], opened.affine, opened.header)


def read_dicom(path: Path) -> Volume:
    """The series in a folder, or that which a file belongs to, its slices in the order of their places."""
    pydicom = require("pydicom", extra="science")
    folder = path if path.is_dir() else path.parent
    found: list[tuple[str, Any]] = []
    for file in sorted(p for p in folder.iterdir() if p.is_file()):
        try:
            one = pydicom.dcmread(file)
        except pydicom.errors.InvalidDicomError:
            continue
        if "PixelData" in one:
            found.append((file.name, one))
    if not path.is_dir():
        own = next((one for name, one in found if name == path.name), None)
        if own is None:
            raise BadInput(f"'{path}' is no DICOM file with pixels: name another, or the folder of its series.")
        found = [(name, one) for name, one in found if one.get("SeriesInstanceUID") == own.get("SeriesInstanceUID")]
    if not found:
        raise BadInput(f"The folder '{path}' holds no DICOM files with pixels: name the folder of one series.")
    series = {one.get("SeriesInstanceUID") for _, one in found}
    if len(series) > 1:
        raise BadInput(f"'{path}' holds {len(series)} series: name a file of the one that is meant.")
    if any(one.get("SamplesPerPixel", 1) != 1 or one.get("NumberOfFrames", 1) not in (None, 1) for _, one in found):
        raise BadInput(f"'{path}' holds colours, or several frames a file: a series of one grey slice a file is read.")
    found.sort(key=lambda item: _along(item[1]))
    planes = [one.pixel_array for _, one in found]
    if len({(p.shape, p.dtype) for p in planes}) > 1:
        raise BadInput(f"The slices of '{path}' are of different sizes or types: name the folder of one series.")
    return Volume(np.stack(planes), "ZYX", _affine([one for _, one in found]), slices=tuple(found))


def _along(one: Any) -> tuple[float, float]:
    """By which slices are sorted: how far along the normal of their planes, or else by their numbers."""
    at = one.get("ImagePositionPatient")
    far = 0.0 if at is None else float(np.dot(_normal(one), np.array(at, float)))
    return far, float(one.get("InstanceNumber") or 0)


def _normal(one: Any) -> NDArray:
    across, down = np.array(one.get("ImageOrientationPatient") or (1, 0, 0, 0, 1, 0), float).reshape(2, 3)
    return np.cross(across, down)


def _affine(slices: list[Any]) -> NDArray:
    """Of indices (x, y, z); DICOM counts to the left and to the back, NIfTI to the right and to the front."""
    first, last = slices[0], slices[-1]
    across, down = np.array(first.get("ImageOrientationPatient") or (1, 0, 0, 0, 1, 0), float).reshape(2, 3)
    dy, dx = (float(v) for v in first.get("PixelSpacing") or (1, 1))
    begin, end = (np.array(s.get("ImagePositionPatient") or (0, 0, 0), float) for s in (first, last))
    thick = float(first.get("SpacingBetweenSlices") or first.get("SliceThickness") or 1)
    step = (end - begin) / (len(slices) - 1) if len(slices) > 1 and (end != begin).any() else _normal(first) * thick
    made = np.eye(4)
    made[:3] = np.stack([across * dx, down * dy, step, begin], 1)
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ made


def write_nifti(path: Path, array: NDArray, axes: str, affine: NDArray | None, header: Any) -> None:
    """The array into a file, in place; axes: some of `ORDER`, in that order."""
    nibabel = require("nibabel", extra="science")
    if axes != ORDER[-len(axes) :]:
        raise BadInput(f"Axes {axes} cannot be written as NIfTI, which has x, y, z, t: end the name in .tif or .npy.")
    made = array.astype(np.float32) if array.dtype == np.float16 else array
    image = nibabel.Nifti1Image(made.T, affine, header, dtype=made.dtype)
    image.header.set_data_dtype(made.dtype)
    nibabel.save(image, path)


def write_dicom(folder: Path, array: NDArray, volume: Volume, places: Places) -> tuple[str, ...]:
    """A series of its own in a folder, a file for each slice, with what the files that came in say of the scan."""
    import copy

    pydicom = require("pydicom", extra="science")

    if not volume.slices or array.shape != volume.array.shape or array.dtype != volume.array.dtype:
        raise BadInput("Only a DICOM series becomes one: name a .nii.gz, .tif or .npy for the result.")
    folder.mkdir(parents=True, exist_ok=True)
    series, notes = pydicom.uid.generate_uid(), []
    for plane, (name, one) in zip(array, volume.slices, strict=True):
        made = copy.deepcopy(one)
        made.PixelData = np.ascontiguousarray(plane).tobytes()
        made["PixelData"].VR = "OW"
        made.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        made.SeriesInstanceUID = series
        made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        made.ImageType = ["DERIVED", "SECONDARY", *list(made.get("ImageType") or [])[2:]]
        made.DerivationDescription = "noise removed by untaught"
        for word in ("SmallestImagePixelValue", "LargestImagePixelValue"):
            if word in made:
                setattr(made, word, int(plane.min() if word.startswith("S") else plane.max()))
        kept = io.BytesIO()
        made.save_as(kept, enforce_file_format=True)
        notes += list(places.put(folder / name, kept.getvalue()))
    return tuple(notes)
