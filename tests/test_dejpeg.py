"""JPEG: the operator is libjpeg's, the file's own coefficients are used and respected, and what cannot be is said."""

from __future__ import annotations

import pickle
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import untaught
from untaught.bench.metrics import psnr
from untaught.core.errors import BadInput, Missing
from untaught.io import images
from untaught.problem.likelihoods import Interval
from untaught.problem.operators.jpeg import BlockDCT, Plane
from untaught.solver.loop import Run
from untaught.solver.stage import Solve
from untaught.solver.stopping import After
from untaught.tasks.dejpeg.presets import PRESETS

pytest.importorskip("jpeglib", reason="the extra dejpeg is not installed")


@pytest.fixture
def large():
    """A part of a photo with edges and fur, uint8, (77, 90, 3): no whole number of blocks."""
    from skimage import data

    return data.chelsea()[80:157, 110:200].copy()


@pytest.fixture
def saved(tmp_path, large):
    """Save the photo, or its first channel, as a JPEG with Pillow's options."""

    def save(grey=False, name="photo.jpg", **options):
        path = tmp_path / name
        Image.fromarray(large[..., 0] if grey else large).save(path, **{"quality": 10, **options})
        return path

    return save


def problem(path, **settings):
    return untaught.dejpeg.job(path, **settings).problem


@pytest.mark.parametrize("options", [{"grey": True}, {"subsampling": 0}, {"subsampling": 0, "progressive": True}])
def test_decoding_the_coefficients_is_what_pillow_shows(saved, options):
    path = saved(**options)
    job = untaught.dejpeg.job(path)
    x = job.problem.operator.decode(job.problem.data)
    shown = np.asarray(Image.open(path)).astype(float)
    assert np.abs(job.result(x).astype(float) - shown).max() <= 2


@pytest.mark.parametrize("subsampling", [1, 2])
def test_with_coarse_colour_every_plane_is_what_the_decoder_sees(saved, subsampling):
    path = saved(subsampling=subsampling)
    problem = untaught.dejpeg.job(path).problem
    file = Image.open(path)
    file.draft("YCbCr", None)
    seen = np.moveaxis(np.asarray(file), -1, 0).astype(float)
    ours = 255 * problem.operator.channels(problem.operator.decode(problem.data, smooth=True))[0].numpy()
    ours = (ours + np.array([0, 128, 128])[:, None, None]).clip(0, 255)[:, : seen.shape[1], : seen.shape[2]]
    assert np.abs(ours[0] - seen[0]).max() <= 1
    assert np.abs(ours - seen)[:, :-2, :-2].max() <= 2.1  # at the border libjpeg's colours end with the picture


def test_the_true_pictures_coefficients_lie_in_the_files_intervals(saved, large):
    job = untaught.dejpeg.job(saved(grey=True, quality=30))
    operator, data = job.problem.operator, job.problem.data
    truth = np.pad(large[..., 0], ((0, 3), (0, 6)), mode="edge")  # as libjpeg fills the last blocks
    found = operator(torch.from_numpy(truth / 255).float()[None, None])
    assert float((found - data).abs().max()) < 0.52  # its transform works in integers
    assert float(Interval().energy(found, data)) < 1e-6


def test_a_projected_picture_is_within_the_intervals_and_one_that_is_stays():
    plane = Plane((2, 2), (1, 1), tuple(range(8, 72)))
    operator = BlockDCT((plane, Plane((1, 1), (2, 2), (40,) * 64), Plane((1, 1), (2, 2), (50,) * 64)), colour=True)
    draw = torch.Generator().manual_seed(0)
    x = torch.rand(1, 3, 16, 16, generator=draw, dtype=torch.float64)
    y = torch.round(operator(torch.rand(1, 3, 16, 16, generator=draw, dtype=torch.float64)))
    once = operator.project(x, y)
    assert float((operator(once) - y).abs().max()) <= 0.5 + 1e-9
    torch.testing.assert_close(operator.project(once, y), once)
    assert float((operator(x) - y).abs().max()) > 0.5


def test_planes_that_do_not_fit_the_colours_are_refused():
    with pytest.raises(BadInput, match="3 planes, not 1"):
        BlockDCT((Plane((1, 1), (1, 1), (1,) * 64),), colour=True)


@pytest.mark.parametrize("bad", [(0.0, 0.0), (float("nan"), 0.0), (0.5, -1.0)])
def test_an_interval_that_is_none_is_refused(bad):
    with pytest.raises(BadInput, match="no interval"):
        Interval(*bad)


@pytest.mark.parametrize("options", [{"grey": True}, {"subsampling": 0}, {"subsampling": 2}])
def test_the_result_is_nearer_to_the_truth_than_the_decoder(saved, large, options):
    path = saved(**options)
    clean = large[..., 0] if options.get("grey") else large
    result = untaught.dejpeg(path, preset="instant")
    assert (result.shape, result.dtype) == (clean.shape, np.uint8)
    assert psnr(result, clean) > psnr(np.asarray(Image.open(path)), clean) + 0.5


@pytest.mark.parametrize("options", [{"grey": True}, {"subsampling": 2}])
def test_filters_learnt_from_another_compression_add_to_the_filter(saved, large, options):
    path, clean = saved(**options), large[..., 0] if options.get("grey") else large
    first, more = (psnr(untaught.dejpeg(path, preset=preset), clean) for preset in ("instant", "fast"))
    assert more > first


@pytest.mark.parametrize("options", [{"grey": True}, {"subsampling": 0}, {"subsampling": 2}])
def test_compressed_again_a_picture_is_the_same_on_every_whole_number_of_blocks(saved, options):
    given = problem(saved(**options))
    x = given.operator.decode(given.data)
    for down, along in ((16, 0), (0, 16)):
        there, here = (given.operator.recoded(x, *by)[..., 16:-16, 16:-16] for by in ((down, along), (0, 0)))
        assert torch.allclose(there, here, atol=1e-5)
    if options.get("subsampling") != 2:  # a coarse colour is interpolated, and then measured anew
        assert torch.allclose(given.operator.recoded(x, 0, 0), x, atol=1e-5)
    assert not torch.allclose(given.operator.recoded(x, 4, 4), x, atol=1e-2)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_a_phone_turns_the_result_as_it_turns_the_picture(saved, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(exif=exif, subsampling=0)
    job = untaught.dejpeg.job(path)
    upright = images.read(path).pixels
    result = job.result(job.problem.operator.decode(job.problem.data))
    assert result.shape == upright.shape
    assert np.abs(result.astype(float) - upright).max() <= 2


@pytest.mark.parametrize(
    ("size", "mode"),
    [
        ((1, 1), "RGB"),
        ((7, 17), "L"),
        pytest.param((1, 9), "L", marks=pytest.mark.slow),
        pytest.param((8, 8), "RGB", marks=pytest.mark.slow),
        pytest.param((33, 16), "RGB", marks=pytest.mark.slow),
    ],
)
def test_any_size_from_one_pixel(tmp_path, size, mode):
    array = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    path = tmp_path / "small.jpg"
    Image.fromarray(array).convert(mode).save(path, quality=20)
    for preset in PRESETS:
        assert untaught.dejpeg(path, preset=preset, steps=2).shape == (size if mode == "L" else (*size, 3))


class TestAGeneratorBeside:
    @pytest.mark.parametrize(("quality", "share"), [(10, 0.3), (60, 0.09)])
    def test_its_share_is_smaller_in_finer_files(self, saved, quality, share):
        stage = untaught.dejpeg.job(saved(quality=quality), preset="best").stages[-1]
        assert stage.method.objective.share == pytest.approx(share, abs=0.01)

    def test_it_comes_in_colour_where_there_is_time(self, saved, monkeypatch):
        def comes(preset, **settings):
            return any(
                s.beside
                for s in untaught.dejpeg.job(saved(**settings.pop("file", {})), preset=preset, **settings).stages
            )

        assert [comes(preset) for preset in ("balanced", "best")] == [False, True]
        assert not comes("best", steps=7)
        assert not comes("best", file={"grey": True})
        monkeypatch.setattr("untaught.tasks._rows.PIXELS", 8)
        assert not comes("best")

    @pytest.mark.parametrize("size", [(1, 1), (9, 33)])
    def test_any_size(self, tmp_path, size):
        path = tmp_path / "small.jpg"
        array = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
        Image.fromarray(array).save(path, quality=20)
        job = untaught.dejpeg.job(path, preset="best")
        short = tuple(s.changed(stop=After(2)) if isinstance(s, Solve) else s for s in job.stages)
        assert job.result(untaught.solve(replace(job, stages=short)).x).shape == (*size, 3)


def test_the_papers_network_and_recipe(saved):
    job = untaught.dejpeg.job(saved(), preset="paper")
    (stage,) = job.stages
    run = Run(job)
    assert sum(p.numel() for p in run.course.model.parameters()) == 572_827
    assert (stage.method.stop.steps, stage.method.optimiser.lr, stage.method.prior.jitter) == (2400, 0.01, 1 / 30)
    assert run.course.problem.data.shape == run.course.problem.image_shape
    assert any("decoded pixels" in note for note in job.notes)


def test_pixels_that_were_no_jpeg_are_restored_as_by_denoise_and_it_is_said(tmp_path, saved, large):
    png = tmp_path / "photo.png"
    Image.fromarray(large).save(png)
    for picture, what in ((png, "A PNG file holds no JPEG"), (large, "An array holds no JPEG")):
        job = untaught.dejpeg.job(picture, steps=3)
        assert what in " ".join(job.notes)
        assert "No trace of a JPEG was found" in " ".join(job.notes)
        assert job.stages == untaught.denoise.job(large, steps=3).stages
    assert "as asked" in " ".join(untaught.dejpeg.job(saved(), coefficients=False, preset="instant").notes)
    assert untaught.dejpeg(large.astype(np.float32), preset="instant").dtype == np.float32


@pytest.mark.parametrize("sampling", [0, 2])
@pytest.mark.parametrize(("cut", "grey"), [((0, 0), False), ((5, 0), True), ((11, 3), False)])
def test_of_pixels_that_were_a_jpeg_its_coefficients_are_found_again(saved, sampling, cut, grey):
    """Wherever it was cut; and so they are restored as the file is."""
    path = saved(grey=grey, quality=30, subsampling=sampling)
    down, along = cut
    pixels = np.array(Image.open(path))[down:, along:]
    job, of_file = untaught.dejpeg.job(pixels, preset="instant"), untaught.dejpeg.job(path, preset="instant")
    assert any("were a JPEG of quality 30" in note for note in job.notes)
    assert job.problem.operator.planes[0].steps == of_file.problem.operator.planes[0].steps
    found = job.result(untaught.solve(job).x)
    assert found.shape == pixels.shape
    told = of_file.result(untaught.solve(of_file).x)[down:, along:]
    assert psnr(found[8:, 8:], told[8:, 8:]) > 40
    if not grey:  # wherever the channels are
        first = untaught.dejpeg(np.moveaxis(pixels, -1, 0), preset="instant", channel_axis=0)
        assert np.array_equal(np.moveaxis(first, 0, -1), found)


def test_what_was_never_a_jpeg_or_was_resized_since_shows_none(saved, large):
    from untaught.io.images.traces import trace

    file = Image.open(saved(quality=30))
    other = np.asarray(file.resize((70, 60), Image.Resampling.LANCZOS))
    shapes = np.uint8(200 * (np.indices((96, 96)).sum(0) % 32 < 16))
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    for pixels in (
        large,
        large[..., 0],
        other,
        shapes,
        noise,
        large[:1],
        large[:, :5],
        large.astype(np.uint16),
        large[..., :2],
    ):
        assert trace(pixels) is None
    assert trace(np.asarray(file)) is not None


def test_pixels_that_are_no_longer_the_files_are_taken_instead(saved):
    image = images.read(saved())
    job = untaught.dejpeg.job(replace(image, pixels=image.pixels[:40]), steps=2)
    assert any("not those of the JPEG" in note for note in job.notes)


def test_strength_blends_with_the_decoders_picture(saved):
    path = saved(grey=True)
    plain = np.asarray(Image.open(path)).astype(float)
    full, half, none = (untaught.dejpeg(path, preset="instant", strength=s).astype(float) for s in (1, 0.5, 0))
    assert np.array_equal(none, plain)
    assert np.abs(half - (full + plain) / 2).max() <= 1


def test_a_job_pickles_to_the_same_job(saved):
    job = untaught.dejpeg.job(saved(), preset="instant")
    again = pickle.loads(pickle.dumps(job))
    first, second = (j.result(untaught.solve(j).x) for j in (job, again))
    assert np.array_equal(first, second)


@pytest.mark.slow
def test_same_seed_same_bits_and_the_network_adds_to_the_filter(saved, large):
    path = saved(grey=True)
    first, again = (untaught.dejpeg(path, preset="balanced", steps=60, seed=1) for _ in range(2))
    assert np.array_equal(first, again)
    assert psnr(first, large[..., 0]) > psnr(untaught.dejpeg(path, preset="fast"), large[..., 0])


class TestBadInput:
    def test_without_the_package_the_way_to_install_it_is_said(self, saved, monkeypatch):
        monkeypatch.setitem(sys.modules, "jpeglib", None)
        with pytest.raises(Missing, match=r"pip install 'untaught\[dejpeg\]'"):
            untaught.dejpeg.job(saved())

    def test_cmyk(self, tmp_path, large):
        from untaught.io.images.jpeg import coefficients

        path = tmp_path / "inks.jpg"
        Image.fromarray(large).convert("CMYK").save(path)
        with pytest.raises(BadInput, match="CMYK coefficients.*save it as RGB"):
            coefficients(path)

    def test_a_damaged_file(self, saved, tmp_path):
        path = tmp_path / "half.jpg"
        path.write_bytes(saved().read_bytes()[:500])
        with pytest.raises(BadInput, match="incomplete or damaged"):
            untaught.dejpeg.job(path)

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"preset": "fats"}, "did you mean 'fast'"),
            ({"strength": 2}, "strength = 2"),
            ({"qualty": 10}, "no setting of dejpeg 'qualty'"),
        ],
    )
    def test_settings(self, saved, options, sentence):
        with pytest.raises(BadInput, match=sentence):
            untaught.dejpeg.job(saved(), **options)


class TestComparison:
    def test_the_bench_saves_decodes_and_scores(self, large):
        from untaught.bench.bench import Settings, attempt
        from untaught.core.registry import comparisons

        comparison = comparisons.get("dejpeg")
        given, told = comparison.small(2)
        for method in comparison.baselines:
            result = attempt("dejpeg", method, given, told, 0, Settings())[0]
            assert (result.shape, result.dtype) == ((48, 48), np.uint8)

    def test_the_classics_help(self, tmp_path, large):
        from untaught.core.registry import comparisons

        path = tmp_path / "clean.png"
        Image.fromarray(large).save(path)
        comparison = comparisons.get("dejpeg")
        (case,) = comparison.cases([path], {"quality": 10})
        given = case.input(0)
        before = comparison.score(comparison.show(given, case), large)[0]
        for classic in comparison.baselines.values():
            told = {"clean": large} if classic.oracle else {}
            assert comparison.score(comparison.run(classic, given, told), large)[0] > before + 0.2

    @pytest.mark.parametrize(
        ("pictures", "quality", "sentence"),
        [([], 10, "no pictures"), (["a.png"], None, "--quality 10"), (["a.png"], 0, "--quality 0.*1 to 100")],
    )
    def test_what_cannot_be_compared(self, pictures, quality, sentence):
        from untaught.core.registry import comparisons

        with pytest.raises(BadInput, match=sentence):
            comparisons.get("dejpeg").cases(pictures, {"quality": quality})
