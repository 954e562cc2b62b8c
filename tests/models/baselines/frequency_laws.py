"""A sampler on a periodic blur of a texture: each frequency is a scalar problem, whose samples have a known law."""

from math import sqrt

import torch

from pscgan.linear_problem import unmeasured_problem
from pscgan.rng import Rng

from .denoiser_worlds import GaussianTexture, blurred, normal, spectrum

PRIOR, IMAGES, SAMPLES = GaussianTexture(), 64, 4
LIMIT = 4.5  # standard errors, as 256 frequencies are looked at


def two_by_two():
    """The transfer of the mean over 2 x 2 pixels: 1 for the mean, 0 at the largest frequencies, complex between."""
    return torch.fft.fft2(torch.full((2, 2), 0.25), s=(16, 16))


def problem(sigma):
    K = two_by_two()
    y = torch.fft.ifft2(K * torch.fft.fft2(PRIOR.clean(0, IMAGES))).real
    return blurred(y + sigma * normal(1, *y.shape), K, sigma)


def drawn(sampler, problem):
    return sampler.sample(PRIOR.denoise, problem, SAMPLES, Rng(0, "z", range(IMAGES)))


def assert_law_of_each_frequency(sampler, law, sigma):
    """``law(c, S, sigma)``: slope on A⁺y and variance of coordinates of prior variance c seen by S."""
    K, given = two_by_two(), problem(sigma)
    slope, variance = law(PRIOR.power.double(), K.abs().double(), sigma)
    y = torch.fft.fft2((given.measured - PRIOR.mean).double(), norm="ortho")
    from_y = torch.fft.ifft2(torch.where(K.abs() > 1e-3, slope / K, 0) * y, norm="ortho").real
    rest = drawn(sampler, given).double() - PRIOR.mean - from_y
    count = SAMPLES * IMAGES
    assert ((spectrum(rest) / variance - 1).abs() < LIMIT * sqrt(2 / count)).all()
    cross = (torch.fft.fft2(rest, norm="ortho") * y.conj()).flatten(0, -3).mean(0).abs()
    assert (cross < LIMIT * (variance * y.abs().square().mean(dim=(0, 1)) / count).sqrt()).all()


def assert_law_of_synthesis(sampler, law):
    """The same where nothing is measured."""
    _, variance = law(PRIOR.power.double(), torch.zeros(16, 16).double(), 0.0)
    samples = drawn(sampler, unmeasured_problem(torch.empty(IMAGES, 1, 16, 16)))
    assert ((spectrum(samples - PRIOR.mean) / variance - 1).abs() < LIMIT * sqrt(2 / (SAMPLES * IMAGES))).all()


def residual(samples, problem):
    """RMS of y − A x̂ in units of sigma."""
    rest = torch.stack([problem.forward(sample) for sample in samples]) - problem.measured
    return rest.square().mean().sqrt().item() / problem.sigma


def synthesis_distance(law):
    """W2 over the standard deviation, on a periodic field of 32 x 32 of the power 1 / (f² + 1/64²)."""
    f = torch.fft.fftfreq(32).double()
    power = 1 / (f[:, None].square() + f.square() + 1 / 64**2)
    power *= 0.2**2 / power.mean()
    _, variance = law(power, torch.zeros_like(power), 0.0)
    return ((variance.sqrt() - power.sqrt()).square().mean().sqrt() / 0.2).item()


def posterior(c, S, sigma):
    """Slope on A⁺y, and variance."""
    variance = 1 / (1 / c + S**2 / sigma**2)
    return variance * S**2 / sigma**2, variance


def errors(law, S, c=0.04, sigma=0.1):
    """Variance over that of the posterior, and slope on A⁺y less that of the posterior, of one coordinate."""
    S, c = (torch.tensor(value).double() for value in (S, c))
    (slope, variance), (exact_slope, exact_variance) = law(c, S, sigma), posterior(c, S, sigma)
    return (variance / exact_variance).item(), (slope - exact_slope).item()
