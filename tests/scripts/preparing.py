"""``pscgan prepare-data`` in this process or in one that is killed, and something to pack."""

import os
import signal
import sys
from typing import NamedTuple

from pscgan.scripts.prepare_data import main

from ..data.pictures import folder_of, noise, write

WRITES = ("open", "os.rename", "os.remove", "os.mkdir")


class Ended(NamedTuple):
    code: int
    out: str
    err: str


def prepare(capfd, *arguments) -> Ended:
    capfd.readouterr()
    try:
        main([*map(str, arguments)])
    except SystemExit as ended:
        return Ended(ended.code, *capfd.readouterr())
    raise AssertionError("a command ends with an exit code")


def one_line(ended: Ended) -> str:
    """The only line of a command that refuses."""
    (line,) = ended.err.splitlines()
    assert (ended.code, ended.out) == (2, "")
    assert line.startswith("pscgan prepare-data: ")
    return line


def pictures(folder):
    """Seven, two of them in a folder, one damaged."""
    folder_of(folder, 5)
    write(folder / "deep/b.c.jpg", noise(seed=8))
    (folder / "03.png").write_bytes(b"")
    write(folder / "deep/a.webp", noise(seed=9))
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def killed_at(moment, arguments):
    """The command in a process of its own, which ends itself with SIGKILL at that change of the disk.

    Returns:
        Whether it was killed; else it ended.
    """
    child = os.fork()
    if not child:
        seen = 0

        def hook(event, values):
            nonlocal seen
            writes = event in WRITES and (event != "open" or (isinstance(values[2], int) and values[2] & os.O_WRONLY))
            seen += writes
            if writes and seen > moment:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as ended:
            os._exit(ended.code)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 2  # for the damaged image
    return os.WIFSIGNALED(status)
