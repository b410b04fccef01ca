"""What is refused of kept runs: in one sentence, before any work, and with nothing changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kept_runs import STEPS, change, cli, damage

from untaught.io import images
from untaught.io.checkpoints import FORMAT, Folder, _checksum, pack, unpack


def refused(kept: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What `resume` says: one sentence, exit code 2, and nothing is changed."""
    before = {p.name: p.read_bytes() for p in kept.iterdir()}
    assert cli("resume", kept) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert {p.name: p.read_bytes() for p in kept.iterdir()} == before
    assert not (kept.parent / "out.png").exists()
    return said


def reform(path: Path, state: Any, metadata: dict[str, str]) -> None:
    """The state as another version would have kept it."""
    data = pack(state, metadata)
    path.unlink()
    path.with_name(f"{'-'.join(path.name.split('-')[:2])}-{_checksum(data)}.safetensors").write_bytes(data)


class TestResumeRefuses:
    def test_damaged_states(self, kept: Path, capsys):
        for path in Folder(kept).states():
            damage(path, "cut")
        assert "All 2 checkpoints" in refused(kept, capsys)

    def test_another_picture(self, kept: Path, capsys):
        images.write(kept.parent / "other.png", 255 - images.read(kept.parent / "in.png").pixels)
        change(kept, input=str(kept.parent / "other.png"))
        assert "another picture" in refused(kept, capsys)

    def test_a_missing_picture(self, kept: Path, capsys):
        change(kept, input=str(kept.parent / "gone.png"))
        assert "gone.png" in refused(kept, capsys)

    @pytest.mark.parametrize("form", ["1", "99"])
    def test_states_of_another_format(self, kept: Path, form: str, capsys):
        for path in Folder(kept).states():
            state, metadata = unpack(path.read_bytes())
            reform(path, state, {**metadata, "format": form})
        said = refused(kept, capsys)
        assert f"is of format {form}, and this untaught goes on from format {FORMAT}" in said
        out = kept.parent / "out.png"
        words = ("denoise", kept.parent / "in.png", "--steps", STEPS, "-o", out, "--save-run", kept)
        assert cli(*words) == 2  # nor does the same command begin anew over it
        assert f"is of format {form}" in capsys.readouterr().err

    def test_a_state_of_another_run(self, kept: Path, capsys):
        change(kept, settings={**Folder(kept).recipe().settings, "seed": 5})
        assert "of another run" in refused(kept, capsys)

    def test_a_damaged_recipe(self, kept: Path, capsys):
        (kept / "recipe.toml").write_text((kept / "recipe.toml").read_text()[:200])
        assert "no whole recipe" in refused(kept, capsys)

    def test_a_folder_without_a_run(self, kept: Path, capsys):
        assert cli("resume", kept.parent) == 2
        assert "keeps no run" in capsys.readouterr().err


def test_a_foreign_output_is_not_replaced(kept: Path, expected: bytes, capsys):
    (kept / "claimed").unlink()
    (kept.parent / "out.png").write_bytes(b"something else")
    assert cli("resume", kept) == 2
    assert "--force" in capsys.readouterr().err
    assert (kept.parent / "out.png").read_bytes() == b"something else"
    assert cli("resume", kept, "--force", "-q") == 0
    assert (kept.parent / "out.png").read_bytes() == expected


def test_a_kept_run_is_not_replaced_unasked(kept: Path, expected: bytes, capsys):
    out = kept.parent / "out.png"
    words = ("denoise", kept.parent / "in.png", "--steps", STEPS, "-o", out, "--save-run", kept, "-q")
    states = Folder(kept).states()
    assert cli(*words, "--seed", 7) == 2
    assert "untaught resume" in capsys.readouterr().err
    assert Folder(kept).states() == states
    assert cli(*words, "--force") == 0
    assert not kept.exists()
    assert out.read_bytes() == expected


def test_the_same_command_goes_on_with_what_is_kept(kept: Path, expected: bytes, capsys):
    out = kept.parent / "out.png"
    assert cli("denoise", kept.parent / "in.png", "--steps", STEPS, "-o", out, "--save-run", kept) == 0
    assert "went on from step 25" in capsys.readouterr().err
    assert out.read_bytes() == expected
    assert not kept.exists()


def test_a_folder_that_cannot_be_made_is_refused_before_the_work(place: Path, capsys):
    (place / "file").touch()
    for folder in (place / "none" / "run", place / "file"):
        assert cli("denoise", place / "in.png", "--save-run", folder) == 2
        assert "--save-run" in capsys.readouterr().err
