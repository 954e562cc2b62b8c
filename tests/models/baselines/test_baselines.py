"""Samplers with exact denoisers, on priors whose posterior is known."""

from dataclasses import replace
from itertools import pairwise
from math import sqrt

import pytest
import torch

from pscgan.linear_problem import denoising_problem
from pscgan.models.baselines.ddrm import DDRM
from pscgan.models.baselines.samplers import Langevin, ReverseChain
from pscgan.models.baselines.snips import SNIPS
from pscgan.rng import Rng

from .denoiser_worlds import GaussianPixels, GaussianTexture, GaussianVectors, TwoModes, normal, spectrum

SIGMA = 50 / 255
KAWAR_750, KAWAR_180 = Langevin(), Langevin(levels=60, step=2e-5)
KEPT_NOISE = replace(KAWAR_180, published_noise=False)
SAMPLERS = {
    "ancestral": ReverseChain(variance="ancestral"),
    "tweedie": ReverseChain(),
    "full": ReverseChain(variance="full"),
    "ddrm": DDRM(),
    "langevin": Langevin(levels=4, steps_per_level=2),
    "snips": SNIPS(levels=4, steps_per_level=2),
}
every_sampler = pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
OF_NOISE = ["ancestral", "tweedie", "full", "langevin"]  # of y = x + sigma n alone


# --- a Gaussian prior: every state is Gaussian given y, and two numbers tell its law


def chain_law(prior, levels, sigma, noise):
    """Slope on y and variance of the sample; ``noise(s, t, j)`` is Cov e on an eigenvalue j of J."""
    slope, variance = 1.0, 0.0
    s = [sigma * (0.005 / sigma) ** (i / (levels - 1)) for i in range(levels)]
    for now, after in pairwise(s):
        j, w = prior.slope(now), 1 - (after / now) ** 2
        slope *= 1 - w + w * j
        variance = (1 - w + w * j) ** 2 * variance + w * noise(now, after, j)
    return slope * prior.slope(s[-1]), variance * prior.slope(s[-1]) ** 2


def full_noise(s, t, j):
    a, b = sqrt(t**2 + (s - t) ** 2 / 8), sqrt(s**2 + (s - t) ** 2 / 8)
    return ((1 - j) * a + j * b) ** 2


def langevin_law(prior, rule, sigma):
    slope, variance, L = 1.0, 0.0, rule.levels
    noise = 2 if rule.published_noise else 2 - rule.step / 0.01**2
    for i in range(1, L + 1):
        s = sigma * (0.01 / sigma) ** (i / L)
        a = rule.step * s**2 / 0.01**2
        pull = a / (sigma**2 - s**2)
        keep = 1 - a * (1 - prior.slope(s)) / s**2 - pull
        for _ in range(rule.steps_per_level):
            slope, variance = keep * slope + pull, keep**2 * variance + noise * a
    return slope, variance


def gaussian_laws(prior, sigma):
    """Sampler, and slope and variance of its samples given y."""
    return {
        "ancestral": (ReverseChain(20, "ancestral"), chain_law(prior, 20, sigma, lambda s, t, j: t**2)),
        "tweedie": (ReverseChain(10), chain_law(prior, 10, sigma, lambda s, t, j: t**2 + (s**2 - t**2) * j)),
        "full": (ReverseChain(10, "full"), chain_law(prior, 10, sigma, full_noise)),
        "kawar_180": (KAWAR_180, langevin_law(prior, KAWAR_180, sigma)),
        "kept_noise": (KEPT_NOISE, langevin_law(prior, KEPT_NOISE, sigma)),
        "kawar_750": (KAWAR_750, langevin_law(prior, KAWAR_750, sigma)),
    }


def assert_gaussian_law(sampler, law, prior, sigma):
    """Slope on y, variance, and squared error over the MMSE, each within four standard errors."""
    shape, N = (2, 1, 128, 128), 2 * 128**2
    clean = prior.clean(0, *shape)
    degraded = clean + sigma * normal(1, *shape)
    restored = sampler.sample(prior.denoise, denoising_problem(degraded, sigma), 1, Rng(0, "z", range(2)))[0]
    slope, variance = law
    y, y_variance = degraded - prior.mean, prior.std**2 + sigma**2
    residual = restored - prior.mean - slope * y
    mmse = sigma**2 * prior.slope(sigma)
    assert ((residual * y).mean() / y_variance).abs().item() < 4 * sqrt(variance / y_variance / N)
    assert residual.var().item() == pytest.approx(variance, rel=4 * sqrt(2 / N))
    error = variance + (slope - prior.slope(sigma)) ** 2 * y_variance + mmse
    assert (restored - clean).square().mean().item() == pytest.approx(error, rel=4 * sqrt(2 / N))


@pytest.mark.parametrize("name", ["ancestral", "tweedie", "full", "kawar_180", "kept_noise"])
def test_law_of_samples_on_a_gaussian_prior(name):
    assert_gaussian_law(*gaussian_laws(GaussianPixels(), SIGMA)[name], GaussianPixels(), SIGMA)


@pytest.mark.slow
def test_law_of_the_long_langevin_chain():
    assert_gaussian_law(*gaussian_laws(GaussianPixels(), SIGMA)["kawar_750"], GaussianPixels(), SIGMA)


@pytest.mark.parametrize(
    ("name", "variance_ratio", "slope_error"),
    [
        ("ancestral", 0.747, 0.0),
        ("tweedie", 0.999, 0.0),
        ("full", 0.990, 0.0),
        ("kawar_180", 1.004, 0.041),
        ("kept_noise", 0.903, 0.041),
        ("kawar_750", 0.997, 0.040),
    ],
)
def test_how_far_from_the_posterior_on_a_gaussian_prior(name, variance_ratio, slope_error):
    prior = GaussianPixels()
    _, (slope, variance) = gaussian_laws(prior, SIGMA)[name]
    assert variance / (SIGMA**2 * prior.slope(SIGMA)) == pytest.approx(variance_ratio, abs=1e-3)
    assert slope - prior.slope(SIGMA) == pytest.approx(slope_error, abs=1e-3)


# --- two modes: W1 to exact posterior samples in five bins of y, of equal counts


def wasserstein_by_bins(first, second, y):
    a, b = first.flatten(), second.flatten()
    bins = y.flatten().argsort().chunk(5)
    return sum((a[i].sort().values - b[i].sort().values).abs().mean().item() for i in bins) / 5


def two_mode_distance(sampler, sigma):
    """Of the sampler's samples from exact ones, and the largest of that of four other exact draws."""
    prior, shape = TwoModes(), (2, 1, 128, 128)
    y = prior.clean(0, *shape) + sigma * normal(9, *shape)
    truth = prior.posterior_sample(y, sigma, 20)
    samples = sampler.sample(prior.denoise, denoising_problem(y, sigma), 1, Rng(0, "z", range(2)))[0]
    floor = max(wasserstein_by_bins(prior.posterior_sample(y, sigma, seed), truth, y) for seed in (30, 40, 50, 60))
    return wasserstein_by_bins(samples, truth, y), floor


@pytest.mark.parametrize("level", [25, 50, 75])
def test_two_modes_by_second_order_chains_and_by_others(level):
    sigma = level / 255
    for variance in ("tweedie", "full"):
        distance, floor = two_mode_distance(ReverseChain(variance=variance), sigma)
        assert distance < floor + 0.002
    for sampler in (ReverseChain(variance="ancestral"), DDRM()):
        distance, floor = two_mode_distance(sampler, sigma)
        assert distance > floor + 0.002


def test_two_modes_by_langevin():
    distance, floor = two_mode_distance(KAWAR_180, SIGMA)
    assert distance < floor + 0.003


# --- a texture: pixels that depend on each other


def texture_power(sampler):
    """Power of the sample's deviation from the posterior mean over the true one, at each frequency (16, 16)."""
    prior = GaussianTexture()
    y = prior.clean(0, 64) + SIGMA * normal(9, 64, 1, 16, 16)
    samples = sampler.sample(prior.denoise, denoising_problem(y, SIGMA), 16, Rng(0, "z", range(64)))
    return spectrum(samples - prior.denoise(y, SIGMA)) / (SIGMA**2 * prior.slope(SIGMA))


def test_the_full_variance_has_the_spectrum_of_the_texture():
    """Each frequency alone obeys the scalar law; 1,024 fields, and a real coefficient has the variance 2 / 1,024."""
    prior, ratio = GaussianTexture(), texture_power(SAMPLERS["full"])
    expected = torch.empty(16, 16)
    for index, power in enumerate(prior.power.flatten().tolist()):
        scalar = GaussianPixels(std=sqrt(power))
        law = chain_law(scalar, 10, SIGMA, full_noise)[1]
        expected.view(-1)[index] = law / (SIGMA**2 * scalar.slope(SIGMA))
    assert ((ratio / expected - 1).abs() < 4.5 * sqrt(2 / 1024)).all()
    assert ((expected - 1).abs() < 0.03).all()  # and that law is within 3 % of the posterior's


def test_the_diagonal_is_too_white_for_a_texture():
    """Coarse frequencies fall short by a fifth, fine ones do not; the sum over all is nearly right."""
    frequency, ratio = GaussianTexture().frequency, texture_power(SAMPLERS["tweedie"])
    coarse, fine = ratio[frequency <= 2].mean(), ratio[frequency > 5].mean()
    assert coarse < 0.85
    assert 1.0 < fine < 1.1


# --- what holds for every sampler


@every_sampler
def test_calls_are_counted(sampler):
    prior, batches = GaussianPixels(), []

    def denoise(x, s):
        batches.append(len(x))
        return prior.denoise(x, s)

    samples = sampler.sample(denoise, denoising_problem(torch.rand(2, 3, 4, 5), SIGMA), 3, Rng(0, "z", range(2)))
    assert samples.shape == (3, 2, 3, 4, 5)
    assert batches == [6] * sampler.calls


def test_calls_of_the_presets():
    assert (KAWAR_750.calls, KAWAR_180.calls, DDRM().calls, SNIPS().calls) == (750, 180, 20, 181)
    assert (ReverseChain().calls, ReverseChain(variance="full").calls) == (19, 19)
    assert ReverseChain(20, "ancestral").calls == 20


@every_sampler
def test_a_seed_is_a_sample_in_any_batch_layout(sampler):
    prior, y = TwoModes(), torch.rand(3, 1, 8, 8)

    def draw(images, stream="z"):
        numbers = range(3)[images]
        return sampler.sample(prior.denoise, denoising_problem(y[images], SIGMA), 2, Rng(0, stream, numbers))

    together = draw(slice(None))
    assert torch.equal(together, draw(slice(None)))
    apart = torch.cat([draw(slice(i, i + 1)) for i in range(3)], dim=1)
    assert torch.allclose(together, apart, atol=1e-4)
    assert not torch.allclose(together, draw(slice(None), "other"), atol=1e-2)
    assert not torch.allclose(together[0], together[1], atol=1e-2)


@every_sampler
def test_computes_in_fp32_at_least_and_without_a_graph(sampler):
    prior, y = GaussianPixels(), torch.rand(1, 1, 4, 4)
    for given, computed in [(torch.bfloat16, torch.float32), (torch.float64, torch.float64)]:
        degraded = y.to(given).requires_grad_()
        samples = sampler.sample(prior.denoise, denoising_problem(degraded, SIGMA), 1, Rng(0, "z", [0]))
        assert samples.dtype == computed
        assert not samples.requires_grad


@every_sampler
def test_bad_input_is_refused_by_name(sampler):
    prior, zeros = GaussianPixels(), torch.zeros(2, 1, 4, 4)

    def draw(denoise=prior.denoise, y=zeros, sigma=SIGMA, K=1, images=2):
        sampler.sample(denoise, denoising_problem(y, sigma), K, Rng(0, "z", range(images)))

    with pytest.raises(ValueError, match="num_samples"):
        draw(K=0)
    with pytest.raises(ValueError, match=r"sigma.*nan"):
        draw(sigma=float("nan"))
    with pytest.raises(ValueError, match=r"degraded.*\(4, 4\)"):
        draw(y=torch.zeros(4, 4))
    with pytest.raises(ValueError, match=r"rng.* 2 .*3"):
        draw(images=3)
    with pytest.raises(ValueError, match=r"denoiser.*\(2, 1, 4, 4\).*\(2, 1, 4, 2\)"):
        draw(denoise=lambda x, s: x[..., :2])


@pytest.mark.parametrize("name", OF_NOISE)
def test_samplers_of_noise_alone_refuse_other_problems(name):
    prior, rng = GaussianPixels(), Rng(0, "z", range(2))
    with pytest.raises(ValueError, match=r"sigma.*got 0"):
        SAMPLERS[name].sample(prior.denoise, denoising_problem(torch.zeros(2, 1, 4, 4), 0.0), 1, rng)
    with pytest.raises(ValueError, match=r"problem.*A = I"):
        SAMPLERS[name].sample(prior.denoise, GaussianVectors().problem(2), 1, rng)


@pytest.mark.parametrize(("sampler", "floor"), [(ReverseChain(), 0.005), (KAWAR_750, 0.01)])
def test_sigma_below_the_last_level(sampler, floor):
    with pytest.raises(ValueError, match=f"sigma_min.*{floor}.*{floor}"):
        sampler.sample(GaussianPixels().denoise, denoising_problem(torch.zeros(1, 1, 4, 4), floor), 1, Rng(0, "z", [0]))


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (ReverseChain, {"levels": 1}, "levels.*got 1"),
        (ReverseChain, {"variance": "exact"}, "variance.*exact"),
        (ReverseChain, {"sigma_min": 0.0}, "sigma_min.*got 0"),
        (Langevin, {"levels": 0}, "levels.*got 0"),
        (Langevin, {"step": 0.0}, "step.*got 0"),
    ],
)
def test_bad_arguments_are_refused_by_name(build, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)
