"""What holds for every distance, and the formula of each."""

import math

import pytest
import torch
from torch.nn import functional as F

from pscgan.losses.distances import Distance, PixelL2, safe_root
from pscgan.losses.experimental.feature_distances import Contextual, Gram, SlicedWasserstein
from pscgan.losses.perceptual import FeatureL1, ProjectedDistributionLoss

from .scalar_world import normal
from .taps import PixelL1, Smooth, pixels

METRICS = {
    "pixel_l1": PixelL1(),
    "pixel_l2": PixelL2(),
    "feature_l1": FeatureL1(Smooth(), (0.5, 2.0)),
    "pdl": ProjectedDistributionLoss(Smooth()),
    "pdl_w2": ProjectedDistributionLoss(Smooth(), p=2),
    "sliced": SlicedWasserstein(Smooth(), directions=5),
    "quantiles": ProjectedDistributionLoss(Smooth(), quantiles=7),
}
DISTANCES = METRICS | {"gram": Gram(Smooth()), "contextual": Contextual(Smooth(), positions=12)}
every_distance = pytest.mark.parametrize("distance", DISTANCES.values(), ids=DISTANCES)
SHAPE = (3, 2, 6, 6)


def between(distance, x, y):
    return distance.between(distance.embed(x), distance.embed(y))


@every_distance
def test_one_distance_an_image_and_forward_is_their_mean(distance):
    x, y = normal(0, *SHAPE), normal(1, *SHAPE)
    assert isinstance(distance, Distance)
    distances = between(distance, x, y)
    assert distances.shape == (3,)
    assert (distances > 0).all()
    apart = torch.cat([between(distance, x[n : n + 1], y[n : n + 1]) for n in range(3)])
    assert torch.allclose(distances, apart, rtol=1e-9)
    assert torch.allclose(distance(x, y), distances.mean(), rtol=1e-12)


@every_distance
def test_images_that_are_equal_are_at_distance_0_and_pass_a_finite_gradient(distance):
    x = normal(2, *SHAPE).requires_grad_()
    value = distance(x, x.detach())
    assert value.item() == pytest.approx(0, abs=1e-6)
    value.backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("distance", METRICS.values(), ids=METRICS)
def test_metric(distance):
    x, y, z = (normal(seed, *SHAPE) for seed in (3, 4, 5))
    assert torch.allclose(between(distance, x, y), between(distance, y, x), rtol=1e-12)
    assert (between(distance, x, z) <= between(distance, x, y) + between(distance, y, z)).all()


@every_distance
def test_gradient_is_the_derivative(distance):
    x, y = normal(6, 1, 2, 4, 4).requires_grad_(), normal(7, 1, 2, 4, 4).requires_grad_()
    assert torch.autograd.gradcheck(distance, (x, y))


@every_distance
def test_fp32_under_autocast(distance):
    x, y = normal(8, *SHAPE).bfloat16(), normal(9, *SHAPE).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = distance(x, y)
    assert value.dtype == torch.float32
    assert torch.equal(value, distance(x.float(), y.float()))


def test_formulas_on_pixels():
    x, y = normal(10, 2, 3, 4, 4), normal(11, 2, 3, 4, 4)
    difference = (x - y).flatten(1)
    assert torch.allclose(between(PixelL2(), x, y), torch.linalg.vector_norm(difference, dim=1) / math.sqrt(48))
    assert torch.allclose(FeatureL1(pixels, [3.0])(x, y), 3 * F.l1_loss(x, y))


def test_gram_as_the_paper_writes_it():
    x, y = normal(12, 1, 3, 4, 4), normal(13, 1, 3, 4, 4)
    N, M = 3, 16
    G, A = (torch.einsum("ik,jk->ij", image[0].flatten(1), image[0].flatten(1)) for image in (x, y))
    assert torch.allclose(Gram(pixels)(x, y), (G - A).square().sum() / (4 * N**2 * M**2), rtol=1e-12)


def test_contextual_against_loops():
    x, y, h = normal(14, 1, 3, 2, 3), normal(15, 1, 3, 2, 3), 0.5
    mean = y[0].flatten(1).mean(1)
    a, b = ([vector - mean for vector in image[0].flatten(1).T] for image in (x, y))
    d = [[1 - torch.dot(i, j) / (i.norm() * j.norm()) for j in b] for i in a]
    w = [[torch.exp((1 - value / (min(row) + 1e-5)) / h) for value in row] for row in d]
    CX = [[value / sum(row) for value in row] for row in w]
    expected = -torch.log(sum(max(row[j] for row in CX) for j in range(6)) / 6)
    assert torch.allclose(Contextual(pixels, bandwidth=h)(x, y), expected, rtol=1e-9)


def test_contextual_compares_no_more_positions_than_allowed():
    embedding = Contextual(pixels, positions=10).embed(normal(16, 2, 3, 8, 8))
    assert embedding[0].shape == (2, 3, 10)


def test_the_root_passes_no_gradient_at_0():
    squares = torch.tensor([0.0, 4.0], requires_grad=True)
    safe_root(squares).sum().backward()
    assert squares.grad.tolist() == [0.0, 0.25]


@pytest.mark.parametrize("distance", [PixelL2(), FeatureL1(pixels)])
def test_images_of_two_sizes_are_refused_where_places_are_compared(distance):
    with pytest.raises(ValueError, match=r"\(1, 1, 4, 4\).*\(1, 1, 4, 5\)"):
        distance(torch.rand(1, 1, 4, 4), torch.rand(1, 1, 4, 5))


@pytest.mark.parametrize("kind", [FeatureL1, Gram, Contextual, ProjectedDistributionLoss, SlicedWasserstein])
def test_weights_are_one_a_tap_and_not_negative(kind):
    with pytest.raises(ValueError, match=r"weights.* 2 taps.* 3"):
        kind(Smooth(), [1, 1, 1])(torch.rand(1, 2, 4, 4), torch.rand(1, 2, 4, 4))
    with pytest.raises(ValueError, match=r"weights.*\[0, 0\]"):
        kind(Smooth(), [0, 0])


def test_other_bad_arguments_are_refused_by_name():
    with pytest.raises(ValueError, match=r"bandwidth.*0"):
        Contextual(pixels, bandwidth=0)
    with pytest.raises(ValueError, match=r"positions.*0"):
        Contextual(pixels, positions=0)
