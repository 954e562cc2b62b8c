"""``pscgan prepare-data`` in this process, and something to pack."""

from typing import NamedTuple

from pscgan.scripts.prepare_data import main

from ..data.pictures import folder_of, noise, write


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
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
