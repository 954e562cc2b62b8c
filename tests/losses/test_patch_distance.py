"""The distance in closed form, and what its energy score sees that the score of pixels does not."""

from math import pi, sqrt

import pytest
import torch
from torch.nn import functional as F

from pscgan.losses.crps import FairCRPS
from pscgan.losses.distances import Distance, PatchDistance
from pscgan.losses.energy_score import EnergyScore

from .scalar_world import normal

NUM_IMAGES, NUM_BLOCKS = 20_000, 100


def between(distance, x, y):
    return distance.between(distance.embed(x), distance.embed(y))


def test_single_pixels_of_grey_images_are_l1():
    x, y = normal(0, 3, 1, 5, 7), normal(1, 3, 1, 5, 7)
    distance = PatchDistance([1])
    assert isinstance(distance, Distance)
    assert torch.allclose(between(distance, x, y), (x - y).abs().mean((1, 2, 3)), rtol=1e-12)
    assert torch.allclose(distance(x, y), F.l1_loss(x, y), rtol=1e-12)


def test_single_pixels_of_colours_are_euclidean():
    x, y = normal(2, 2, 3, 4, 4), normal(3, 2, 3, 4, 4)
    expected = torch.linalg.vector_norm(x - y, dim=1).mean((1, 2)) / sqrt(3)
    assert torch.allclose(between(PatchDistance([1]), x, y), expected, rtol=1e-12)


@pytest.mark.parametrize("sides", [[1], [3], [1, 2, 4, 8]])
def test_a_shift_is_at_the_distance_of_its_size(sides):
    x = normal(4, 2, 3, 9, 10)
    assert torch.allclose(between(PatchDistance(sides), x, x - 0.3), torch.tensor(0.3, dtype=torch.float64))


def test_one_pixel_that_differs_counts_in_each_patch_that_holds_it():
    x, y = torch.zeros(2, 1, 1, 8, 8, dtype=torch.float64)
    y[..., 3, 3] = 0.6  # 0.6 / side in each patch with it: 1 of 64, 4 of 7 x 7 and 4 of 3 x 3
    for side, share in ((1, 1 / 64), (2, 4 / 49), (4, 4 / 9)):
        assert between(PatchDistance([side]), x, y).item() == pytest.approx(0.6 / side * share)
    expected = 0.6 * (1 / 64 + 4 / 49 / 2 + 4 / 9 / 4) / 3
    assert between(PatchDistance([1, 2, 4]), x, y).item() == pytest.approx(expected)


def test_against_a_loop_over_patches():
    x, y = normal(5, 1, 3, 6, 7)[0], normal(6, 1, 3, 6, 7)[0]
    corners = [(top, left) for top in (0, 2) for left in (0, 2)]  # column 6 fills no patch of side 4
    patches = [(x - y)[:, top : top + 4, left : left + 4] for top, left in corners]
    expected = sum(patch.square().mean().sqrt() for patch in patches) / 4
    assert torch.allclose(PatchDistance([4])(x[None], y[None]), expected, rtol=1e-12)


def test_metric():
    x, y, z = (normal(seed, 3, 2, 8, 8) for seed in (7, 8, 9))
    distance = PatchDistance([1, 2, 4])
    assert torch.equal(between(distance, x, y), between(distance, y, x))
    assert (between(distance, x, z) <= between(distance, x, y) + between(distance, y, z)).all()


def test_gradient_is_the_derivative_and_0_where_images_are_equal():
    x, y = normal(10, 1, 2, 4, 3).requires_grad_(), normal(11, 1, 2, 4, 3).requires_grad_()
    assert torch.autograd.gradcheck(PatchDistance([1, 2, 3]), (x, y))
    PatchDistance([1, 2])(x, x.detach()).backward()
    assert torch.equal(x.grad, torch.zeros_like(x))


def test_fp32_under_autocast():
    x, y = normal(12, 2, 3, 8, 8).bfloat16(), normal(13, 2, 3, 8, 8).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = PatchDistance()(x, y)
    assert value.dtype == torch.float32
    assert torch.equal(value, PatchDistance()(x.float(), y.float()))


def blocks(score, samples, clean):
    """The score of independent blocks of images."""
    pairs = zip(samples.chunk(NUM_BLOCKS, dim=1), clean.chunk(NUM_BLOCKS), strict=True)
    return torch.stack([score(x_hat, x, None) for x_hat, x in pairs])


def in_errors(values):
    """The mean in units of its standard error."""
    return (values.mean() / (values.std() / NUM_BLOCKS**0.5)).item()


def test_the_energy_score_of_patches_sees_that_pixels_vary_together():
    """Each pixel is standard normal in both laws; in the texture the correlation of neighbours is 0.9."""

    def texture(seed, K):
        shared, own = normal(seed, K, NUM_IMAGES, 1, 1, 1), normal(seed + 1, K, NUM_IMAGES, 1, 4, 4)
        return sqrt(0.9) * shared + sqrt(0.1) * own

    clean, alike, noise = texture(20, 1)[0], texture(30, 2), normal(40, 2, NUM_IMAGES, 1, 4, 4)
    patches, pixels = EnergyScore(PatchDistance([1, 2, 4])), FairCRPS()
    assert in_errors(blocks(patches, noise, clean) - blocks(patches, alike, clean)) > 5
    assert abs(in_errors(blocks(pixels, noise, clean) - blocks(pixels, alike, clean))) < 4


def test_its_score_of_the_truth_in_closed_form():
    """Of images of one normal number each, every patch is at the distance of the numbers: E|x − x'|/2 = 1/√π."""
    images = normal(50, 3, NUM_IMAGES, 1, 1, 1).expand(-1, -1, 1, 4, 4)
    assert abs(in_errors(blocks(EnergyScore(PatchDistance([1, 2, 4])), images[1:], images[0]) - 1 / sqrt(pi))) < 4


def test_bad_input_is_refused_by_name():
    for sides in ([], [0, 2]):
        with pytest.raises(ValueError, match=r"sides.*\["):
            PatchDistance(sides)
    with pytest.raises(ValueError, match=r"sides.*\[1, 8\].*\(9, 7\)"):
        PatchDistance([1, 8]).embed(torch.rand(1, 1, 9, 7))
    with pytest.raises(ValueError, match=r"\(1, 1, 8, 8\).*\(1, 1, 8, 9\)"):
        PatchDistance()(torch.rand(1, 1, 8, 8), torch.rand(1, 1, 8, 9))
    with pytest.raises(ValueError, match=r"torch\.uint8"):
        PatchDistance()(*torch.zeros(2, 1, 1, 8, 8, dtype=torch.uint8))
