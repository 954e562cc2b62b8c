"""Principal directions against an SVD; tiles; records that are whole or refused."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from pscgan.train.evaluation.evaluator import Records
from pscgan.train.evaluation.visuals import principal_components, tiles, write_samples


def samples(k=6):
    return torch.rand(k, 3, 20, 24, generator=torch.Generator().manual_seed(0))


def test_directions_are_the_principal_components_at_one_standard_deviation():
    drawn = samples()
    flat = drawn.flatten(1).double()
    _, values, vectors = torch.linalg.svd(flat - flat.mean(0), full_matrices=False)
    expected = (values[:, None] * vectors / 5**0.5)[:5]
    found = principal_components(drawn).flatten(1).double()
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-6) or torch.allclose(one, -other, atol=1e-6)
        assert one.sum() >= 0
    assert torch.allclose(found.square().sum(0), drawn.flatten(1).double().var(0), atol=1e-6)  # they add up to it


def test_pictures_are_the_middle_and_their_scales_say_what_white_is(tmp_path):
    drawn = samples()
    write_samples(tmp_path, drawn, size=16, count=2)
    names = {"sample1.png", "sample2.png", "mean.png", "std.png", "scales.json"} | {
        f"component{n}.png" for n in (1, 2, 3)
    }
    assert {path.name for path in tmp_path.iterdir()} == names
    middle = drawn[0, :, 2:18, 4:20].permute(1, 2, 0).numpy()
    assert np.abs(np.asarray(Image.open(tmp_path / "sample1.png")) / 255.0 - middle).max() <= 0.5 / 255 + 1e-6
    std = drawn[:, :, 2:18, 4:20].var(0).mean(0).sqrt()
    scales = json.loads((tmp_path / "scales.json").read_text())
    assert scales["std"] == pytest.approx(float(std.max()))
    shown = torch.tensor(np.asarray(Image.open(tmp_path / "std.png")) / 255.0) * scales["std"]
    assert torch.allclose(shown.float(), std, atol=scales["std"] / 255)


def test_one_sample_has_neither_mean_nor_spread(tmp_path):
    write_samples(tmp_path, samples(1), size=16, count=4)
    assert [path.name for path in tmp_path.iterdir()] == ["sample1.png"]


def test_tiles_cover_the_middle_without_overlap():
    image = torch.arange(2 * 3 * 11 * 13).view(2, 3, 11, 13).float()
    cut = tiles(image, 4)
    assert cut.shape == (2 * 2 * 3, 3, 4, 4)
    assert torch.equal(cut[0], image[0, :, 1:5, 0:4])
    assert torch.equal(cut[5], image[0, :, 5:9, 8:12])
    assert torch.equal(cut[6], image[1, :, 1:5, 0:4])
    assert tiles(image, None) is image
    with pytest.raises(ValueError, match=r"feature_tile must be in \[1, 11\]"):
        tiles(image, 12)


def test_records_come_back_and_damage_is_named(tmp_path):
    records = Records(tmp_path / "a")
    assert not records.has(3)
    records.write(3, {"x": torch.arange(4.0).double(), "y": torch.ones(2, 3)[:, ::2]})
    assert records.has(3)
    assert torch.equal(records.read(3)["x"], torch.arange(4.0).double())
    path = tmp_path / "a" / "000003.safetensors"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match=r"000003.safetensors is damaged; delete it"):
        records.read(3)
