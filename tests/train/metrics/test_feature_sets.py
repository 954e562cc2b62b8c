"""Distances of sets of features: against implementations of their own, on ranks, and where laws are known."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch

from pscgan.train.metrics.feature_sets import KID, PrecisionRecall
from pscgan.train.metrics.frechet import CFID, FID, rotation

from ..distributed.on_ranks import on_ranks

ON_SETS = (FID, KID, PrecisionRecall)


def features(count, dimensions, seed, shift=0.0):
    """Correlated, skewed, not centred."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).standard_normal((dimensions, dimensions))
    return torch.from_numpy(np.maximum(rng.standard_normal((count, dimensions)) @ mixing + 1 + shift, 0)).float()


def compared(metric, restored, clean, parts=1):
    for real, vectors in ((False, restored), (True, clean)):
        for part in vectors.tensor_split(parts):
            metric.update(part, real=real)
    return metric.compute()


def numpy_frechet(a, b):
    a, b = a.double().numpy(), b.double().numpy()
    root = scipy.linalg.sqrtm(np.cov(a, rowvar=False) @ np.cov(b, rowvar=False))
    return np.square(a.mean(0) - b.mean(0)).sum() + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root.real)


def numpy_kernel_distance(a, b):
    a, b = a.double().numpy(), b.double().numpy()
    kernel = lambda u, v: (u @ v / len(u) + 1) ** 3  # noqa: E731
    aa = [kernel(u, v) for i, u in enumerate(a) for j, v in enumerate(a) if i != j]
    bb = [kernel(u, v) for i, u in enumerate(b) for j, v in enumerate(b) if i != j]
    return np.mean(aa) + np.mean(bb) - 2 * np.mean([kernel(u, v) for u in a for v in b])


def numpy_share_within(points, centres, k):
    points, centres = points.double().numpy(), centres.double().numpy()
    radii = [sorted(np.linalg.norm(c - other) for other in centres)[k] for c in centres]
    return np.mean([any(np.linalg.norm(p - c) <= r for c, r in zip(centres, radii, strict=True)) for p in points])


def numpy_conditional(a, b, c):
    a, b, c = (v.double().numpy() for v in (a, b, c))
    d, joint = a.shape[1], np.cov(np.concatenate([a, b, c], axis=1), rowvar=False)
    s = {
        i + j: joint[m * d : (m + 1) * d, n * d : (n + 1) * d] for m, i in enumerate("abc") for n, j in enumerate("abc")
    }
    inverse = np.linalg.inv(s["cc"])
    left_a, left_b = (s[i + i] - s[i + "c"] @ inverse @ s["c" + i] for i in "ab")
    root = scipy.linalg.sqrtm(left_a)
    cross = scipy.linalg.sqrtm(root @ left_b @ root).real
    explained = np.trace((s["ac"] - s["bc"]) @ inverse @ (s["ca"] - s["cb"]))
    return np.square(a.mean(0) - b.mean(0)).sum() + explained + np.trace(left_a + left_b - 2 * cross)


def test_the_frechet_distance_equals_scipy():
    restored, clean = features(60, 8, seed=1, shift=0.3), features(50, 8, seed=2)
    assert compared(FID(8), restored, clean)["fid"] == pytest.approx(numpy_frechet(restored, clean), rel=1e-6)


def test_the_frechet_distance_is_exact_where_covariances_are_singular():
    """Fewer images than dimensions: vectors that share their first half of the axes, with a known distance."""
    rng = np.random.default_rng(0)
    small, axes = rng.standard_normal((2, 12, 6)), np.linalg.qr(rng.standard_normal((40, 40)))[0][:, :6]
    inside = numpy_frechet(*torch.from_numpy(small))
    wide = [torch.from_numpy(part @ axes.T) for part in small]
    assert compared(FID(40), *wide)["fid"] == pytest.approx(inside, rel=1e-9)
    assert compared(FID(40), wide[0], wide[0])["fid"] == pytest.approx(0, abs=1e-12)


def test_the_frechet_distance_of_a_shift_is_its_squared_length():
    clean = features(30, 5, seed=1).double()
    shift = torch.tensor([1.0, 0, -2, 0, 0.5], dtype=torch.float64)
    assert compared(FID(5), clean + shift, clean)["fid"] == pytest.approx(5.25, rel=1e-9)
    assert compared(FID(5), 3 * clean, 3 * (clean + shift))["fid"] == pytest.approx(9 * 5.25, rel=1e-9)


def test_the_kernel_distance_equals_a_sum_over_pairs():
    restored, clean = features(30, 5, seed=1, shift=0.3), features(24, 5, seed=2)
    result = compared(KID(5), restored, clean)
    assert result["kid"] == pytest.approx(numpy_kernel_distance(restored, clean), rel=1e-6)


def test_the_kernel_distance_is_unbiased_and_its_error_is_that_of_the_mean():
    different, equal = ([], []), []
    for trial in range(40):
        restored, clean, shifted = (features(100, 3, seed=10 * trial + i, shift=1.0 * (i == 2)) for i in range(3))
        equal.append(compared(KID(3), restored, clean)["kid"])
        for values, value in zip(different, compared(KID(3), shifted, clean).values(), strict=True):
            values.append(value)
    assert abs(np.mean(equal)) < 3 * np.std(equal) / math.sqrt(40)
    assert min(equal) < 0
    assert np.mean(different[1]) == pytest.approx(np.std(different[0]), rel=0.5)


def test_the_subsets_follow_the_seed():
    restored, clean = features(40, 4, seed=1), features(40, 4, seed=2)
    one, same, other = (compared(KID(4, seed=seed), restored, clean) for seed in (0, 0, 1))
    assert one == same
    assert one["kid"] == other["kid"]
    assert one["kid_error"] != other["kid_error"]


@pytest.mark.parametrize("k", [1, 3])
def test_precision_and_recall_equal_a_search_by_hand(k):
    restored, clean = features(300, 4, seed=1, shift=0.8), features(280, 4, seed=2)
    result = compared(PrecisionRecall(4, neighbours=k), restored, clean)
    assert result["precision"] == numpy_share_within(restored, clean, k)
    assert result["recall"] == numpy_share_within(clean, restored, k)
    assert 0 < result["precision"] < 1


def test_precision_and_recall_of_known_sets():
    line = torch.arange(8.0)[:, None].expand(8, 2)
    assert compared(PrecisionRecall(2), line, line) == {"precision": 1, "recall": 1}
    assert compared(PrecisionRecall(2), line + 100, line) == {"precision": 0, "recall": 0}
    collapsed = torch.full((8, 2), 3.0)  # sharp, one answer: its balls have no radius
    assert compared(PrecisionRecall(2), collapsed, line) == {"precision": 1, "recall": 1 / 8}


def test_the_conditional_distance_equals_scipy():
    a, b, c = (features(60, 6, seed=i, shift=0.1 * i) for i in range(3))
    b = b + 0.5 * a + c.flip(1)
    metric = CFID(6)
    metric.update(a, b, c)
    assert metric.compute()["cfid"] == pytest.approx(numpy_conditional(a, b, c), rel=1e-6)


def test_the_conditional_distance_of_known_gaussians():
    """a = c + u, b = s c + t v with unit normals: W2² of the laws given c is ((1 − s) c)² + (1 − t)², a dimension."""
    rng = torch.Generator().manual_seed(0)
    c, u, v = torch.randn(3, 200_000, 2, generator=rng, dtype=torch.float64)
    metric = CFID(2)
    metric.update(c + u, 0.5 * c + 0.2 * v, c)
    assert metric.compute()["cfid"] == pytest.approx(2 * (0.25 + 0.64), rel=0.02)
    other = CFID(2)  # the right marginal law, of another y
    other.update(c + u, (c + u).roll(1, 0), c)
    # given c: mean c against 0, spread 1 against √2
    assert other.compute()["cfid"] == pytest.approx(2 * (1 + (math.sqrt(2) - 1) ** 2), rel=0.02)


def test_conditions_that_do_not_vary_say_nothing():
    a, b, c = (features(60, 4, seed=i, shift=0.1 * i) for i in range(3))
    whole, part = CFID(4), numpy_frechet(a, b)
    whole.update(a, b, torch.full_like(c, 0.3))
    assert whole.compute()["cfid"] == pytest.approx(part, rel=1e-6)


def test_the_kept_dimensions_are_the_first_of_one_rotation():
    turn = rotation(6, 6, seed=0)
    assert torch.allclose(turn.T @ turn, torch.eye(6, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(turn[:, :2], rotation(6, 2, seed=0), atol=1e-12)
    assert not torch.allclose(turn, rotation(6, 6, seed=1))
    a, b, c = (features(60, 6, seed=i).double() for i in range(3))
    kept, by_hand, rotated, plain = (
        CFID(6, 2),
        CFID(2),
        CFID(6, 6),
        CFID(6),
    )
    kept.update(a, b, c)
    by_hand.update(a @ turn[:, :2], b @ turn[:, :2], c @ turn[:, :2])
    assert kept.compute()["cfid"] == pytest.approx(by_hand.compute()["cfid"], rel=1e-9)
    rotated.update(a, b, c)
    plain.update(a, b, c)
    assert rotated.compute()["cfid"] == pytest.approx(plain.compute()["cfid"], rel=1e-9)


def figures(restored, clean, condition):
    """All of them, of this rank's share."""
    rank, size = (
        (torch.distributed.get_rank(), torch.distributed.get_world_size())
        if torch.distributed.is_initialized()
        else (0, 1)
    )
    mine = slice(rank, None, size)
    found = {}
    for kind in ON_SETS:
        found |= compared(kind(clean.shape[1]), restored[mine], clean[mine], parts=2 if rank else 1)
    conditional = CFID(clean.shape[1], 3)
    conditional.update(clean[mine], restored[mine], condition[mine])
    return found | conditional.compute()


@pytest.mark.integration
@pytest.mark.parametrize("size", [1, 2, 3])
def test_any_ranks_give_the_same(size):
    sets = [features(40, 4, seed=i, shift=0.1 * i) for i in range(3)]
    alone = figures(*sets)
    assert len(alone) == 6
    for found in on_ranks(size, figures, *sets):
        assert found == pytest.approx(alone, rel=1e-9)


def figures_of_the_first_rank(kind, restored, clean):
    metric = kind(clean.shape[1])
    return metric.compute() if torch.distributed.get_rank() else compared(metric, restored, clean)


@pytest.mark.integration
@pytest.mark.parametrize("kind", ON_SETS)
def test_a_rank_may_have_no_images(kind):
    restored, clean = features(40, 4, seed=1, shift=0.2), features(40, 4, seed=2)
    for found in on_ranks(2, figures_of_the_first_rank, kind, restored, clean):
        assert found == pytest.approx(compared(kind(4), restored, clean), rel=1e-9)


@pytest.mark.parametrize("kind", ON_SETS)
def test_any_order_and_batches_give_the_same(kind):
    restored, clean = features(40, 4, seed=1, shift=0.2), features(40, 4, seed=2)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    once, again = compared(kind(4), restored, clean), compared(kind(4), restored[order], clean[order.flip(0)], parts=7)
    assert again == pytest.approx(once, rel=1e-9)


@pytest.mark.parametrize(("kind", "least"), [(FID, 2), (KID, 20), (PrecisionRecall, 4)])
def test_too_few_images_are_refused_with_the_least(kind, least):
    vectors = features(least, 4, seed=1)
    assert compared(kind(4), vectors, vectors)
    with pytest.raises(ValueError, match=f"number of restored images must be >= {least}, got {least - 1}"):
        compared(kind(4), vectors[1:], vectors)
    with pytest.raises(ValueError, match=f"number of clean images must be >= {least}, got {least - 1}"):
        compared(kind(4), vectors, vectors[1:])
    with pytest.raises(ValueError, match=r"features must be \(N, 4\), got \(2, 3\)"):
        kind(4).update(vectors[:2, :3], real=True)
    with pytest.raises(ValueError, match="dimensions must be >= 1, got 0"):
        kind(0)


def test_an_empty_side_is_refused():
    for kind in ON_SETS:
        with pytest.raises(ValueError, match=r"number of restored images must be >= .*got 0"):
            compared(kind(4), torch.zeros(0, 4), features(30, 4, seed=1))


def test_too_few_images_for_a_conditional_covariance_are_refused():
    a, b, c = (features(8, 4, seed=i) for i in range(3))
    metric = CFID(4)
    metric.update(a, b, c)
    with pytest.raises(ValueError, match="number of images must be >= 9, got 8"):
        metric.compute()
    metric.update(a[:1], b[:1], c[:1])
    assert metric.compute()["cfid"] > 0
    with pytest.raises(ValueError, match="there are 8 truths, 7 samples and 8 conditions"):
        metric.update(a, b[1:], c)
    for kept in (0, 5):
        with pytest.raises(ValueError, match=f"kept must be .* got {kept}"):
            CFID(4, kept)
