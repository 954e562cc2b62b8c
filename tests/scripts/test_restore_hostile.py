"""Damaged and hostile files: each is restored or answered in one line, and nothing else is touched."""

import hashlib
import os
import stat

import pytest

from ..data.hostile import make_hostile
from ..train.export.exporting import JPEG, exported
from .restoring import REPORT, report, restore

pytestmark = pytest.mark.integration

LIMITS = ("--samples", 1, "--max-megapixels", 0.1, "--tile", 256, "--overlap", 16)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name in ("noise", "jpeg"):
        (folder / name).mkdir()
    return {
        "noise": exported(folder / "noise"),
        "jpeg": exported(folder / "jpeg", degradation=JPEG, maps=3),
    }


def snapshot(folder):
    """Of everything below it: kind, size and content of what is a file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        regular = stat.S_ISREG(status.st_mode) and os.access(path, os.R_OK)
        found[path] = (
            status.st_mode,
            status.st_size,
            status.st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if regular else None,
        )
    return found


def assert_all_are_answered(model, count, seed, tmp_path, capfd):
    world = tmp_path / "world"
    files = make_hostile(world / "files", count, seed)
    before, out = snapshot(world), tmp_path / "out"
    ended = restore(capfd, "--model", model, "--out", out, *LIMITS, "--", *files)
    assert ended.code == 2
    assert "Traceback" not in ended.err
    remarks = tuple(f"pscgan restore: {kind}: " for kind in ("note", "warning"))
    lines = [line for line in ended.err.splitlines() if not line.startswith(remarks)]
    entries = report(out)["files"]
    inside = {str(path) for path in world.glob("files/*/*")}  # of folders that look like pictures
    assert [entry["file"] for entry in entries if entry["file"] not in inside] == [
        str(file) for file in files if not list(file.glob("*"))
    ]
    refused = [entry for entry in entries if "error" in entry]
    assert len(lines) == len(refused)
    assert all(line.startswith("pscgan restore: ") and line.isprintable() for line in lines)
    whole = [entry for entry in entries if "error" not in entry]
    written = {name for entry in whole for name in (entry["samples"][0]["file"], entry["mean"]["file"])}
    written |= {entry["std"]["file"] for entry in whole}
    assert {path.name for path in out.rglob("*") if path.is_file()} == written | REPORT
    assert snapshot(world) == before
    return len(whole), len(refused)


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["noise", "jpeg"])
def test_thirty_files(kind, models, tmp_path, capfd):
    restored, refused = assert_all_are_answered(models[kind], 30, 7, tmp_path, capfd)
    assert restored
    assert refused
