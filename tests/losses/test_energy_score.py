"""The score against the fair CRPS, a double loop, and posteriors that are known."""

from math import pi, sqrt

import pytest
import torch

from pscgan.losses.crps import FairCRPS
from pscgan.losses.distances import MeanDistance, PixelL2
from pscgan.losses.energy_score import EnergyScore
from pscgan.losses.penalty import Penalty

from .scalar_world import MU, NUM_TRUTHS, SIGMA, assert_expectation, best_sigma, expectation, normal, signs
from .taps import PixelL1

NUM_IMAGES = 20_000


@pytest.mark.parametrize("K", [2, 3, 8])
@pytest.mark.parametrize("alpha", [1.0, 0.9, 0.0])
def test_over_the_mean_distance_of_pixels_it_is_the_fair_crps(K, alpha):
    samples, clean = normal(0, K, 2, 3, 4, 4), normal(1, 2, 3, 4, 4)
    score = EnergyScore(PixelL1(), alpha)(samples, clean, None)
    assert torch.allclose(score, FairCRPS(alpha)(samples, clean, None), rtol=1e-12)


@pytest.mark.parametrize("K", [2, 5])
def test_equals_the_double_loop(K):
    samples, clean = normal(2, K, 3, 2, 4, 4), normal(3, 3, 2, 4, 4)

    def distance(a, b):
        return (a - b).square().mean((1, 2, 3)).sqrt().mean()

    error = sum(distance(clean, x) for x in samples) / K
    differences = sum(distance(a, b) for a in samples for b in samples)
    expected = error - differences / (2 * K * (K - 1))
    assert torch.allclose(EnergyScore(PixelL2())(samples, clean, None), expected, rtol=1e-12)
    assert torch.allclose(MeanDistance(PixelL2())(samples, clean, None), error, rtol=1e-12)


@pytest.mark.parametrize("K", [2, 4])
def test_best_spread_is_the_true_one_and_collapse_for_the_plain_distance(K):
    assert best_sigma(EnergyScore(PixelL2()), K) == 1.0
    assert best_sigma(EnergyScore(PixelL2(), alpha=0.0), K) < 1.0
    assert best_sigma(MeanDistance(PixelL2()), K) == 0.0


def test_two_modes():
    """Truth at ±1, deviation 0.1: truth before the Gaussian of equal moments before collapse; not so without pairs."""
    mode, width = 1.0, 0.1
    truth = mode * signs(2, NUM_TRUTHS) + width * normal(3, NUM_TRUTHS)
    laws = [
        mode * signs(4, 2, NUM_TRUTHS) + width * normal(5, 2, NUM_TRUTHS),
        sqrt(mode**2 + width**2) * normal(6, 2, NUM_TRUTHS),
        torch.zeros(2, NUM_TRUTHS, dtype=torch.float64),
    ]
    scores = [expectation(EnergyScore(PixelL2()), samples, truth)[0] for samples in laws]
    assert scores == pytest.approx([0.528, 0.604, 1.000], abs=0.01)
    plain = [expectation(MeanDistance(PixelL2()), samples, truth)[0] for samples in laws]
    assert plain[2] < plain[0]


def test_gaussian_world_in_closed_form():
    truth, samples = MU + SIGMA * normal(0, NUM_TRUTHS), MU + 0.3 * normal(1, 3, NUM_TRUTHS)
    exact = sqrt(2 / pi) * sqrt(SIGMA**2 + 0.3**2) - 0.3 / sqrt(pi)
    assert_expectation(EnergyScore(PixelL2()), samples, truth, exact)


def test_euclidean_norm_sees_that_pixels_vary_together():
    """Pixels of deviation 1, all of an image equal: the mean of pixels takes independent noise for as good."""
    texture = normal(0, 3, NUM_IMAGES, 1, 1, 1).expand(-1, -1, 1, 4, 4)
    noise = normal(1, 2, NUM_IMAGES, 1, 4, 4)
    score, blind = EnergyScore(PixelL2()), EnergyScore(PixelL1())
    clean, samples = texture[0], texture[1:]
    assert score(samples, clean, None).item() == pytest.approx(1 / sqrt(pi), abs=0.02)
    assert score(noise, clean, None).item() > 1 / sqrt(pi) + 0.05
    assert blind(noise, clean, None).item() == pytest.approx(blind(samples, clean, None).item(), abs=0.02)


def test_a_sample_that_equals_the_truth_has_a_finite_gradient():
    clean = normal(0, 1, 1, 3, 3)
    samples = torch.stack([clean, clean]).requires_grad_()
    EnergyScore(PixelL2())(samples, clean, None).backward()
    assert torch.equal(samples.grad, torch.zeros_like(samples))


class Features(torch.nn.Module):
    """A distance with a network, which counts its calls."""

    def __init__(self):
        super().__init__()
        self.net, self.calls = torch.nn.Conv2d(3, 2, 1), []

    def embed(self, images):
        self.calls.append((len(images), torch.is_grad_enabled()))
        return [images, self.net(images)]

    def between(self, a, b):
        return sum((x - y).abs().flatten(1).mean(1) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("estimator", [EnergyScore, MeanDistance])
def test_each_image_is_embedded_once_and_a_network_moves_with_the_penalty(estimator):
    distance = Features()
    penalty = Penalty(estimator(distance), samples_per_image=3).double()
    penalty(normal(0, 3, 2, 3, 4, 4), normal(1, 2, 3, 4, 4), None)
    assert distance.calls == [(2, False), (6, True)]
    assert distance.net.weight.dtype == torch.float64


@pytest.mark.parametrize("estimator", [EnergyScore(PixelL1()), MeanDistance(PixelL1())])
def test_whole_numbers_are_refused(estimator):
    images = torch.zeros(2, 1, 3, 4, 4, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"torch\.uint8"):
        estimator(images, images[0], None)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_alpha_out_of_range(alpha):
    with pytest.raises(ValueError, match=f"alpha.*{alpha}"):
        EnergyScore(PixelL1(), alpha)
