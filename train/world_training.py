"""Training on a world: the game as everywhere else, on images drawn from a known law, each seen once."""

from __future__ import annotations

import math
import time
from typing import NamedTuple, cast

import torch
from omegaconf import DictConfig
from torch import Tensor

from ..data.measurement import Measurement
from ..data.worlds.world import World
from ..models.generator import Generator, draw_samples, is_deterministic
from ..rng import Rng
from .build import build_game
from .metrics.decibels import gain_db_exact

WATCHED, SAMPLES = 64, 8  # images and samples of each by which the gain of averaging is measured during the run
PART = 32  # images sampled at once


class Learned(NamedTuple):
    """A sampler trained on a world."""

    generator: Generator
    seconds: float
    generator_steps: int


def learn(config: DictConfig, world: World) -> Learned:
    """Play ``config.images`` images of the world; the average of the generator, and what it took.

    Raises:
        ValueError: if parts of the config do not fit each other.
    """
    game = build_game(config, world.degradation, world.image_channels)
    generator = cast(Generator, game.ema.average)
    steps, start = config.images // config.batch_size, time.perf_counter()
    for step in range(steps):
        numbers = torch.arange(step * config.batch_size, (step + 1) * config.batch_size)
        game.play(world.draw(Rng(config.seed, "world", numbers.tolist())), numbers)
        if (step + 1) % max(1, steps // config.adaptations) == 0 and not is_deterministic(generator):
            game.adapt(_gain_db(generator, world, config.seed), gain_db_exact(SAMPLES))
    return Learned(generator, time.perf_counter() - start, game.clock.times.generator_steps)


def sample(generator: Generator, measurement: Measurement, num_samples: int, seed: int) -> Tensor:
    """K samples of each y, (K, B, C, H, W) float64; a deterministic restorer's one, repeated."""
    drawn = []
    with torch.no_grad():
        for start in range(0, len(measurement), PART):
            part = slice(start, start + PART)
            condition = measurement[part].condition
            rng = Rng(seed, "latent", range(start, start + len(condition)))
            drawn.append(draw_samples(generator, condition, num_samples, rng).double())
    samples_KBCHW = torch.cat(drawn, dim=1)
    return samples_KBCHW.expand(num_samples, *samples_KBCHW.shape[1:])


def _gain_db(generator: Generator, world: World, seed: int) -> float:
    """PSNR of the mean of some samples minus that of one."""
    rng = Rng(seed, "watched", range(WATCHED))
    clean = world.draw(rng)
    samples_KBCHW = sample(generator, world.degradation(clean, rng), SAMPLES, seed)
    one = (samples_KBCHW - clean).square().mean()
    mean = (samples_KBCHW.mean(dim=0) - clean).square().mean()
    return 10 * math.log10(float(one / mean))
