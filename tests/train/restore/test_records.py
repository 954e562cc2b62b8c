"""One line a picture, whole at any moment, whatever stops the program."""

import json

import pytest

from pscgan.train.restore.records import RECORDS, Records, note_start, restored_names, sha256


def record(name, sha="a", call="c", **more):
    return {"name": name, "file": f"{name}.png", "call": call, "sha256": sha, **more}


def error(name):
    return {"name": name, "file": f"{name}.png", "call": "c", "error": "no picture"}


def lines(folder):
    return [json.loads(line) for line in (folder / RECORDS).read_text().splitlines()]


def test_what_was_made_by_the_same_call_from_the_same_file_is_held(tmp_path):
    for one in (record("x"), error("y")):
        Records(tmp_path).append(one)
    records = Records(tmp_path)
    assert records.hold(record("x"))
    assert not any(map(records.hold, (record("x", sha="b"), record("x", call="d"), record("y"), record("z"))))
    assert restored_names(tmp_path) == {"x"}


def test_a_line_that_a_kill_cut_short_is_dropped_and_replaced(tmp_path):
    Records(tmp_path).append(record("x"))
    with (tmp_path / RECORDS).open("a") as file:
        file.write('{"name": "y", "fi')
    records = Records(tmp_path)
    assert restored_names(tmp_path) == {"x"}
    records.append(record("z"))
    assert lines(tmp_path) == [record("x"), record("z")]


def test_a_full_disk_leaves_whole_lines(tmp_path, monkeypatch):
    records = Records(tmp_path)
    records.append(record("x"))
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match=rf"cannot write .*{RECORDS}: No space"):
            records.append(record("y"))
    records.append(record("z"))
    assert lines(tmp_path) == [record("x"), record("z")]


def test_each_name_has_one_line_in_the_end_where_its_first_was(tmp_path):
    for name in "xyz":
        Records(tmp_path).append(error("y") if name == "y" else record(name))
    records = Records(tmp_path)
    for one in (record("y"), record("x", sha="new")):
        records.append(one)
    assert [one["name"] for one in lines(tmp_path)] == ["x", "y", "z", "y", "x"]  # the last of a name counts
    assert Records(tmp_path).hold(record("x", sha="new"))
    records.close()
    assert lines(tmp_path) == [record("x", sha="new"), record("y"), record("z")]


def test_an_error_does_not_replace_what_is_known_of_files_that_are_there(tmp_path):
    Records(tmp_path).append(record("x"))
    Records(tmp_path).append(error("x"))
    assert lines(tmp_path) == [record("x")]


@pytest.mark.parametrize("text", ["no JSON\n", "[]\n", '{"name": "x"}\n', "3\n"])
def test_the_file_of_somebody_else_is_named_and_says_nothing_of_pictures(text, tmp_path):
    (tmp_path / RECORDS).write_text(text)
    with pytest.raises(ValueError, match=f"{RECORDS}, line 1"):
        Records(tmp_path)
    assert restored_names(tmp_path) == set()


@pytest.mark.parametrize("text", ["{}", "no JSON"])
def test_a_list_of_starts_is_asked_for(text, tmp_path):
    (tmp_path / "restore.json").write_text(text)
    with pytest.raises(ValueError, match=r"restore\.json"):
        note_start(tmp_path, {})
    assert (tmp_path / "restore.json").read_text() == text


def test_the_digest_is_that_of_all_that_is_read(tmp_path):
    photo, mask = tmp_path / "photo", tmp_path / "mask"
    photo.write_bytes(b"ab")
    mask.write_bytes(b"c")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of abc, FIPS 180-2
    assert sha256([photo, mask]) == known
    with pytest.raises(ValueError, match="cannot be opened"):
        sha256([tmp_path / "gone"])
