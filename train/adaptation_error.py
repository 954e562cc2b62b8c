"""How far a model is from the truth, as a number to judge its adaptation by: known of clean pictures, else by SURE."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..data.crops import center_crop
from ..data.degradation import Degradation, measure
from ..data.degradations.gaussian_noise import GaussianNoise
from ..data.measurement import Measurement
from ..losses.crps import FairCRPS
from ..losses.moments import FirstMoment
from ..losses.penalty import Restore
from ..losses.sure import SURE
from ..models.generator import Generator
from ..rng import Rng
from .inference.sampler import LoadedSampler
from .sampling import GeneratorSampler

JUDGED, SIDE, K = 8, 256, 8  # pictures, pixels of their central squares, and samples of each


class GivenNoise(GaussianNoise):
    """What is given in the place of clean images is y already, of one level.

    Args:
        noise: the model was trained on.
        sigma: of the noise there is, on the 0..255 scale; None for the one number that ``noise`` has.

    Raises:
        ValueError: if the model was not trained on it.
    """

    def __init__(self, noise: GaussianNoise, sigma: float | None) -> None:
        super().__init__([255 * noise.low, 255 * noise.high])
        self.sigma = sigma
        self(torch.zeros(1, 1, 1, 1), Rng(0, "", ()))

    def __call__(self, clean: Tensor, rng: Rng) -> Measurement:
        return self.measure(clean, self.sigma)


class ErrorOfClean:
    """Squared error, or fair CRPS of K samples, on central squares degraded by noise of their own."""

    def __init__(self, degradation: Degradation, images: Sequence[Tensor], stochastic: bool, seed: int) -> None:
        self.degradation, self.seed, self.k = degradation, seed, K if stochastic else 1
        self.estimator = FairCRPS() if stochastic else FirstMoment(biased=True)
        cleans = [center_crop(image, SIDE)[None] for image in images[:JUDGED]]
        rngs = (Rng(seed, "adaptation judged", [number]) for number in range(len(cleans)))
        self.measured = [measure(degradation, clean, rng) for clean, rng in zip(cleans, rngs, strict=True)]

    @torch.no_grad()
    def __call__(self, generator: Generator) -> float:
        restorer, errors = GeneratorSampler(generator, self.degradation), []
        for clean, measurement in self.measured:
            samples_KBCHW = restorer.restore(measurement, self.k, [self.seed])
            errors.append(float(self.estimator(samples_KBCHW, clean, measurement)))
        return sum(errors) / len(errors)


class SureOfNoisy:
    """SURE of the mean of K samples on central squares, and twice the standard error of how far it fell.

    Where D has become D', SURE changes by 2σ nᵀ(D' − D)/N for no better reason than the noise n: a standard error of
    2σ |D' − D|/N.
    """

    def __init__(self, sampler: LoadedSampler, given: GivenNoise, images: Sequence[Tensor], seed: int) -> None:
        self.degradation, self.seed, self.k = sampler.degradation, seed, K if sampler.stochastic else 1
        self.measured = [given.measure(center_crop(y, SIDE)[None], given.sigma) for y in images[:JUDGED]]
        self.before = [self._samples(sampler.generator, y)(y.degraded).mean(0) for y in self.measured]

    @torch.no_grad()
    def __call__(self, generator: Generator) -> float:
        found, variances, values = 0.0, 0.0, 0
        for number, (y, before) in enumerate(zip(self.measured, self.before, strict=True)):
            restore, N = self._samples(generator, y), before.numel()
            samples_KBCHW, rng = restore(y.degraded), Rng(self.seed, "adaptation probe", [number])
            found += N * float(SURE()(restore, samples_KBCHW, y, rng))
            change = (samples_KBCHW.mean(0) - before).square().sum()
            variances += float(4 * y.params["sigma"].square() * change)
            values += N
        return (found + 2 * math.sqrt(variances)) / values

    def _samples(self, generator: Generator, y: Measurement) -> Restore:
        """Always from the same z."""
        restorer = GeneratorSampler(generator, self.degradation)
        return lambda degraded: restorer.restore(replace(y, degraded=degraded), self.k, [self.seed])
