"""What the figures of a restorer are made of, and what stands where they cannot be had."""

import pytest
import torch

from pscgan.train.metrics.feature_distances import feature_distances
from pscgan.train.metrics.frechet import CFID, FID


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
    values, left_out = feature_distances(clean, samples, condition, reference)
    assert left_out == {}
    on_sets = {f"{name}{part}" for name in ("fid", "kid", "precision", "recall") for part in ("", "_floor", "_n", "_m")}
    assert set(values) == on_sets | {"kid_error", "cfid", "cfid_floor", "cfid_n", "cfid_dimensions"}
    assert values["fid"] == fid(samples[0], reference)
    assert values["fid_floor"] == fid(clean, reference)
    assert (values["fid_n"], values["fid_m"]) == (120, 90)
    assert values["kid_error"] > 0
    assert values["cfid_dimensions"] == 6
    assert values["cfid"] == pytest.approx(cfid(clean, samples[0], condition))
    assert values["cfid_floor"] == pytest.approx(cfid(samples[1], samples[0], condition))


def test_without_one_no_image_is_compared_with_itself():
    clean, samples, condition = world(n=121)
    values, _ = feature_distances(clean, samples, condition)
    assert values["fid"] == fid(samples[0, ::2], clean[1::2])
    assert values["fid_floor"] == fid(clean[::2], clean[1::2])
    assert (values["fid_n"], values["fid_m"]) == (61, 60)


def test_an_exact_sampler_is_at_the_floor_and_others_are_above():
    exact, blurred = (feature_distances(*world(n=1000, spread=spread))[0] for spread in (1.0, 0.2))
    for name in ("fid", "cfid"):
        assert exact[name] < 2 * exact[f"{name}_floor"]
        assert blurred[name] > 5 * exact[f"{name}_floor"]
    assert abs(exact["kid"]) < 3 * exact["kid_error"]
    assert blurred["kid"] > 3 * blurred["kid_error"]
    assert blurred["recall"] < blurred["recall_floor"] - 0.2
    assert exact["precision"] == pytest.approx(exact["precision_floor"], abs=0.05)


def test_what_a_few_images_do_not_give_is_named():
    clean, samples, condition = world(n=12)
    values, left_out = feature_distances(clean, samples[:1], condition)
    assert {"fid", "precision", "recall"} <= set(values)
    assert list(left_out) == ["kid", "cfid"]
    assert "20" in left_out["kid"]
    assert "13" in left_out["cfid"]


def test_one_sample_has_no_floor_of_its_distribution_given_y():
    clean, samples, condition = world()
    values, _ = feature_distances(clean, samples[:1], condition)
    assert "cfid" in values
    assert "cfid_floor" not in values


def test_what_does_not_belong_together_is_refused():
    clean, samples, condition = world()
    with pytest.raises(ValueError, match=r"samples_Snd.*\(119, 6\)"):
        feature_distances(clean, samples[:, 1:], condition)
    with pytest.raises(ValueError, match="condition"):
        feature_distances(clean, samples, condition[:, 1:])
    with pytest.raises(ValueError, match=r"reference.*\(120, 5\)"):
        feature_distances(clean, samples, condition, clean[:, 1:])
