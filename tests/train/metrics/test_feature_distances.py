"""What the figures of a restorer are made of, and what stands where they cannot be had."""

import pytest
import torch

from pscgan.train.metrics.cfid import CFID
from pscgan.train.metrics.feature_distances import feature_distances
from pscgan.train.metrics.fid import FID


def world(n=120, d=6, spread=1.0):
    """y = c, x = c + u; samples c + spread v."""
    rng = torch.Generator().manual_seed(0)
    c, u, v, w = torch.randn(4, n, d, generator=rng)
    return c + u, torch.stack([c + spread * v, c + spread * w]), c


def fid(restored, clean):
    metric = FID(clean.shape[1])
    metric.update(restored, real=False)
    metric.update(clean, real=True)
    return metric.compute()["fid"]


def cfid(*sets):
    metric = CFID(sets[0].shape[1], sets[0].shape[1])
    metric.update(*sets)
    return metric.compute()["cfid"]


def test_with_a_reference_all_images_are_compared_with_it():
    clean, samples, condition = world()
    reference = world(n=90)[0] + 0.1
    found = feature_distances(clean, samples, condition, reference)
    assert found.left_out == []
    assert set(found.values) == {"fid", "kid", "precision", "recall", "cfid"}
    assert found.values["fid"] == {
        "value": fid(samples[0], reference), "floor": fid(clean, reference), "n": 120, "m": 90,
    }  # fmt: skip
    assert found.values["kid"]["error"] > 0
    assert found.values["cfid"]["dimensions"] == 6
    assert found.values["cfid"]["value"] == pytest.approx(cfid(clean, samples[0], condition))
    assert found.values["cfid"]["floor"] == pytest.approx(cfid(samples[1], samples[0], condition))


def test_without_one_no_image_is_compared_with_itself():
    clean, samples, condition = world(n=121)
    found = feature_distances(clean, samples, condition)
    assert found.values["fid"] == {
        "value": fid(samples[0, ::2], clean[1::2]), "floor": fid(clean[::2], clean[1::2]), "n": 61, "m": 60,
    }  # fmt: skip


def test_an_exact_sampler_is_at_the_floor_and_others_are_above():
    exact, blurred = (feature_distances(*world(n=1000, spread=spread)).values for spread in (1.0, 0.2))
    for name in ("fid", "cfid"):
        assert exact[name]["value"] < 2 * exact[name]["floor"]
        assert blurred[name]["value"] > 5 * exact[name]["floor"]
    assert abs(exact["kid"]["value"]) < 3 * exact["kid"]["error"]
    assert blurred["kid"]["value"] > 3 * blurred["kid"]["error"]
    assert blurred["recall"]["value"] < blurred["recall"]["floor"] - 0.2
    assert exact["precision"]["value"] == pytest.approx(exact["precision"]["floor"], abs=0.05)


def test_what_a_few_images_do_not_give_is_named():
    clean, samples, condition = world(n=12)
    found = feature_distances(clean, samples[:1], condition)
    assert set(found.values) == {"fid", "precision", "recall"}
    assert [name for name, _ in found.left_out] == ["kid", "cfid"]
    assert found.left_out[0][1] == "number of restored images must be >= 20, got 6"
    assert found.left_out[1][1] == "number of images must be >= 13, got 12"


def test_one_sample_has_no_floor_of_its_distribution_given_y():
    clean, samples, condition = world()
    assert "floor" not in feature_distances(clean, samples[:1], condition).values["cfid"]


def test_what_does_not_belong_together_is_refused():
    clean, samples, condition = world()
    with pytest.raises(ValueError, match=r"samples_Snd has features \(119, 6\); allowed are those of clean"):
        feature_distances(clean, samples[:, 1:], condition)
    with pytest.raises(ValueError, match="condition has features"):
        feature_distances(clean, samples, condition[:, 1:])
    with pytest.raises(ValueError, match=r"reference is \(120, 5\); allowed is \(m, 6\)"):
        feature_distances(clean, samples, condition, clean[:, 1:])
