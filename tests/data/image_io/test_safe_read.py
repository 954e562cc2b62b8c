import os

import pytest

from pscgan.data.image_io.safe_read import BYTES_A_PIXEL, BYTES_OF_METADATA, on_one_line, read_bytes


def test_what_is_no_regular_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    for name, reason in [
        (".", "it is no regular file"),
        ("pipe", "it is no regular file"),
        ("device", "it is no regular file"),
        ("loop", "Too many levels of symbolic links"),
        ("none", "No such file or directory"),
    ]:
        with pytest.raises(ValueError, match=rf"^it cannot be opened: {reason}$"):
            read_bytes(tmp_path / name, None)


def test_the_limit_on_bytes_follows_from_the_pixels(tmp_path):
    most, path = 10 * BYTES_A_PIXEL + BYTES_OF_METADATA, tmp_path / "x"
    path.write_bytes(bytes(most))
    assert len(read_bytes(path, 10)) == len(read_bytes(path, None)) == most
    path.write_bytes(bytes(most + 1))
    with pytest.raises(ValueError, match=f"it has more than {most} bytes, the limit for 10 pixels"):
        read_bytes(path, 10)


def test_names_do_not_break_lines_or_command_terminals():
    assert on_one_line("a\nb\x1b[31m\u202e\udcff größe 写") == "a\\nb\\x1b[31m\\u202e\\udcff größe 写"
