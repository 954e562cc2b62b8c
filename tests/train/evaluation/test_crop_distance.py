"""KID to crops of photographs: of the crops themselves, and of blurred ones, with small features."""

import numpy as np
import pytest
import torch
from kornia.filters import gaussian_blur2d
from PIL import Image
from torch.nn import functional as F

from pscgan.data.sources.image_source import ImageSource
from pscgan.data.training_set import TrainingSet
from pscgan.train.evaluation import crop_distance
from pscgan.train.evaluation.crop_distance import CropDistance

COUNT, SIDE = 20, 32


def features(images):
    return F.avg_pool2d(images, 8).flatten(1)


features.identity = "means over blocks"


@pytest.fixture
def root(tmp_path):
    for number in range(3):
        coarse = np.random.default_rng(number).integers(0, 256, (10, 10, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((80, 80)).save(tmp_path / f"{number}.png")
    return tmp_path


@pytest.fixture
def distance(root, monkeypatch):
    monkeypatch.setattr(crop_distance, "instantiate", lambda config: {crop_distance.EXTRACTOR: features})
    return CropDistance(str(root), 3, SIDE, COUNT, seed=3)


def test_floor_and_mark_are_the_distances_of_other_crops_sharp_and_blurred(distance, root):
    source = ImageSource(root)
    crops = [TrainingSet(source, source.names, 3, SIDE)[number]["clean"] for number in range(COUNT, 2 * COUNT)]
    blurred = gaussian_blur2d(torch.stack(crops) / 255, (13, 13), (2.0, 2.0))
    of_crops, of_blurred = distance(crops), distance(list((255 * blurred).round().byte()))
    assert of_crops["kid"] == of_crops["floor"] == of_blurred["floor"]
    assert (of_crops["precision"], of_crops["recall"]) == (of_blurred["precision_floor"], of_blurred["recall_floor"])
    assert of_blurred["kid"] == of_blurred["blurred"] != of_crops["floor"]
    assert (of_crops["root"], of_crops["crops"], of_crops["extractor"]) == (str(root), COUNT, "means over blocks")


def test_images_of_one_grey_are_far(distance):
    found = distance([torch.full((3, SIDE, SIDE), 250).byte()] * COUNT)
    assert found["kid"] > found["floor"] + 4 * found["kid_error"]
    assert found["precision"] == found["recall"] == 0


def test_too_few_images_and_a_root_without_any_are_refused(root):
    with pytest.raises(ValueError, match="count must be >= 20, got 19"):
        CropDistance(str(root), 3, SIDE, 19)
    (root / "empty").mkdir()
    with pytest.raises(ValueError, match="root must hold image files"):
        CropDistance(str(root / "empty"), 3, SIDE, COUNT)
