"""Directions against a singular value decomposition, both terms in Gaussian worlds of known spectrum."""

import pytest
import torch
from scipy.optimize import brentq

from pscgan.losses.experimental.pca import PcaValues, PcaVectors, centred, principal_directions
from pscgan.losses.penalty import Penalty

from .scalar_world import normal

DEVIATIONS = torch.tensor([1.5, 1.0, 0.5, 0.3], dtype=torch.float64)
NUM_IMAGES = 20_000
MEAN = 0.4


def world(K, factor=1.0, angle=0.0, seed=0):
    """Truths of independent values with DEVIATIONS; samples widened and turned in the plane of the first and third."""
    turn = torch.eye(4, dtype=torch.float64)
    cosine, sine = torch.tensor(angle).cos().item(), torch.tensor(angle).sin().item()
    turn[0, 0] = turn[2, 2] = cosine
    turn[2, 0], turn[0, 2] = sine, -sine
    clean = MEAN + DEVIATIONS * normal(seed, NUM_IMAGES, 4)
    samples = MEAN + factor * (DEVIATIONS * normal(seed + 1, K, NUM_IMAGES, 4)) @ turn.mT
    return samples.unflatten(-1, (1, 2, 2)), clean.unflatten(-1, (1, 2, 2))


@pytest.mark.parametrize("shape", [(5, 2, 3, 4, 4), (6, 2, 1, 2, 2)])
def test_gram_matrix_gives_the_singular_vectors(shape):
    samples_BKn, mean = centred(normal(0, *shape))
    assert torch.allclose(mean, normal(0, *shape).mean(0).flatten(1))
    variances, directions = principal_directions(samples_BKn, 3)
    _, singular, vectors = torch.linalg.svd(samples_BKn, full_matrices=False)
    assert torch.allclose(variances, singular[:, :3].square() / (shape[0] - 1), rtol=1e-10)
    assert torch.allclose((directions * vectors[:, :3]).sum(2).abs(), torch.ones(2, 3).double(), rtol=1e-10)
    assert torch.allclose(directions @ directions.mT, torch.eye(3).double().expand(2, 3, 3), atol=1e-10)


@pytest.mark.parametrize("estimator", [PcaVectors(2), PcaValues(2), PcaValues(2, squared=True)])
def test_scale_does_not_depend_on_the_size_of_image_or_error(estimator):
    samples, clean = normal(0, 10, 2, 1, 4, 4), normal(1, 2, 1, 4, 4)
    value = estimator(samples, clean, None)
    assert torch.allclose(estimator(0.1 * samples, 0.1 * clean, None), value, rtol=1e-10)
    assert torch.allclose(estimator(samples.repeat(1, 1, 1, 1, 2), clean.repeat(1, 1, 1, 2), None), value, rtol=1e-10)
    assert torch.allclose(estimator(samples.repeat(1, 3, 1, 1, 1), clean.repeat(3, 1, 1, 1), None), value, rtol=1e-10)


@pytest.mark.parametrize("estimator", [PcaVectors(2), PcaValues(2)])
def test_fp32_under_autocast(estimator):
    samples, clean = normal(0, 10, 2, 3, 4, 4).bfloat16(), normal(1, 2, 3, 4, 4).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = Penalty(estimator, samples_per_image=10)(samples, clean, None)
    assert torch.equal(value, estimator(samples.float(), clean.float(), None))
    assert value.dtype == torch.float32


def test_gradient_of_the_vector_term_is_the_derivative_with_the_error_held():
    """The error is constant in the slope: finite differences of the term written out with the error given."""
    samples, clean = normal(2, 5, 2, 1, 2, 3).requires_grad_(), normal(3, 2, 1, 2, 3)
    error = (clean - samples.mean(0)).detach().flatten(1)

    def written_out(s):
        _, _, vectors = torch.linalg.svd((s - s.mean(0)).flatten(2).transpose(0, 1), full_matrices=False)
        along = torch.einsum("brn,bn->br", vectors[:, :2], error).square().sum(1)
        return 1 - (along / error.square().sum(1)).mean()

    def with_directions(s):
        directions = principal_directions(centred(s)[0], 2)[1]
        return (directions @ error.unsqueeze(2)).square().sum()

    assert torch.autograd.gradcheck(with_directions, samples)
    (expected,) = torch.autograd.grad(written_out(samples), samples)
    (gradient,) = torch.autograd.grad(PcaVectors(2)(samples, clean, None), samples)
    assert torch.allclose(gradient, expected, rtol=1e-8)


@pytest.mark.parametrize("squared", [False, True])
def test_gradient_of_the_value_term_is_the_derivative_with_target_and_directions_held(squared):
    samples, clean = normal(4, 10, 2, 1, 2, 3).requires_grad_(), normal(5, 2, 1, 2, 3)
    estimator = PcaValues(2, squared)
    (gradient,) = torch.autograd.grad(estimator(samples, clean, None), samples)
    rho = estimator.ratios(samples, clean).detach()
    expected = torch.zeros_like(samples)
    for first, second, part in ((0, 5, rho[:, 2:]), (5, 0, rho[:, :2])):
        own, others = samples[first : first + 5].detach(), samples[second : second + 5].detach()
        directions = principal_directions(centred(others)[0], 2)[1]
        projected = centred(own)[0] @ directions.mT  # (B, m, R)
        variance = projected.square().sum(1) / 4
        slope = (2 * (1 - part) * part if squared else 2 * (1 - part)) / variance / part.numel() / 2
        step = torch.einsum("br,bmr,brn->mbn", slope, 2 * projected / 4, directions)
        expected[first : first + 5] = step.reshape_as(own)
    assert torch.allclose(gradient, expected, rtol=1e-8)


@pytest.mark.parametrize("K", [10, 20])
def test_a_perfect_sampler_sees_a_ratio_of_one(K):
    samples, clean = world(K)
    ratios = PcaValues(2).ratios(samples, clean)
    error = ratios.std().item() / NUM_IMAGES**0.5
    assert error < 0.01
    assert abs(ratios.mean().item() - 1) < 5 * error


def test_variances_in_the_directions_they_were_picked_for_are_too_large():
    """Why there are two halves: white noise of 300 values, 10 samples."""
    samples, clean = normal(0, 20, 200, 3, 10, 10), normal(1, 200, 3, 10, 10)
    own, mean = centred(samples[:10])
    variances, directions = principal_directions(own, 2)
    t = (directions @ (clean.flatten(1) - mean).unsqueeze(2)).square().squeeze(2)
    assert (t / variances).mean() < 0.1
    assert PcaValues(2).ratios(samples, clean).mean().item() == pytest.approx(1, abs=0.02)


def widened(estimator, factor, K):
    """Slope of the expectation in the logarithm of the samples' deviation."""
    samples, clean = world(K, factor)
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)
    value = estimator(MEAN + scale * (samples - MEAN), clean, None)
    return torch.autograd.grad(value, scale)[0].item()


def test_too_wide_samples_shrink_and_too_narrow_ones_widen():
    slopes = [widened(PcaValues(2), factor, 20) for factor in (0.7, 1.0, 1.4)]
    assert slopes[0] < -0.05
    assert slopes[2] > 0.05
    assert abs(slopes[1]) < 0.01


def test_the_square_of_the_paper_rests_at_too_wide_a_spread():
    """m = 10: E ρ = E ρ², with ρ = 0.9 + u and u = c t / (11 λ̂), solved for the spread."""
    m, c = 10, 7 / 9
    mean_u = c * (m - 1) / (m - 3) / m
    mean_u2 = 3 * c**2 * (m - 1) ** 2 / ((m - 3) * (m - 5)) / m**2
    a = (m - 1) / m

    def slope(ratio):  # true variance over that of the samples
        return a * (1 - a) + (1 - 2 * a) * mean_u * ratio - mean_u2 * ratio**2

    factor = brentq(slope, 0.1, 1.5) ** -0.5
    assert factor**2 == pytest.approx(1.26, abs=0.005)
    estimator = PcaValues(2, squared=True)
    assert widened(estimator, 1.0, 20) < -0.01
    assert abs(widened(estimator, factor, 20)) < 0.01
    assert widened(estimator, factor + 0.2, 20) > 0.01


def turned(angle, delta=1e-3):
    """Slope of the expected share in the angle of the samples, from equal draws."""
    values = [PcaVectors(2)(*world(12, angle=angle + d), None).item() for d in (-delta, delta)]
    return (values[1] - values[0]) / (2 * delta)


def test_turned_samples_turn_back():
    assert turned(0.4) > 0.05
    assert turned(-0.4) < -0.05
    assert abs(turned(0.0)) < 0.02


@pytest.mark.parametrize(("estimator", "least"), [(PcaVectors(3), 4), (PcaValues(2), 8), (PcaValues(5), 12)])
def test_too_few_samples_are_refused_by_name(estimator, least):
    with pytest.raises(ValueError, match=f"samples_per_image.*{least}"):
        Penalty(estimator, samples_per_image=least - 1)


@pytest.mark.parametrize("estimator", [PcaVectors, PcaValues])
def test_no_components_are_refused(estimator):
    with pytest.raises(ValueError, match=r"components.*0"):
        estimator(0)
