"""A batch that was stopped goes on with ``--skip-existing``, to the same files and records as one that was not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ..train.export.exporting import exported
from .restoring import report, restore

pytestmark = pytest.mark.integration
COUNT = 12


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A model, pictures, one that is none, and what an unbroken call makes of them."""
    folder, rng = tmp_path_factory.mktemp("world"), np.random.default_rng(0)
    (folder / "photos/deep").mkdir(parents=True)
    for number in range(COUNT):
        pixels = rng.integers(0, 256, (20, 24, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"photos/{'deep/' * (number % 2)}{number}.png")
    (folder / "photos/5.jpg").write_text("no picture")
    exported(folder)
    return folder


@pytest.fixture
def call(world, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(world)
    return lambda *more, out=tmp_path / "out": restore(capfd, *arguments(out), *more)


def arguments(out):
    return ["photos", "--model", "made.safetensors", "--samples", "2", "--out", str(out)]


@pytest.fixture(scope="module")
def unbroken(world):
    command = [sys.executable, "-m", "pscgan", "restore", *arguments("unbroken")]
    assert subprocess.run(command, cwd=world, capture_output=True).returncode == 2
    return contents(world / "unbroken")


def contents(out):
    """All that is written but when it was."""
    files = {str(path.relative_to(out)): path for path in out.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.endswith(("restore.json", ".lock"))}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal(number, code, world, unbroken, call, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "pscgan", "restore", *arguments(out)]
    process = subprocess.Popen(command, cwd=world, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (out / "restore.jsonl").exists() or (out / "restore.jsonl").read_bytes().count(b"\n") < 4:
        time.sleep(0.001)
        assert process.poll() is None
    process.send_signal(number)
    _, err = process.communicate()
    assert process.returncode == code
    if number != signal.SIGKILL:
        assert "--skip-existing" in err
        assert not list(out.rglob("*.part"))
    done = sum("error" not in entry for entry in report(out)["files"])
    ended = call("--skip-existing")
    assert ended.code == 2  # of the file that is no picture
    assert done - 1 <= int(ended.err.split(f" of {COUNT + 1} files")[0].split()[-1]) <= done
    assert contents(out) == unbroken


@pytest.mark.parametrize("moment", [1, 2, 4, 5, 6, 7, 8, 9, 21, 22, 23, 24])
def test_any_moment(moment, unbroken, call, tmp_path, monkeypatch):
    """Between what reaches the disk and what is put in place."""
    events = []

    def stopping(function):
        def stops(*given):
            events.append(given)
            if len(events) == moment:
                raise KeyboardInterrupt
            return function(*given)

        return stops

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", stopping(os.fsync))
        patch.setattr(Path, "replace", stopping(Path.replace))
        with pytest.raises(KeyboardInterrupt):
            call()
    assert not list(tmp_path.rglob("*.part"))
    call("--skip-existing")
    assert contents(tmp_path / "out") == unbroken


def test_what_is_done_is_left_as_it_is_and_what_is_missing_is_made_again(unbroken, call, tmp_path):
    out = tmp_path / "out"
    call()
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    (out / "2_std.png").unlink()
    assert f"{COUNT - 1} of {COUNT + 1} files" in call("--skip-existing").err
    assert contents(out) == unbroken
    assert {path for path, at in before.items() if path.stat().st_mtime_ns != at} == set(out.glob("2_*.png"))


@pytest.mark.parametrize(
    "other", [("--seed", 1), ("--samples", 1), ("--sigma-z", 0.5), ("--tile", 128), ("--model", "bundled:demo")]
)
def test_what_another_call_has_made_is_not_taken_for_done(other, call, tmp_path):
    out = tmp_path / "out"
    call()
    before = contents(out)
    ended = call("--skip-existing", *other)
    assert (ended.code, ended.err.count("--overwrite")) == (2, COUNT)
    assert [name for name, data in contents(out).items() if data != before[name]] == ["restore.jsonl"]  # of the error
    anew = call("--skip-existing", "--overwrite", *other)
    assert f"of {COUNT + 1} files were" not in anew.err
    assert len({entry["name"] for entry in report(out)["files"]}) == len(report(out)["files"]) == COUNT + 1
    call(*other, out=tmp_path / "fresh")
    fresh = contents(tmp_path / "fresh")
    assert {name: contents(out)[name] for name in fresh} == fresh


def test_a_file_that_has_changed_is_not_taken_for_done(call, tmp_path, world, monkeypatch):
    (tmp_path / "photos").mkdir()
    (tmp_path / "made.safetensors").symlink_to(world / "made.safetensors")
    photo = tmp_path / "photos/a.png"
    photo.write_bytes((world / "photos/0.png").read_bytes())
    monkeypatch.chdir(tmp_path)
    call()
    photo.write_bytes((world / "photos/2.png").read_bytes())
    before = contents(tmp_path / "out")
    ended = call("--skip-existing")
    assert (ended.code, ended.err.count("--overwrite")) == (2, 1)
    assert contents(tmp_path / "out") == before
    assert call("--skip-existing", "--overwrite").code == 0
    call("--samples", 2, out=tmp_path / "fresh")
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


def test_outputs_beside_the_pictures_are_not_restored_in_turn(call, world, tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    (tmp_path / "made.safetensors").symlink_to(world / "made.safetensors")
    for name in ("0", "2"):
        (tmp_path / f"photos/{name}.png").write_bytes((world / f"photos/{name}.png").read_bytes())
    monkeypatch.chdir(tmp_path)
    for out in ("photos", "."):
        assert call(out=Path(out)).code == 0
        written = contents(tmp_path)
        assert call("--overwrite", out=Path(out)).code == 0
        assert contents(tmp_path) == written
        assert call(out=Path(out)).code == 2
        assert contents(tmp_path) == written


def test_two_calls_do_not_write_to_one_folder_at_once(call, tmp_path):
    from pscgan.train.runs.folder import lock_folder

    with lock_folder(tmp_path / "out"):
        ended = call()
    assert (ended.code, "in use" in ended.err) == (2, True)
