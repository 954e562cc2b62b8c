"""Names of files, folders and patterns, and of what is made of them."""

from pathlib import Path

import pytest

from pscgan.train.restore.files import inputs_of


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.JPG", "notes.txt", "deep/a.png", "deep/er/c.tiff", "out/old.png", "twin.png", "twin.jpg"):
        path = Path("photos", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return Path("photos")


def names(inputs):
    return [(str(one.path), str(one.folder), one.stem) for one in inputs]


def test_a_folder_is_all_its_pictures_but_those_of_the_output(photos):
    assert names(inputs_of(["photos"], photos / "out")) == [
        ("photos/a.png", ".", "a"),
        ("photos/b.JPG", ".", "b"),
        ("photos/deep/a.png", "deep", "a"),
        ("photos/deep/er/c.tiff", "deep/er", "c"),
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


def test_a_pattern_is_what_it_matches(photos):
    assert names(inputs_of(["photos/**/c.*", "photos/?.png"], Path("out"))) == [
        ("photos/deep/er/c.tiff", ".", "c"),
        ("photos/a.png", ".", "a"),
    ]


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
