"""Train a row of the posterior benchmark on a problem whose posterior is known, and measure its samples."""

import math
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor

from ....data.degradation import Degradation
from ....data.measurement import Measurement
from ....data.toy_posteriors.gaussian import GaussianProblem
from ....data.toy_posteriors.problem import Denoising, ToyProblem
from ....linear_problem import denoising_problem
from ....models.generator import Generator, is_deterministic
from ....rng import Rng
from ....train.build import build_gan_step
from ....train.metrics import posterior as distance
from ....train.metrics.calibration import GIVEN, ranks_of
from ....train.metrics.decibels import decibels, gain_db_exact
from ....train.sampling import GeneratorSampler, InferenceConfig
from .entry import EXACT, BenchmarkEntry, compose_entry, identity

MMSE_IMAGES = 4096  # the MMSE is the mean posterior variance over so many measurements
GAIN_IMAGES, GAIN_SAMPLES = 64, 8  # by which the gain of averaging is measured during training
IMAGES_AT_ONCE = 32


class TestSet(NamedTuple):
    """Measurements that no training has seen, and what is known of their posterior."""

    clean: Tensor
    measurement: Measurement
    mean: Tensor
    exact_KBCHW: Tensor
    mmse: float


def run_entry(entry: BenchmarkEntry, overrides: Sequence[str]) -> dict[str, Any]:
    """Figures of an entry, as plain values; the same for the same entry and overrides, but for the seconds."""
    config = compose_entry(entry, overrides)
    problem: ToyProblem = instantiate(config.problem)
    testset = make_testset(problem, config.evaluation.images, config.evaluation.samples, entry.seed)
    samples_KBCHW, effort = _samples(entry, config, problem, testset)
    figures = measure(samples_KBCHW, problem, testset, config.pointwise)
    return {"config": identity(entry, config), **effort, **figures}


def make_testset(problem: ToyProblem, images: int, num_samples: int, seed: int) -> TestSet:
    """Draw measurements, and exact samples of each."""
    rng = Rng(seed, "examination", range(images))  # names of streams decide the numbers: the tables were made by these
    clean = problem.draw(rng)
    measurement = problem.degradation(clean, rng)
    many = Rng(0, "mmse", range(MMSE_IMAGES))
    mmse = float(problem.posterior_variance(problem.degradation(problem.draw(many), many)).mean())
    exact = problem.posterior_samples(measurement, num_samples, Rng(seed, "exact", range(images)))
    return TestSet(clean, measurement, problem.posterior_mean(measurement), exact, mmse)


def _samples(
    entry: BenchmarkEntry, config: DictConfig, problem: ToyProblem, testset: TestSet
) -> tuple[Tensor, dict[str, Any]]:
    """(K, B, C, H, W) float64 of a row, and what they cost."""
    measurement, start = testset.measurement, time.perf_counter()
    K, rng = config.evaluation.samples, Rng(entry.seed, "row", range(len(measurement)))
    if entry.row == EXACT:
        return problem.posterior_samples(measurement, K, rng), {"calls": 0, "train_seconds": 0.0}
    if entry.row in config.comparators:
        sampler = instantiate(config.comparators[entry.row])
        prior = cast(Denoising, problem)
        denoising = denoising_problem(measurement.degraded.float(), prior.sigma)
        samples = sampler.sample(prior.denoise, denoising, K, rng)
        return samples.double(), {"calls": sampler.calls, "train_seconds": 0.0, "seconds": time.perf_counter() - start}
    generator, effort = train_on(config, problem)
    return sample(generator, problem.degradation, measurement, K, entry.seed), effort


def train_on(config: DictConfig, problem: ToyProblem) -> tuple[Generator, dict[str, Any]]:
    """Train on ``config.images`` images of the problem, each seen once: the averaged generator, and what it cost.

    Raises:
        ValueError: if parts of the config do not fit each other.
    """
    gan_step = build_gan_step(config, problem.degradation, problem.image_channels)
    generator = cast(Generator, gan_step.ema.average)
    steps, start = config.images // config.batch_size, time.perf_counter()
    for step in range(steps):
        numbers = range(step * config.batch_size, (step + 1) * config.batch_size)
        gan_step.train_batch(problem.draw(Rng(config.seed, "world", numbers)), numbers)
        if (step + 1) % max(1, steps // config.adaptations) == 0 and not is_deterministic(generator):
            gan_step.adapt_weights(_gain_db(generator, problem, config.seed), gain_db_exact(GAIN_SAMPLES))
    seconds = time.perf_counter() - start
    return generator, {"calls": 1, "train_seconds": seconds, "generator_steps": gan_step.progress.generator_steps}


@torch.no_grad()
def sample(
    generator: Generator, degradation: Degradation, measurement: Measurement, num_samples: int, seed: int
) -> Tensor:
    """K samples of each y, (K, B, C, H, W) float64; those of a deterministic generator are equal."""
    sampler = GeneratorSampler(generator, degradation, InferenceConfig(samples_per_pass=num_samples))
    count, seeds = num_samples if sampler.stochastic else 1, range(seed, seed + len(measurement))
    drawn = [
        sampler.restore(measurement[start : start + IMAGES_AT_ONCE], count, seeds[start : start + IMAGES_AT_ONCE])
        for start in range(0, len(measurement), IMAGES_AT_ONCE)
    ]
    samples_KBCHW = torch.cat(drawn, dim=1).double()
    return samples_KBCHW.expand(num_samples, *samples_KBCHW.shape[1:])


def _gain_db(generator: Generator, problem: ToyProblem, seed: int) -> float:
    """PSNR of the mean of some samples minus that of one."""
    rng = Rng(seed, "watched", range(GAIN_IMAGES))
    clean = problem.draw(rng)
    samples_KBCHW = sample(generator, problem.degradation, problem.degradation(clean, rng), GAIN_SAMPLES, seed)
    one = (samples_KBCHW - clean).square().mean()
    mean = (samples_KBCHW.mean(dim=0) - clean).square().mean()
    return 10 * math.log10(float(one / mean))


def measure(samples_KBCHW: Tensor, problem: ToyProblem, testset: TestSet, pointwise: bool) -> dict[str, Any]:
    """Every figure of ``train/metrics/posterior.py``; distances in units of the root of the MMSE.

    Args:
        samples_KBCHW: of each y of the test set.
        problem: that is solved.
        testset: made of it.
        pointwise: whether the pixels of the problem are independent given y.
    """
    mean, exact, mmse = testset.mean, testset.exact_KBCHW, testset.mmse
    unit = math.sqrt(mmse)
    left_open = problem.posterior_variance(testset.measurement) > GIVEN**2  # ranks of the rest say nothing
    ranks = ranks_of(testset.clean[left_open], samples_KBCHW[: distance.RANKED, left_open].float()) / left_open.sum()
    figures = {
        "mmse": mmse,
        "mean_db": decibels(1 + distance.mean_error(samples_KBCHW, mean) / mmse),
        "mean64_db": distance.loss_db(samples_KBCHW[: distance.AVERAGED], mean, mmse),
        "variance_ratio": float(samples_KBCHW.var(dim=0).mean()) / mmse,
        "w1": distance.sliced_w1(samples_KBCHW, exact, pointwise) / unit,
        "coverage": distance.coverage(ranks),
        "ranks": ranks.tolist(),
    }
    if isinstance(problem, GaussianProblem):
        figures["w2"] = distance.gaussian_w2(samples_KBCHW, mean, problem.posterior_covariance) / unit
    if pointwise:
        figures["nearest"] = distance.nearest_distribution(samples_KBCHW, exact, mean)
        if problem.image_channels > 1:
            half = len(testset.clean) // 2  # whose truths are not those of the other half
            figures |= distance.precision_recall(samples_KBCHW[0, :half], testset.clean[half:])
    else:
        figures["spectrum_db"] = distance.spectrum_error_db(samples_KBCHW, exact)
        figures["spectrum"] = (distance.radial_power(samples_KBCHW) / distance.radial_power(exact)).tolist()
    return figures
