"""What every problem with a known posterior must satisfy, and independent references of each."""

import math
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from scipy import integrate, stats

import pscgan.conf
from pscgan.data.convergence_fields import KAPPA_A_UNIT
from pscgan.data.toy_posteriors.fields import (
    TORUS,
    coarse_field,
    field_covariance,
    masked_field,
    noisy_field,
    sheared_field,
)
from pscgan.data.toy_posteriors.gaussian import GaussianProblem
from pscgan.data.toy_posteriors.points import Disk, JointDisk, TwoModes, gaussian_points
from pscgan.rng import Rng

CONF = Path(pscgan.conf.__file__).parent / "toy_posterior"
PROBLEMS = {
    path.stem: instantiate(config.problem, _convert_="all")
    for path in sorted(CONF.glob("*.yaml"))
    if "problem" in (config := OmegaConf.load(path))
}
GAUSSIAN = {name: problem for name, problem in PROBLEMS.items() if isinstance(problem, GaussianProblem)}
NOISY = {name: problem for name, problem in GAUSSIAN.items() if problem.sigma}
NOISELESS = {name: problem for name, problem in GAUSSIAN.items() if not problem.sigma}
every_problem = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
every_gaussian = pytest.mark.parametrize("problem", GAUSSIAN.values(), ids=GAUSSIAN)
every_noisy = pytest.mark.parametrize("problem", NOISY.values(), ids=NOISY)
every_noiseless = pytest.mark.parametrize("problem", NOISELESS.values(), ids=NOISELESS)


def measured(problem, images=256, seed=0):
    rng = Rng(seed, "test", range(images))
    clean = problem.draw(rng)
    return clean, problem.degradation(clean, rng)


@every_problem
def test_truth_and_posterior_samples_are_exchangeable(problem):
    """Given y they have one law, so the truth's rank among samples is uniform; one value an image is independent."""
    images, K = 1000, 9
    clean, measurement = measured(problem, images)
    samples = problem.posterior_samples(measurement, K, Rng(1, "posterior", range(images)))
    place = clean.shape[-1] // 2
    ranks = (samples[:, :, -1, place, place] < clean[:, -1, place, place]).sum(dim=0)
    counts = torch.bincount(ranks, minlength=K + 1)
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3


@every_problem
def test_samples_have_the_moments_that_are_claimed(problem):
    _, measurement = measured(problem, images=8)
    samples = problem.posterior_samples(measurement, 4000, Rng(2, "posterior", range(8)))
    mean, variance = problem.posterior_mean(measurement), problem.posterior_variance(measurement)
    assert ((samples.mean(dim=0) - mean).abs() < 5 * (variance / 4000).sqrt() + 1e-9).all()
    assert torch.allclose(samples.var(dim=0).mean(), variance.mean(), rtol=0.03)
    assert samples.dtype == mean.dtype == torch.float64


@every_problem
def test_the_posterior_mean_has_the_error_that_is_claimed(problem):
    clean, measurement = measured(problem, images=1000)
    error = (problem.posterior_mean(measurement) - clean).square().mean(dim=(1, 2, 3))
    claimed = problem.posterior_variance(measurement).mean()
    assert abs(error.mean() - claimed) < 4 * error.std() / math.sqrt(len(error))


@every_problem
def test_draws_are_a_function_of_the_image_number(problem):
    clean, measurement = measured(problem, images=6)
    rng = Rng(0, "test", range(4, 6))
    alone = problem.draw(rng)
    assert torch.equal(alone, clean[4:])
    assert torch.allclose(problem.degradation(alone, rng).degraded, measurement.degraded[4:], atol=1e-6)
    samples = problem.posterior_samples(measurement, 3, Rng(3, "posterior", range(6)))
    assert torch.allclose(
        samples[:, 4:], problem.posterior_samples(measurement[slice(4, 6)], 3, Rng(3, "posterior", [4, 5])), atol=1e-9
    )


@every_noisy
def test_gaussian_posterior_in_information_form(problem):
    """Cov = (S⁻¹ + AᵀA/σ²)⁻¹ and its mean, another way to the same."""
    A, S, m = problem.degradation.operator, problem.covariance, problem.mean
    covariance = torch.linalg.inv(torch.linalg.inv(S) + A.T @ A / problem.sigma**2)
    assert torch.allclose(problem.posterior_covariance, covariance, atol=1e-9)
    _, measurement = measured(problem, images=3)
    values = measurement.params["values"]
    mean = m + (values - m * A.sum(dim=1)) @ A @ covariance / problem.sigma**2
    assert torch.allclose(problem.posterior_mean(measurement).flatten(1), mean, atol=1e-7)


@every_gaussian
def test_variance_is_conserved(problem):
    """Law of total covariance: S = Cov[x | y] + Cov(E[x | y]), the latter being G A S."""
    explained = problem.gain @ problem.degradation.operator @ problem.covariance
    assert torch.allclose(problem.posterior_covariance + explained, problem.covariance, atol=1e-12)
    assert torch.linalg.eigvalsh(problem.posterior_covariance).min() > -1e-12


@every_noisy
def test_degradation_is_consistent_with_the_truth(problem):
    clean, measurement = measured(problem, images=64)
    assert abs(problem.degradation.residual(clean, measurement).square().mean() - 1) < 0.1
    assert problem.degradation.project(clean, measurement) is clean


@every_noiseless
def test_a_posterior_without_noise_lies_in_what_y_leaves_open(problem):
    """With N a basis of the null space of A, Cov = N (Nᵀ S⁻¹ N)⁻¹ Nᵀ; A E[x | y] = y and Nᵀ S⁻¹ (E[x | y] − m) = 0."""
    A, S = problem.degradation.operator, problem.covariance
    N = torch.linalg.qr(A.T, mode="complete").Q[:, len(A) :]
    inverse = torch.linalg.inv(S)
    conditioned = N @ torch.linalg.inv(N.T @ inverse @ N) @ N.T
    assert torch.allclose(problem.posterior_covariance, conditioned, atol=1e-9)
    _, measurement = measured(problem, images=3)
    mean = problem.posterior_mean(measurement)
    assert torch.allclose(mean.flatten(1) @ A.T, measurement.params["values"], atol=1e-9)
    assert ((mean.flatten(1) - problem.mean) @ inverse @ N).abs().max() < 1e-7
    samples = problem.posterior_samples(measurement, 5, Rng(0, "posterior", range(3)))
    assert max(problem.degradation.residual(sample, measurement).max() for sample in samples) < 1e-9


@every_noiseless
def test_the_projection_is_the_nearest_image_that_is_measured_as_y(problem):
    clean, measurement = measured(problem, images=3)
    other = torch.rand(clean.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    projected = problem.degradation.project(other, measurement)
    assert problem.degradation.residual(projected, measurement).max() < 1e-9
    along = (clean - projected).flatten(1)  # between two images that are measured as y
    assert ((other - projected).flatten(1) * along).sum(dim=1).abs().max() < 1e-6
    assert problem.degradation.residual(clean, measurement).max() < 1e-4
    assert problem.degradation.project(clean, measurement).dtype == clean.dtype


def test_field_covariance_is_a_cut_of_a_torus():
    """The covariance of the torus is F* P F with the Fourier matrix F, in which every entry is a pair of pixels."""
    size = 4
    period = TORUS * size
    frequency = torch.fft.fftfreq(period, dtype=torch.float64)
    power = 1 / (frequency[:, None] ** 2 + frequency**2 + period**-2)
    power = power / power.mean() * 0.2**2
    basis = torch.fft.fft2(torch.eye(period**2, dtype=torch.float64).view(-1, period, period), norm="ortho").flatten(1)
    torus = (basis.conj() * power.flatten()) @ basis.T
    kept = torch.arange(period**2).view(period, period)[:size, :size].flatten()
    assert torch.allclose(field_covariance(size), torus.real[kept][:, kept], atol=1e-12)


def test_denoiser_of_fields_at_the_level_of_the_noise_is_the_posterior_mean():
    problem = noisy_field(8, sigma=50)
    _, measurement = measured(problem, images=4)
    mean = problem.denoise(measurement.degraded.double(), 50 / 255)
    assert torch.allclose(mean, problem.posterior_mean(measurement), atol=1e-6)


def test_two_modes_against_quadrature():
    problem, sigma = TwoModes(size=1), 50 / 255
    for y in (0.1, 0.45, 0.52, 0.8):

        def joint(x, power=0, y=y):
            prior = stats.norm.pdf(x, 0.3, 0.04) + stats.norm.pdf(x, 0.7, 0.04)
            return x**power * prior * stats.norm.pdf(y, x, sigma)

        total, first, second = (integrate.quad(joint, 0, 1, args=(power,), points=[0.3, 0.7])[0] for power in range(3))
        measurement = problem.degradation(torch.zeros(1, 1, 1, 1), Rng(0, "", [0]))
        measurement.degraded.fill_(y)
        assert float(problem.posterior_mean(measurement)) == pytest.approx(first / total, abs=1e-7)
        variance = second / total - (first / total) ** 2
        assert float(problem.posterior_variance(measurement)) == pytest.approx(variance, rel=1e-5)


def test_the_disk_is_filled_evenly():
    """Of a uniform disk the squared radius is uniform, and so is the angle."""
    clean, measurement = measured(Disk(), images=100)
    x, y = clean.flatten() - 0.5, measurement.degraded.flatten() - 0.5
    assert stats.kstest(((x**2 + y**2) / Disk.RADIUS**2).numpy(), "uniform").pvalue > 1e-3
    assert stats.kstest((torch.atan2(y, x) / (2 * torch.pi) + 0.5).numpy(), "uniform").pvalue > 1e-3
    assert Disk().residual(clean, measurement).max() == 0


def test_the_joint_disk_shows_one_of_two_coordinates():
    problem = JointDisk()
    clean, measurement = measured(problem, images=100)
    y, x = (channel.flatten() - 0.5 for channel in clean.movedim(1, 0))
    assert stats.kstest(((x**2 + y**2) / Disk.RADIUS**2).numpy(), "uniform").pvalue > 1e-3
    other = torch.rand(clean.shape)
    projected = problem.project(other, measurement)
    assert torch.equal(projected[:, 0], clean[:, 0])
    assert torch.equal(projected[:, 1], other[:, 1])
    assert problem.residual(projected, measurement).max() == 0
    assert problem.residual(projected + 0.1, measurement) == pytest.approx(25.5, rel=1e-5)


def test_shapes_of_the_linear_worlds():
    _, coarse = measured(coarse_field(8, factor=4), images=2)
    assert coarse.params["values"].shape == (2, 4)
    assert torch.equal(coarse.degraded[:, :, :4, :4], coarse.degraded[:, :, :1, :1].expand(-1, -1, 4, 4))
    clean, masked = measured(masked_field(8, hole=4), images=2)
    assert masked.condition.shape == (2, 2, 8, 8)
    assert masked.degraded[:, :, 2:6, 2:6].abs().max() == 0
    assert (masked.degraded - clean)[:, :, 0].abs().max() < 0.2


def test_errors_of_wiener_and_of_kaiser_and_squires():
    """RMSE of κ on 31 x 31 pixels with noise of 0.02 and two holes, the exact law of both estimates."""
    problem = sheared_field()
    A, S = problem.degradation.operator, problem.covariance
    missed = A.T @ A - torch.eye(31**2, dtype=torch.float64)
    errors = {
        "prior": S.trace(),
        "kaiser_squires": (missed @ S @ missed).trace() + problem.sigma**2 * A.square().sum(),
        "wiener": problem.posterior_covariance.trace(),
    }
    rmse = {name: KAPPA_A_UNIT * math.sqrt(error / 31**2) for name, error in errors.items()}
    assert rmse == pytest.approx({"prior": 0.0182, "kaiser_squires": 0.0193, "wiener": 0.0113}, abs=5e-5)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: coarse_field(16, factor=3), "factor must .*got 3"),
        (lambda: masked_field(8, hole=8), "hole must .*got 8"),
        (lambda: gaussian_points(correlation=1.0), r"correlation must .*got 1.0"),
        (lambda: sheared_field(15, hole=7), "hole must be at most 6, so that two fit into 15 pixels, got 7"),
        (lambda: noisy_field(0), r"size must .*got 0"),
        (lambda: noisy_field(8, sigma=0), r"sigma must .*got 0"),
        (lambda: TwoModes(std=0.0), r"std must .*got 0.0"),
    ],
)
def test_bad_arguments_are_refused_by_name(build, message):
    with pytest.raises(ValueError, match=message):
        build()
