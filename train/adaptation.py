"""Adapting a trained model to pictures of one kind: a few clean ones, or the very noisy ones that are to be restored.

LIDIA (Vaksman, Elad and Milanfar, arXiv 1911.07167) does so with a small denoiser, on clean pictures of the kind
(external) or on its own output taken for clean (internal), by its training loss and fresh noise. Here the loss is that
of the run, so that samplers adapt too: internally to their own samples, which have the law of clean images as far as
the sampler is right. The output of an MMSE denoiser has not, being too smooth: it is adapted by SURE, on y itself.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from omegaconf import OmegaConf
from torch import Tensor, nn
from torch.optim import Adam

from ..checks import require_at_least, require_in
from ..data.crops import random_crop, require_size
from ..data.degradation import Degradation, PairedDegradation
from ..data.degradations.gaussian_noise import GaussianNoise
from ..data.measurement import size_of
from ..losses.moments import FirstMoment
from ..losses.penalty import GeneratorPenalty, Penalty, PenaltySchedule
from ..losses.sure import SURE
from ..models.generator import Generator
from ..rng import Rng
from .adaptation_error import ErrorOfClean, GivenNoise, SureOfNoisy
from .ema import Ema
from .gan_step import GANStep
from .inference import safe_instantiate
from .inference.critic import critic_of
from .inference.sampler import LoadedSampler
from .schedule import Schedule

BATCH, CHECKS = 8, 4  # crops a step; how often the model is judged on the way
K = 8  # samples of a noisy picture that are taken for clean


@dataclass(frozen=True)
class Adaptation:
    """How long and how fast.

    Attributes:
        images: crops seen, a multiple of 32.
        lr: largest learning rate of Adam, which rises for a twentieth of the time and falls to 0.
        crop: side of a crop in pixels.
        seed: of crops, noise, latents and probes.

    Raises:
        ValueError: if one is out of range.
    """

    images: int
    lr: float
    crop: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        require_at_least(1, crop=self.crop)
        require_in("(0, 1]", lr=self.lr)
        if self.images < 1 or self.images % (BATCH * CHECKS):
            raise ValueError(f"images must be a positive multiple of {BATCH * CHECKS}, got {self.images}")


@dataclass(frozen=True)
class Adapted:
    """The weights that are kept, and their error; those of the model itself where no others have a smaller one."""

    weights: Mapping[str, Tensor]
    error_before: float
    error: float


def adapt_to_clean(
    sampler: LoadedSampler, clean: Sequence[Tensor], how: Adaptation, tell: Callable[[], object] = lambda: None
) -> Adapted:
    """Train on clean pictures of a kind by the objective of the run; an export without z has the squared error.

    What is kept has a smaller error on these pictures, degraded otherwise: squared error, or CRPS of a sampler.

    Args:
        sampler: a loaded model.
        clean: x, uint8, or floats with 1 for white, (C, H, W).
        how: long and fast.
        tell: is called after each step.

    Raises:
        ValueError: if a picture is smaller than the crop, the model restores what was recorded, or is an export with z.
    """
    if isinstance(sampler.degradation, PairedDegradation):
        raise ValueError("clean pictures must have a y, and the model was trained on recorded ones: train it on pairs")
    images = _floats(clean, how.crop)
    judge = ErrorOfClean(sampler.degradation, images, sampler.stochastic, how.seed)
    return _best(_own_objective(sampler, how), images, judge, how, tell)


def adapt_to_noisy(
    sampler: LoadedSampler,
    noisy: Sequence[Tensor],
    sigma: float | None,
    how: Adaptation,
    tell: Callable[[], object] = lambda: None,
) -> Adapted:
    """Train on noisy pictures themselves: by SURE, or a sampler on its own samples of them as if they were clean.

    Their lower thirds are not trained on. What is kept has a smaller SURE there, by more than twice the standard error
    of the difference: where the network has seen the noise, SURE falls also as it fits that.

    Args:
        sampler: a model of Gaussian noise.
        noisy: y, uint8, or floats with 1 for white, (C, H, W).
        sigma: of their noise on the 0..255 scale; None where the model knows one alone.
        how: long and fast.
        tell: is called after each step.

    Raises:
        ValueError: if a picture is smaller than the crop, or the model is not one of this noise, or an export with z.
    """
    if not isinstance(sampler.degradation, GaussianNoise):
        kind = type(sampler.degradation).__name__
        raise ValueError(f"noisy pictures need a model of GaussianNoise, got one of {kind}")
    given = GivenNoise(sampler.degradation, sigma)
    images = _floats([y[:, : _trained_rows(y)] for y in noisy], how.crop)
    judge = SureOfNoisy(sampler, given, _floats([y[:, _trained_rows(y) :] for y in noisy], 1), how.seed)
    if not sampler.stochastic:
        sure = {"sure": GeneratorPenalty(SURE(), samples_per_image=1)}
        return _best(_gan_step(sampler, how, sure, degradation=given), images, judge, how, tell)
    restored = [sampler.sample(given.measure(y[None], sigma), K, how.seed)[:, 0].clamp(0, 1) for y in images]
    return _best(_own_objective(sampler, how), [x for samples in restored for x in samples], judge, how, tell)


def _trained_rows(y: Tensor) -> int:
    return 2 * y.shape[1] // 3


def _floats(pictures: Sequence[Tensor], crop: int) -> list[Tensor]:
    for number, picture in enumerate(pictures, start=1):
        require_size(f"picture {number}", size_of(picture), "crop", crop)
    return [picture if picture.is_floating_point() else picture.float() / 255 for picture in pictures]


def _best(
    gan_step: GANStep,
    images: Sequence[Tensor],
    judge: Callable[[Generator], float],
    how: Adaptation,
    tell: Callable[[], object],
) -> Adapted:
    """Train, judge the average at each quarter of the way, and keep the best, or what there was."""
    average = gan_step.ema.average
    before = judge(cast(Generator, average))
    best = Adapted(deepcopy(average.state_dict()), before, before)
    for seen in range(0, how.images, BATCH):
        numbers = range(seen, seen + BATCH)
        gan_step.train_batch(torch.stack([_crop(images, how, number) for number in numbers]), numbers)
        tell()
        if (seen + BATCH) % (how.images // CHECKS) == 0:
            error = judge(cast(Generator, average))
            if error < best.error:
                best = Adapted(deepcopy(average.state_dict()), before, error)
    return best


def _crop(images: Sequence[Tensor], how: Adaptation, number: int) -> Tensor:
    rng = Rng(how.seed, "adaptation crop", [number])
    return random_crop(images[int(rng.randint(0, len(images)))], how.crop, rng)


def _own_objective(sampler: LoadedSampler, how: Adaptation) -> GANStep:
    """The step of the run, at its averaged generator and its critic; of an export without z, that of regression."""
    if sampler.run is None:
        if sampler.stochastic:
            raise ValueError("an export with z has no objective to be trained by: give the run it is of")
        return _gan_step(sampler, how, {"mse": Penalty(FirstMoment(biased=True), samples_per_image=1)})
    config: Any = OmegaConf.to_container(sampler.run.config, resolve=True)
    penalties = {name: safe_instantiate.build(node, "pscgan", name) for name, node in config["penalty"].items()}
    if config["critic"] is None:
        return _gan_step(sampler, how, penalties, **config["gan_step"])
    adversarial = safe_instantiate.build(config["adversarial"], "pscgan.losses", "adversarial")
    critic = critic_of(sampler, config).requires_grad_(True)
    players = {
        "critic": critic,
        "adversarial": adversarial,
        "critic_optimizer": partial(Adam, lr=how.lr, betas=(0.0, 0.99)),
    }
    return _gan_step(sampler, how, penalties, **players, **config["gan_step"])


def _gan_step(
    sampler: LoadedSampler,
    how: Adaptation,
    penalties: Mapping[str, PenaltySchedule],
    degradation: Degradation | None = None,
    **parts: Any,
) -> GANStep:
    generator = deepcopy(cast(nn.Module, sampler.generator)).train().requires_grad_(True)
    return GANStep(
        generator,
        degradation or sampler.degradation,
        penalties,
        partial(Adam, lr=how.lr, betas=(0.9, 0.99)),
        Ema(how.images / 20),
        Schedule(how.images, how.images // 20, floor=0.0),
        how.seed,
        **parts,
    )
