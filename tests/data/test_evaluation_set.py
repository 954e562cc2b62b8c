"""Held-out images come whole, in order, or not at all."""

import pytest
import torch

from pscgan.data.crops import ImageTooSmall
from pscgan.data.evaluation_set import EvaluationSet
from pscgan.data.image_io.decode import UnreadableImage
from pscgan.data.sources.image_source import ImageSource

from .pictures import folder_of


@pytest.fixture
def source(tmp_path):
    return ImageSource(folder_of(tmp_path, 3, height=21, width=30))


def test_items_are_whole_named_and_numbered(source):
    images = EvaluationSet(source, source.names[1:])
    assert len(images) == 2
    assert [(item["name"], item["number"]) for item in images] == [("01.png", 0), ("02.png", 1)]
    assert all(torch.equal(item["clean"], source.read(item["name"])) for item in images)


def test_crop_is_central(source):
    clean = EvaluationSet(source, source.names, crop=10)[0]["clean"]
    assert torch.equal(clean, source.read("00.png")[:, 5:15, 10:20])


def test_errors_name_the_file(source):
    images = EvaluationSet(source, source.names, crop=22)
    for look in (images.check_sizes, lambda: images[0]):
        with pytest.raises(ImageTooSmall) as caught:
            look()
        assert caught.value.path == f"{source.root}/00.png"
        assert (caught.value.size, caught.value.option, caught.value.min_size) == ((21, 30), "evaluation_crop", 22)
    with pytest.raises(ValueError, match=r"evaluation_crop must .*got 0"):
        EvaluationSet(source, source.names, crop=0)
    (source.root / "01.png").write_bytes(b"")
    with pytest.raises(UnreadableImage, match=r"01\.png: the file is empty"):
        EvaluationSet(source, source.names)[1]
