"""NIfTI and DICOM series: what is read, in which order, and what the result keeps of the scan."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from untaught.core.errors import BadInput
from untaught.io import stacks
from untaught.io.images.places import Places

nibabel = pytest.importorskip("nibabel")
pydicom = pytest.importorskip("pydicom")

AFFINE = np.array([[-0.7, 0, 0.1, 30], [0, 0.9, 0, -20], [0.1, 0, 2.5, 5], [0, 0, 0, 1]])


def scan(*shape, dtype=np.int16):
    rng = np.random.default_rng(0)
    y = np.where(np.indices(shape).sum(0) % 24 < 12, 300, -200) + 40 * rng.normal(size=shape)
    return y.astype(dtype)


def nifti(path, array, affine=AFFINE, **more):
    image = nibabel.Nifti1Image(array, affine)
    image.header["descrip"] = b"a head"
    for name, value in more.items():
        getattr(image.header, f"set_{name}")(*value)
    nibabel.save(image, path)
    return path


def series(folder, array, *, apart=3.0, name="{:03d}.dcm"):
    """A DICOM file for each slice, whose names are in the reverse of their places."""
    folder.mkdir()
    uid = pydicom.uid.generate_uid()
    for z, plane in enumerate(array):
        one = pydicom.Dataset()
        one.file_meta = pydicom.dataset.FileMetaDataset()
        one.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID = pydicom.uid.CTImageStorage
        one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID = pydicom.uid.generate_uid()
        one.SeriesInstanceUID, one.PatientName, one.Modality = uid, "Nobody", "CT"
        one.Rows, one.Columns = plane.shape
        one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
        one.BitsAllocated, one.BitsStored, one.HighBit = 16, 16, 15
        one.PixelRepresentation = int(plane.dtype.kind == "i")
        one.PixelSpacing, one.SliceThickness = [0.5, 0.75], apart
        one.ImageOrientationPatient, one.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [10, 20, 30 + apart * z]
        one.InstanceNumber = z + 1
        one.PixelData = plane.tobytes()
        one.save_as(folder / name.format(len(array) - z), enforce_file_format=True)
    return folder


@pytest.mark.parametrize("end", [".nii", ".nii.gz"])
@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((20, 18, 7), np.int16), ((20, 18, 7, 2), np.uint8), ((20, 18), np.float32), ((20, 18, 7), np.float32)],
)
def test_a_nifti_keeps_what_it_says_of_the_scan(untaught, tmp_path, end, shape, dtype):
    path = nifti(tmp_path / f"in{end}", scan(*shape, dtype=dtype), xyzt_units=("mm", "sec"))
    code, _, err = untaught("denoise", str(path), "--axes", "file", "--preset", "instant")
    assert code == 0
    assert "YX" in err
    before, after = nibabel.load(path), nibabel.load(tmp_path / f"in.untaught{end}")
    assert (after.shape, after.get_data_dtype()) == (before.shape, before.get_data_dtype())
    np.testing.assert_allclose(after.affine, before.affine, atol=1e-6)
    assert after.header.get_zooms() == before.header.get_zooms()
    assert after.header.get_xyzt_units() == before.header.get_xyzt_units()
    assert bytes(after.header["descrip"]) == bytes(before.header["descrip"])
    x, y = (np.asarray(v.dataobj).astype(float) for v in (after, before))
    assert 0 < np.abs(x - y).mean() < np.abs(y).max()


def test_scaled_whole_numbers_are_restored_in_their_own_unit(untaught, tmp_path):
    image = nibabel.Nifti1Image(scan(20, 18, 7), AFFINE)
    image.header.set_slope_inter(0.5, -100)
    nibabel.save(image, tmp_path / "in.nii")
    assert untaught("denoise", str(tmp_path / "in.nii"), "--axes", "file", "--preset", "instant")[0] == 0
    x, y = (nibabel.load(tmp_path / f"{name}.nii").get_fdata() for name in ("in.untaught", "in"))
    assert np.abs(x - y).mean() < 0.1 * np.ptp(y)


def test_a_series_lies_in_the_order_of_its_places(tmp_path):
    y = scan(6, 16, 20)
    found = stacks.read(series(tmp_path / "ct", y), "file")
    assert found.axes == "ZYX"
    np.testing.assert_array_equal(found.array, y)
    assert found.volume.spacing == pytest.approx((0.75, 0.5, 3.0))
    np.testing.assert_allclose(found.volume.affine @ [0, 0, 0, 1], [-10, -20, 30, 1])
    np.testing.assert_allclose(found.volume.affine @ [1, 1, 1, 1], [-10.75, -20.5, 33, 1])
    np.testing.assert_array_equal(stacks.read(tmp_path / "ct" / "002.dcm", "file").array, y)


def test_a_series_becomes_a_series_of_its_own(untaught, tmp_path):
    y = scan(6, 16, 20)
    series(tmp_path / "ct", y)
    assert untaught("denoise", str(tmp_path / "ct"), "--axes", "file", "--preset", "instant")[0] == 0
    before, after = (stacks.read(tmp_path / name, "file") for name in ("ct", "ct.untaught"))
    assert (after.array.shape, after.array.dtype) == (y.shape, y.dtype)
    assert not np.array_equal(after.array, y)
    assert np.abs(after.array.astype(float) - y).mean() < 100
    np.testing.assert_allclose(after.volume.affine, before.volume.affine)
    (name, one), (_, old) = after.volume.slices[0], before.volume.slices[0]
    assert (name, one.PatientName, one.InstanceNumber) == ("006.dcm", "Nobody", 1)
    assert one.SeriesInstanceUID != old.SeriesInstanceUID
    assert one.SOPInstanceUID != old.SOPInstanceUID
    assert one.ImageType[0] == "DERIVED"
    assert untaught("denoise", str(tmp_path / "ct"), "--axes", "file", "--preset", "instant")[0] == 2  # never over it


@pytest.mark.parametrize("end", [".nii.gz", ".tif", ".npy"])
def test_a_series_may_become_another_file_and_keeps_its_spacing(untaught, tmp_path, end):
    series(tmp_path / "ct", scan(6, 16, 20, dtype=np.uint16))
    out = tmp_path / f"out{end}"
    assert untaught("denoise", str(tmp_path / "ct"), "--axes", "file", "--preset", "instant", "-o", str(out))[0] == 0
    if end == ".nii.gz":
        np.testing.assert_allclose(nibabel.load(out).header.get_zooms(), (0.75, 0.5, 3.0))
    elif end == ".tif":
        with tifffile.TiffFile(out) as tif:
            assert tif.imagej_metadata["spacing"] == 3.0
            n, of = tif.pages.first.tags[282].value
            assert n / of == pytest.approx(1 / 0.75, rel=1e-3)
    else:
        assert np.load(out).shape == (6, 16, 20)


def test_a_folder_of_two_series_is_asked_about(tmp_path, untaught):
    series(tmp_path / "ct", scan(3, 16, 20))
    series(tmp_path / "more", scan(3, 16, 20), name="b{:03d}.dcm")
    for file in (tmp_path / "more").iterdir():
        file.rename(tmp_path / "ct" / file.name)
    with pytest.raises(BadInput, match="2 series"):
        stacks.read(tmp_path / "ct", "file")
    assert stacks.read(tmp_path / "ct" / "001.dcm", "file").array.shape == (3, 16, 20)
    (tmp_path / "none").mkdir()
    code, _, err = untaught("denoise", str(tmp_path / "none"), "--axes", "file")
    assert (code, "no DICOM files" in err) == (2, True)


def test_complex_values_are_refused(tmp_path):
    with pytest.raises(BadInput, match="magnitude"):
        stacks.read(nifti(tmp_path / "in.nii", np.ones((4, 4, 4), np.complex64)), "file")


@pytest.mark.parametrize("package", ["nibabel", "pydicom"])
def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch, untaught, package):
    path = nifti(tmp_path / "in.nii", scan(8, 8, 8)) if package == "nibabel" else series(tmp_path / "ct", scan(3, 8, 8))
    monkeypatch.setitem(__import__("sys").modules, package, None)
    code, _, err = untaught("denoise", str(path), "--axes", "file")
    assert (code, "pip install 'untaught[science]'" in err) == (2, True)


def test_an_ome_tiff_keeps_how_far_samples_lie_apart(tmp_path, untaught):
    path, out = tmp_path / "in.tif", tmp_path / "out.tif"
    sizes = {"PhysicalSizeZ": 2.0, "PhysicalSizeZUnit": "µm", "PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm"}
    tifffile.imwrite(path, scan(6, 16, 20, dtype=np.float32), ome=True, metadata={"axes": "ZYX", **sizes})
    assert untaught("denoise", str(path), "--axes", "file", "--preset", "instant", "-o", str(out))[0] == 0
    before, after = (stacks.read(p, "file", 100) for p in (path, out))
    assert {k: str(v) for k, v in after.ome.items()} == {k: str(v) for k, v in before.ome.items()}
    assert float(after.ome["PhysicalSizeZ"]) == 2.0


def test_what_cannot_be_written_is_refused_before_the_work(tmp_path):
    path = nifti(tmp_path / "in.nii", scan(8, 8, 8))
    for target in (tmp_path / "x.png", tmp_path / "x.jpg"):
        with pytest.raises(BadInput, match="cannot hold a stack"):
            stacks.check(target, path, Places.of([path], force=False))
