"""Which files a folder holds: links, loops, pipes, hidden files, and what may not be read."""

import os

import pytest

from pscgan.data.image_io.decode import UnreadableImage
from pscgan.data.sources.image_source import ImageSource
from pscgan.data.sources.open_source import open_root
from pscgan.data.sources.pairs import PairSource

from ..pictures import folder_of, noise, write

NAMES = ["00.png", "01.png"]


@pytest.fixture
def root(tmp_path):
    return folder_of(tmp_path / "images", 2)


def refuse(call, place):
    """The call of ``os``, as it is for somebody without permission: root may read everything."""

    def refused(path=".", *arguments, **options):
        if os.fspath(path) == os.fspath(place):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return call(path, *arguments, **options)

    return refused


def test_a_loop_ends_and_each_image_is_one(root):
    (root / "loop").symlink_to(".")
    (root / "a").mkdir()
    (root / "a/self").symlink_to("self")
    assert open_root(root).names == NAMES


def test_crossing_loops_end(root):
    for name, other in ("ab", "ba"):
        folder_of(root / name, 1)
        (root / name / "over").symlink_to(f"../{other}")
        (root / name / "up").symlink_to("..")
    assert open_root(root).names == [*NAMES, "a/00.png", "b/00.png"]


def test_many_folders_that_link_to_each_other_end(root):
    for name in "abcdefgh":
        (root / name).mkdir()
        for other in "abcdefgh":
            (root / name / f"to_{other}").symlink_to(f"../{other}")
    assert open_root(root).names == NAMES


def test_a_folder_elsewhere_is_followed_once(root, tmp_path):
    other = folder_of(tmp_path / "elsewhere", 1)
    folder_of(other / "deep", 1)
    (root / "b").symlink_to(other)
    (root / "c").symlink_to(other)
    (root / "a").symlink_to(other / "deep")
    assert open_root(root).names == [*NAMES, "a/00.png", "b/00.png"]
    assert ImageSource(root).read("b/00.png").shape == (3, 40, 48)


def test_an_image_has_the_name_without_a_link(root, caplog):
    (root / "0.png").symlink_to("01.png")
    (root / "0").symlink_to(".")
    assert open_root(root).names == NAMES
    assert "0.png" in caplog.text


def test_of_links_to_one_image_the_first_counts(root, tmp_path):
    blob = write(tmp_path / "store/1.png", noise()).rename(tmp_path / "store/1")  # as content-addressed stores do
    for name in ("d.png", "c.png"):
        (root / name).symlink_to(blob)
    assert open_root(root).names == [*NAMES, "c.png"]


def test_a_link_to_what_has_no_image_name_in_the_root_is_an_image(root):
    write(root / "blob.png", noise()).rename(root / "blob")
    (root / "c.png").symlink_to("blob")
    (root / ".store").mkdir()
    write(root / ".store/d.png", noise())
    (root / "d.png").symlink_to(".store/d.png")
    assert open_root(root).names == [*NAMES, "c.png", "d.png"]


def test_pairs_take_each_real_image_once(root, tmp_path):
    recorded = folder_of(tmp_path / "recorded", 2)
    (root / "loop").symlink_to(".")
    (recorded / "up").symlink_to("..")
    with pytest.raises(ValueError, match=r"no partner.*up/"):
        PairSource(root, recorded)
    (recorded / "up").unlink()
    (recorded / "loop").symlink_to(".")
    assert PairSource(root, recorded).names == NAMES


def test_pipes_and_devices_are_never_opened(root):
    os.mkfifo(root / "02.png")
    (root / "03.png").symlink_to("/dev/zero")
    source = ImageSource(root)
    for look in (ImageSource.read, ImageSource.size):
        for name in ("02.png", "03.png"):
            with pytest.raises(UnreadableImage, match=f"{name}: .*regular"):
                look(source, name)


@pytest.mark.parametrize("target", ["gone.png", "02.png"])
def test_a_link_to_nowhere_is_named(root, target):
    (root / "02.png").symlink_to(target)
    with pytest.raises(ValueError, match=r"02\.png"):
        open_root(root)


def test_a_file_that_may_not_be_read_is_named(root, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: path.name != "01.png")
    with pytest.raises(ValueError, match=r"01\.png.*permission"):
        open_root(root)


def test_a_folder_that_cannot_be_listed_is_named(root, monkeypatch):
    folder_of(root / "deep/er", 1)
    monkeypatch.setattr("os.scandir", refuse(os.scandir, root / "deep"))
    with pytest.raises(ValueError, match=r"deep.*Permission denied"):
        open_root(root)


def test_what_is_hidden_or_of_the_system_is_no_image(root, monkeypatch):
    for name in ("._00.png", ".AppleDouble/00.png", "@eaDir/00.png/thumb.jpg", "lost+found/1.png", "__MACOSX/00.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"\0\5\x16\7")
    for name in (".DS_Store", "Thumbs.db"):
        (root / name).touch()
    monkeypatch.setattr("os.scandir", refuse(os.scandir, root / "lost+found"))
    assert open_root(root).names == NAMES
