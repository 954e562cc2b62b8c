"""The split is fixed by the names."""

import pytest

from pscgan.data.splits import split

NAMES = [f"{folder}/{index}.png" for folder in ("test", "train", "val") for index in range(4)]


def test_counts_take_the_last_names():
    parts = split(NAMES, 2, 3)
    assert parts.validation == NAMES[10:]
    assert parts.test == NAMES[7:10]
    assert parts.train == NAMES[:7]


def test_none_is_held_out_by_zero():
    parts = split(NAMES, 0, 0)
    assert (parts.train, parts.validation, parts.test) == (NAMES, [], [])


def test_patterns_match_names():
    parts = split(NAMES, ["val/*"], ["test/[01].png", "test/3.png"])
    assert parts.validation == NAMES[8:]
    assert parts.test == ["test/0.png", "test/1.png", "test/3.png"]
    assert parts.train == ["test/2.png", *NAMES[4:8]]


@pytest.mark.parametrize(("validation", "test"), [(3, ["val/[23].png"]), (["val/[23].png"], 3)])
def test_a_count_takes_what_patterns_leave(validation, test):
    parts = split(NAMES, validation, test)
    by_pattern, by_count = (parts.test, parts.validation) if validation == 3 else (parts.validation, parts.test)
    assert by_pattern == NAMES[10:]
    assert by_count == NAMES[7:10]
    assert sorted([*parts.train, *parts.validation, *parts.test]) == NAMES


@pytest.mark.parametrize(
    ("validation", "test", "message"),
    [
        (["nowhere/*"], 0, "validation holds the pattern 'nowhere/\\*'; it matches none of the 12 images"),
        (["val/*"], ["*/0.png"], "test holds the pattern '\\*/0.png'; it matches val/0.png, already in validation"),
        (13, 0, "validation must .*got 13"),
        (5, 8, "test must .*got 8"),
        (-1, 0, "validation must .*got -1"),
        (0, "val/*", "test must .*got 'val/\\*'"),
        (6, 6, "of 12 images none is left for training"),
        (["*"], 0, "of 12 images none is left for training"),
    ],
)
def test_impossible_splits_are_refused(validation, test, message):
    with pytest.raises(ValueError, match=message):
        split(NAMES, validation, test)
