"""Item n is a function of (seed, n)."""

import logging
import pickle

import numpy as np
import pytest
import torch

from pscgan.data.crops import ImageTooSmall
from pscgan.data.sources.image_source import ImageSource
from pscgan.data.training_set import TrainingSet

from .pictures import folder_of, noise, write
from .sources.test_tar import shard


def training_set(root, channels=3, resize=None, **arguments):
    source = ImageSource(root, channels, resize)
    return TrainingSet(source, source.names, **{"seed": 0, "crop": 8, **arguments})


def marked(root, count):
    """File i is of the one colour (i, 0, 200), so that a crop tells its file."""
    for index in range(count):
        write(root / f"{index:02d}.png", np.full((12, 12, 3), (index, 0, 200), np.uint8))
    return root


def first_items(images, count):
    return [images[number] for number in range(count)]


def files_of(items):
    return [int(item["clean"][0, 0, 0]) for item in items]


def same(one, other):
    return all(
        torch.equal(a["clean"], b["clean"]) and a["number"] == b["number"] for a, b in zip(one, other, strict=True)
    )


def test_an_epoch_visits_every_file_once_in_an_order_of_its_own(tmp_path):
    images = training_set(marked(tmp_path, 8))
    first, second = (files_of(images[n] for n in range(8 * epoch, 8 * epoch + 8)) for epoch in (0, 1))
    assert sorted(first) == sorted(second) == list(range(8))
    assert first != second
    assert first != sorted(first)


def test_items_are_functions_of_seed_and_number(tmp_path):
    folder_of(tmp_path, 5)
    forward = first_items(training_set(tmp_path), 20)
    again = training_set(tmp_path, cache=True)
    backward = [again[n] for n in reversed(range(20))]
    assert same(forward, backward[::-1])
    assert not same(forward, first_items(training_set(tmp_path, seed=1), 20))


def test_crops_lie_anywhere_in_the_image_and_are_mirrored_half_of_the_time(tmp_path):
    pixels = noise(9, 10)
    write(tmp_path / "x.png", pixels)
    image = torch.from_numpy(pixels).permute(2, 0, 1)
    windows = [image[:, top : top + 8, left : left + 8] for top in range(2) for left in range(3)]
    kinds = windows + [window.flip(2) for window in windows]

    def counts(images, number):
        items = [images[n]["clean"] for n in range(number)]
        return [sum(torch.equal(item, kind) for item in items) for kind in kinds]

    mirrored, plain = counts(training_set(tmp_path), 600), counts(training_set(tmp_path, flip=False), 60)
    assert sum(mirrored) == 600
    assert min(mirrored) > 50 - 4 * 7  # 600 draws of 12 kinds: 50 with a standard deviation of 6.8
    assert sum(plain[:6]) == 60


def test_items_are_uint8_of_the_crop(tmp_path):
    folder_of(tmp_path, 2)
    for channels in (1, 3):
        clean = training_set(tmp_path, channels)[3]["clean"]
        assert (clean.dtype, clean.shape) == (torch.uint8, (channels, 8, 8))


def test_resize_comes_before_the_crop(tmp_path):
    folder_of(tmp_path, 1)
    whole = ImageSource(tmp_path, resize=16).read("00.png")
    assert torch.equal(training_set(tmp_path, resize=16, crop=16, flip=False)[0]["clean"], whole)


def test_cache_reads_each_file_once(tmp_path, monkeypatch):
    folder_of(tmp_path, 3)
    reads, read = [], ImageSource.read
    monkeypatch.setattr(ImageSource, "read", lambda self, name: reads.append(name) or read(self, name))
    kept, fresh = training_set(tmp_path, cache=True), training_set(tmp_path, cache=False)
    reads.clear()
    assert same(first_items(kept, 6), first_items(fresh, 6))
    assert len(reads) == 6  # all of them for the set that keeps nothing


def test_an_unreadable_file_is_skipped_counted_and_named_once(tmp_path, caplog):
    marked(tmp_path, 8)
    whole = files_of(first_items(training_set(tmp_path), 16))
    (tmp_path / "03.png").write_bytes(b"")
    (tmp_path / "05.png").write_bytes(b"no image")
    with caplog.at_level(logging.WARNING):
        items = first_items(training_set(tmp_path), 16)
    epochs = [whole[:8] * 2, whole[8:] * 2]
    for number, item in enumerate(items):
        candidates = epochs[number // 8][number % 8 :]
        expected = next(file for file in candidates if file not in (3, 5))
        assert files_of([item]) == [expected]
        assert item["skipped"] == candidates.index(expected)
    assert sum(item["skipped"] for item in items) > 0
    first, second = (record.getMessage() for record in caplog.records)
    assert "03.png: the file is empty; the next" in first
    assert "05.png: it is no PNG" in second
    assert same(items, first_items(training_set(tmp_path), 16))


def test_an_unreadable_file_is_not_decoded_again(tmp_path, monkeypatch):
    folder_of(tmp_path, 2)
    (tmp_path / "01.png").write_bytes(b"")
    images = training_set(tmp_path)
    reads, read = [], ImageSource.read
    monkeypatch.setattr(ImageSource, "read", lambda self, name: reads.append(name) or read(self, name))
    assert sum(item["skipped"] for item in first_items(images, 4)) == 2
    assert reads == ["00.png"] * 4


def test_nothing_readable_is_an_error_before_and_in_training(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ValueError, match="no readable image among 2"):
        training_set(tmp_path)
    folder_of(tmp_path / "later", 2)
    images = training_set(tmp_path / "later")
    for path in (tmp_path / "later").iterdir():
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="no readable image among 2"):
        images[0]


def test_readable_images_behind_many_damaged_ones_are_found(tmp_path):
    folder_of(tmp_path, 20)
    for index in range(18):
        (tmp_path / f"{index:02d}.png").write_bytes(b"")
    assert training_set(tmp_path)[0]["clean"].shape == (3, 8, 8)


def test_an_image_smaller_than_the_crop_is_skipped_wherever_it_stands(tmp_path, caplog):
    marked(tmp_path, 20)
    whole = files_of(first_items(training_set(tmp_path, crop=12), 20))
    for small in ("03.png", "18.png"):  # among the first that are probed, and behind them
        write(tmp_path / small, noise(11, 12))
    with caplog.at_level(logging.WARNING):
        items = first_items(training_set(tmp_path, crop=12), 20)
    for number, item in enumerate(items):
        candidates = [*whole[number:], *whole]
        assert files_of([item]) == [next(file for file in candidates if file not in (3, 18))]
    assert sum(item["skipped"] for item in items) > 0
    assert sorted("03.png" in record.getMessage() for record in caplog.records) == [False, True]


def test_a_crop_larger_than_the_first_images_is_an_error_before_training(tmp_path):
    folder_of(tmp_path, 20, height=40, width=48)
    with pytest.raises(ImageTooSmall) as caught:
        training_set(tmp_path, crop=41)
    assert (caught.value.size, caught.value.option, caught.value.min_size) == ((40, 48), "crop", 41)
    again = pickle.loads(pickle.dumps(caught.value))  # as from a worker
    assert (str(again), again.size, again.path) == (str(caught.value), (40, 48), str(tmp_path / again.path))


def test_a_colour_network_refuses_a_grey_set(tmp_path):
    folder_of(tmp_path / "grey", 3, channels=1)
    write(tmp_path / "grey" / "stored_as_colour.png", noise(channels=1)[..., None].repeat(3, axis=2))
    with pytest.raises(ValueError, match=r"dataset\.channels must be 1, as the first 4 images of .* are all grey"):
        training_set(tmp_path / "grey")
    assert training_set(tmp_path / "grey", channels=1)[0]["clean"].shape == (1, 8, 8)
    write(tmp_path / "grey" / "colour.png", noise())
    assert training_set(tmp_path / "grey")[0]["clean"].shape == (3, 8, 8)


def test_crop_must_be_positive(tmp_path):
    with pytest.raises(ValueError, match="crop must be >= 1, got 0"):
        training_set(folder_of(tmp_path, 1), crop=0)


def test_shards_are_visited_window_by_window_and_can_skip(tmp_path, caplog):
    parts = [marked(tmp_path / "images", 8) / f"{index:02d}.png" for index in range(8)]
    for number in range(4):
        shard(tmp_path / f"shards/{number}.tar", {path.name: path.read_bytes() for path in parts[2 * number :][:2]})
    images = training_set(tmp_path / "shards", shuffle_shards=1)
    epochs = [files_of(images[n] for n in range(8 * epoch, 8 * epoch + 8)) for epoch in range(2)]
    for files in epochs:
        assert sorted(files) == list(range(8))
        assert all(one // 2 == other // 2 for one, other in zip(files[::2], files[1::2], strict=True))
    assert epochs[0] != epochs[1]
    (tmp_path / "shards/2.tar").unlink()
    with caplog.at_level(logging.WARNING):
        assert set(files_of(images[n] for n in range(16))) == {0, 1, 2, 3, 6, 7}
    assert len(caplog.records) == 2


@pytest.mark.parametrize(("window", "message"), [(0, "shuffle_shards must .*got 0"), (2, "has no shards, got 2")])
def test_windows_need_shards(tmp_path, window, message):
    with pytest.raises(ValueError, match=message):
        training_set(folder_of(tmp_path, 2), shuffle_shards=window)
