"""Whatever a file holds and is called: read, or refused on one line, in little memory, in silence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .hostile import make_hostile

MEGABYTES = 600
"""For one file; above what the process has before the first, address space included."""

READ_ALL = """
import json, resource, sys, warnings
from pathlib import Path
import torch
from pscgan.data.image_io.decode import UnreadableImage
from pscgan.data.image_io.read_image import read

warnings.simplefilter("error")
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + int(sys.argv[1]) * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for name in json.load(sys.stdin):
    try:
        picture = read(Path(name))
        said = f"read {picture.pixels.shape} {picture.pixels.dtype}"
    except UnreadableImage as error:
        said = str(error)
    print(json.dumps([name, said]), flush=True)
"""


def read_all(paths):
    """[name, message] of each, from another process of bounded memory."""
    run = subprocess.run(
        [sys.executable, "-c", READ_ALL, str(MEGABYTES)],
        input=json.dumps([str(path) for path in paths]),
        capture_output=True,
        text=True,
        timeout=60 + len(paths),
    )
    assert (run.returncode, run.stderr) == (0, "")
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.mark.integration
def test_every_file_is_read_or_refused_on_one_line(tmp_path):
    count = 300
    paths = make_hostile(tmp_path / "hostile", count, seed=0)
    found = read_all(paths)
    assert [Path(name) for name, _ in found] == paths
    refusals = [said for _, said in found if not said.startswith("read ")]
    assert all(said.isprintable() and ": " in said and "Traceback" not in said for said in refusals)
    assert len({said.rpartition(": ")[2] for said in refusals}) > 20  # of many kinds
    assert count / 5 < len(refusals) < 0.8 * count


def test_a_seed_names_the_files(tmp_path):
    def content(folder, seed):
        paths = make_hostile(tmp_path / folder, 60, seed)
        return [
            (path.name, path.read_bytes() if path.is_file() and os.access(path, os.R_OK) else None) for path in paths
        ]

    assert content("a", 3) == content("b", 3)
    assert content("a2", 4) != content("b2", 3)


def test_names_are_many_and_never_alike(tmp_path):
    names = [path.name for path in make_hostile(tmp_path / "x", 300, 0)]
    assert len({*names}) == 300
    assert max(len(os.fsencode(name)) for name in names) == 255
    for part in ("\n", " ", "%s", "写", "\udcff", "\x1b"):
        assert any(part in name for name in names)
    assert any(name.startswith("-") for name in names)
    assert any(name.startswith("..") for name in names)
