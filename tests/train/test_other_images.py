"""A run that is started again while its root holds other images."""

import gzip
import json

import pytest
import torch
from omegaconf import OmegaConf

from pscgan.train.evaluation.dataset import open_images
from pscgan.train.inference.load_run import read_run_source

from ..data.pictures import folder_of, noise, write
from .tiny import LIGHTNING_SAYS, run

pytestmark = LIGHTNING_SAYS


@pytest.fixture
def root(tmp_path):
    return folder_of(tmp_path / "images", 6)


@pytest.fixture
def start(root, tmp_path):
    def start(*overrides):
        data = (f"dataset.root={root}", "dataset.validation=2", "dataset.crop=16", "dataset.cache=false")
        run(tmp_path / "run", *data, "images=4", "evaluation.every_images=4", *overrides)
        (tmp_path / "run/result.json").unlink()
        return json.loads((tmp_path / "run/run.json").read_text())[-1]["changes"]

    start()
    return start


def written(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_other_training_images_are_said(root, start, tmp_path):
    write(root / "0.png", noise(seed=9))
    (root / "01.png").unlink()
    (root / "02.png").unlink()
    assert start() == ["training images: 1 added, such as 0.png and 2 removed, such as 01.png"]
    assert start() == []
    names = json.loads(gzip.decompress((tmp_path / "run/images.json.gz").read_bytes()))
    assert names == {"train": ["0.png", "00.png", "03.png"], "validation": ["04.png", "05.png"], "test": []}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("06.png", "1 added, such as 06.png and 1 removed, such as 04.png"),
        ("05.png", "other files"),
    ],
)
def test_other_held_out_images_are_refused_before_anything_is_written(root, start, tmp_path, name, said):
    write(root / name, noise(seed=9))
    before = written(tmp_path / "run")
    with pytest.raises(ValueError, match=f"validation images: {said}.*allow_changed_config"):
        start()
    assert written(tmp_path / "run") == before
    assert f"validation images: {said}" in start("allow_changed_config=true")


def test_the_best_of_other_images_is_none(root, start, tmp_path):
    last, best = (tmp_path / "run" / name for name in ("last.ckpt", "best.ckpt"))
    torch.save(torch.load(last, weights_only=True) | {"best_crps": 0.0}, last)
    before = best.read_bytes()
    start("allow_changed_config=true", "images=8")
    assert best.read_bytes() == before
    write(root / "05.png", noise(seed=9))
    start("allow_changed_config=true", "images=12")
    assert best.read_bytes() != before
    assert torch.load(best, weights_only=True)["best_crps"] > 0


def test_a_run_is_not_evaluated_on_images_it_did_not_hold_out(root, start, tmp_path):
    write(root / "06.png", noise(seed=9))
    chosen = {"root": None, "resize": None, "channels": None, "recorded": None, "split": "validation"}
    with pytest.raises(ValueError, match=r"1 added, such as 06\.png and 1 removed, such as 04\.png.*images\.root"):
        open_images(OmegaConf.create({"images": chosen}), read_run_source(tmp_path / "run"), None)
