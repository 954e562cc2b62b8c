"""Files that are there whole or not at all."""

import os

import pytest

from pscgan.train.runs.atomic_write import atomic_write, written_together


def write_both(folder):
    with written_together() as write:
        write(folder / "new", b"new")
        write(folder / "old", b"newer")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device"), SystemExit])
def test_whatever_stops_it_leaves_the_old_file_and_no_part(error, tmp_path, monkeypatch):
    atomic_write(tmp_path / "old", b"old")
    calls = []

    def stop(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise error

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises((KeyboardInterrupt, OSError, SystemExit)):
        write_both(tmp_path)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old", b"old")]


def test_text_may_hold_a_name_that_is_no_unicode(tmp_path):
    atomic_write(tmp_path / "text", "日本\udcff")
    assert (tmp_path / "text").read_text("utf-8") == "日本\\udcff"
