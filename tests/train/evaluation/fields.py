"""Gaussian fields, whose posterior is known, and restorers that draw from it, from less of it, or from more."""

import torch
from torch.utils.data import Dataset

from pscgan.data.toy_posteriors.fields import noisy_field
from pscgan.rng import Rng
from pscgan.train.evaluation.dataset import EvaluationDataset
from pscgan.train.evaluation.evaluator import Evaluator, Settings
from pscgan.train.evaluation.methods import Method
from pscgan.train.evaluation.metric_suite import MetricSuite
from pscgan.train.evaluation.robustness_eval import RobustnessEval
from pscgan.train.evaluation.setup import to_result
from pscgan.train.evaluation.summary import summarise
from pscgan.train.evaluation.temperature_sweep import TemperatureSweep
from pscgan.train.metrics.frechet import squared_bures
from pscgan.train.metrics.patch_distribution import PatchDistribution

WORLD = noisy_field(16, 50.0)


class Fields(Dataset):
    """Images of the world, neither clipped nor rounded."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        clean = WORLD.draw(Rng(0, "world", [number]))[0]
        return {"clean": 255 * clean, "number": number, "name": f"field{number}"}


class WorldSampler:
    """Samples of the posterior whose deviation from its mean is scaled; 1 is exact. Or white ones of its variance."""

    stochastic = True

    def __init__(self, spread=1.0, offset=0.0, white=False):
        self.spread, self.offset, self.white = spread, offset, white

    def restore(self, measurement, num_samples, seeds, sigma_z=1.0):
        mean = WORLD.posterior_mean(measurement)
        samples = WORLD.posterior_samples(measurement, num_samples, Rng.of_images(seeds, "posterior"))
        if self.white:
            noise = Rng.of_images(seeds, "white").randn(num_samples, *mean.shape[1:]).movedim(1, 0)
            samples = mean + noise * WORLD.posterior_variance(measurement).sqrt()
        return (mean + self.offset + sigma_z * self.spread * (samples - mean)).float()


class PosteriorMean:
    """The best single answer."""

    stochastic = False

    def restore(self, measurement, num_samples, seeds, sigma_z=1.0):
        return WORLD.posterior_mean(measurement).float()[None]


class Projection:
    """An extractor: a few fixed linear features, so that Gaussian images have Gaussian features."""

    identity, dimensions, weights_hash = "a projection of pixels", 6, "0" * 12

    def matrix(self, values):
        generator = torch.Generator().manual_seed(5)
        return torch.randn(values, self.dimensions, generator=generator) / values**0.5

    def __call__(self, images):
        return images.float().flatten(1) @ self.matrix(images[0].numel())


def exact_cfid(spread):
    """CFID of a ``WorldSampler`` on ``Projection`` for infinitely many images: only its covariance given y is wrong."""
    P, S, C, G = Projection().matrix(256).double().T, WORLD.covariance, WORLD.posterior_covariance, WORLD.gain
    noisy = S + WORLD.sigma**2 * torch.eye(256, dtype=torch.float64)  # of y
    ac = P @ S @ P.T  # with the features of y, of the truth and of a sample alike
    explained = ac @ torch.linalg.inv(P @ noisy @ P.T) @ ac.T
    truth, sample = (P @ of @ P.T - explained for of in (S, G @ noisy @ G.T + spread**2 * C))
    return float(squared_bures(truth, sample))


def evaluated(folder, restorers, count=150, samples=8, sigma_z=(), batch=1, replicates=100):
    """The result of restorers by name."""
    methods = [Method(name, restorer, {"kind": "callable"}) for name, restorer in restorers.items()]

    def suite(method):
        K = samples if method.restorer.stochastic else 1
        return MetricSuite(
            WORLD.degradation, K, {"patch_distribution": PatchDistribution(K)}, heavy=["patch_distribution"]
        )

    evaluator = Evaluator(
        EvaluationDataset(Fields(count), WORLD.degradation, seed=0),
        methods,
        {method.name: suite(method) for method in methods},
        TemperatureSweep(sigma_z, images=count, seed=0),
        RobustnessEval({}, [], WORLD.degradation, crop=16, images=1, samples=2, seed=0),
        {"projection": Projection()},
        folder,
        Settings(samples, 0, batch, 0, 2, 16, 2, None, torch.device("cpu")),
    )
    evaluator.work(range(count), lambda: None)
    names = [f"field{number}" for number in range(count)]
    summary = summarise(evaluator, {}, {"projection": None}, count, replicates, 6)
    return to_result(evaluator, summary, "fields", {"samples": samples}, names, {})
