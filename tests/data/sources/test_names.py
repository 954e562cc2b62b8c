"""Names in one buffer: as a list, and shared by processes."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from pscgan.data.sources.names import Names
from pscgan.data.splits import split

MANY = [f"class_{number // 1000:04d}/ILSVRC2012_{number:08d}.JPEG" for number in range(100_000)]


def test_they_are_as_a_list():
    names = ["a.png", "", "ä/日本.png", "b\udcff.png", "\U0001f600.png"]
    held = Names(names)
    assert held == names == list(held)
    assert (len(held), held[-1], held[2]) == (5, names[-1], names[2])
    assert held[1:4] == names[1:4]
    assert held[np.array([True, False, False, True, False])] == ["a.png", "b\udcff.png"]
    assert pickle.loads(pickle.dumps(held[3:])) == names[3:]
    assert held != names[:4]
    assert Names(()) == []
    with pytest.raises(IndexError):
        held[5]


def test_a_spawned_process_copies_little():
    assert len(pickle.dumps(Names(MANY))) < sum(map(len, MANY)) + 16 * len(MANY) + 1000


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory of a process is read from /proc")
def test_a_forked_process_shares_all():
    parts = split(Names(MANY), 100, 0)
    reading, writing = os.pipe()
    if os.fork() == 0:
        before = own_bytes()
        for place in range(len(parts.train)):
            parts.train[place]
        os.write(writing, str(own_bytes() - before).encode())
        os._exit(0)
    os.wait()
    assert int(os.read(reading, 100)) < 2e6  # of a list 10 MB


def own_bytes():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private"))
