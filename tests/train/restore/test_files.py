"""Names of files, folders and patterns, and of what is made of them."""

import os
from pathlib import Path

import pytest

from pscgan.data.image_io.decode import UnreadableImage
from pscgan.data.image_io.read_image import read
from pscgan.train.restore.files import check_outputs, inputs_of
from pscgan.train.restore.records import Records


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.JPG", "notes.txt", "deep/a.png", "deep/er/c.tiff", "out/old.png", "twin.png", "twin.jpg"):
        path = Path("photos", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return Path("photos")


PATTERNS = {
    "photos/**/c.*": ["deep/er/c.tiff"],
    "photos/?.png": ["a.png"],
    "**/er/*": ["deep/er/c.tiff"],
    "photos/**/deep/**/*.tiff": ["deep/er/c.tiff"],
    "photos/deep/**": ["deep/a.png", "deep/er/c.tiff"],
    "pho*/**/er/**/*": ["deep/er/c.tiff"],
    "photos/**/notes.*": ["notes.txt"],
}


def names(inputs):
    return [(str(one.path), str(one.folder), one.stem) for one in inputs]


def test_a_folder_is_all_its_pictures(photos):
    assert names(inputs_of(["photos"], photos / "out")) == [
        ("photos/a.png", ".", "a"),
        ("photos/b.JPG", ".", "b"),
        ("photos/deep/a.png", "deep", "a"),
        ("photos/deep/er/c.tiff", "deep/er", "c"),
        ("photos/out/old.png", "out", "old"),
        ("photos/twin.jpg", ".", "twin.jpg"),
        ("photos/twin.png", ".", "twin.png"),
    ]


def test_several_folders_have_theirs(photos, monkeypatch):
    monkeypatch.chdir(photos / "deep")
    assert names(inputs_of([".", "../twin.png", "er"], photos / "out")) == [
        ("a.png", "deep", "a"),
        ("er/c.tiff", "deep/er", "c"),
        ("../twin.png", ".", "twin"),
        ("er/c.tiff", "er", "c"),
    ]


@pytest.mark.parametrize("named", ["photos", "photos/**/[bc].*", "**/[bc].*"])
def test_loops_end_and_each_file_is_one(photos, named):
    for link, target in (
        ("deep/loop", ".."),
        ("deep/er/over", "../../deep"),
        ("deep/self", "self"),
        ("c.JPG", "b.JPG"),
    ):
        (photos / link).symlink_to(target)
    found = [one.path for one in inputs_of([named], photos / "out")]
    assert [path for path in found if path.stem in "bc"] == [photos / "b.JPG", photos / "deep/er/c.tiff"]


def test_hidden_files_are_none(photos):
    for name in ("._a.png", ".cache/c.png", "__MACOSX/d.png", "Thumbs.db"):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).touch()
    assert {one.path.name for one in inputs_of(["photos"], Path("out"))} == {
        *("a.png", "b.JPG", "c.tiff", "old.png", "twin.jpg", "twin.png")
    }


@pytest.mark.parametrize("named", ["photos", "photos/**/*.JPG", "photos/deep"])
def test_a_folder_that_cannot_be_listed_is_kept_to_be_answered(photos, named, monkeypatch):
    def denied(path, scandir=os.scandir):
        if str(path) == "photos/deep":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", denied)
    found = [one.path for one in inputs_of([named], photos / "out")]
    assert photos / "deep" in found
    assert (photos / "b.JPG" in found) == (named != "photos/deep")
    with pytest.raises(UnreadableImage, match=r"deep: .*Permission denied"):
        read(photos / "deep")


@pytest.mark.parametrize(("pattern", "found"), PATTERNS.items())
def test_a_pattern_is_what_it_matches(photos, pattern, found):
    assert names(inputs_of([pattern], Path("out"))) == [(f"photos/{name}", ".", Path(name).stem) for name in found]


def test_a_file_may_have_the_name_of_a_pattern(photos):
    path = photos / "a[1].png"
    path.touch()
    assert names(inputs_of([str(path), "gone.png"], Path("out"))) == [
        ("photos/a[1].png", ".", "a[1]"),
        ("gone.png", ".", "gone"),
    ]


def test_a_file_named_twice_is_restored_once(photos):
    assert names(inputs_of(["photos/a.png", "photos/a.png"], Path("out"))) == [("photos/a.png", ".", "a")]


def test_what_holds_or_matches_nothing_is_kept_to_be_answered(photos):
    Path("empty").mkdir()
    named = ["empty", "photos/*.gif"]
    assert names(inputs_of(named, Path("out"))) == [("empty", ".", "empty"), ("photos/*.gif", ".", "*")]


def test_two_files_of_one_name_are_named(photos):
    with pytest.raises(ValueError, match=r"photos/a\.png and photos/deep/a\.png would be restored to the same"):
        inputs_of(["photos/a.png", "photos/deep/a.png"], Path("out"))


def restored(folder, *stems):
    """As an earlier call leaves it: a picture, and its record."""
    for stem in stems:
        path = folder / f"{stem}_mean.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        Records(folder).append({"name": stem, "file": "", "call": "", "sha256": ""})


@pytest.mark.parametrize("named", ["photos", "photos/*.*", "photos/deep"])
@pytest.mark.parametrize("out", ["photos", ".", "photos/deep", "photos/new", "elsewhere"])
def test_what_an_earlier_call_wrote_among_the_pictures_is_none_of_them(named, out, photos):
    before = names(inputs_of([named], Path(out)))
    restored(photos, "a", "deep/a")
    restored(photos / "deep/restored", "er/c")
    (photos / "a_sample7.png").touch()  # of a call with more samples
    (photos / "other_mean.png").touch()  # which is on no record
    found = names(inputs_of([named], Path(out)))
    assert [one for one in found if "other" not in one[0]] == before
    assert any("other" in one[0] for one in found) == (named != "photos/deep")


def test_names_that_a_shell_has_listed_leave_the_output_out(photos):
    restored(photos, "a")
    files = [str(photos / name) for name in ("a.png", "a_mean.png")]
    assert [one.stem for one in inputs_of(files, photos)] == ["a"]
    assert [one.stem for one in inputs_of(files, Path("out"))] == ["a", "a_mean"]
    with pytest.raises(ValueError, match="INPUT"):
        inputs_of(files[1:], photos)


def test_a_folder_of_restored_pictures_alone_is_restored_by_another_call(tmp_path):
    restored(tmp_path / "out", "a", "b")
    assert [one.stem for one in inputs_of([str(tmp_path / "out")], tmp_path / "next")] == ["a_mean", "b_mean"]


def test_an_input_is_not_overwritten_by_way_of_a_link(photos):
    (photos / "a_mean.png").touch()
    Path("link").symlink_to(photos)
    inputs = inputs_of(["photos/a.png", "photos/a_mean.png"], Path("link"))
    with pytest.raises(ValueError, match="is an input"):
        check_outputs(inputs, Path("link"), 1, degraded=False, may_exist=True)
    check_outputs(inputs, Path("new"), 1, degraded=False, may_exist=False)
