"""One cell of the posterior benchmark: a row, trained or given the exact denoiser, measured on a world."""

from __future__ import annotations

import math
import time
from importlib import resources
from typing import Any, NamedTuple, cast

import torch
from hydra import compose, initialize_config_module
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from ....data.measurement import Measurement
from ....data.toy_posteriors.gaussian import GaussianProblem
from ....data.toy_posteriors.problem import Denoising, ToyProblem
from ....models.generator import Generator, draw_samples, is_deterministic
from ....rng import Rng
from ....train.build import build_game
from ....train.metrics import posterior as distance
from ....train.metrics.distortion import gain_db_exact

EXACT = "exact"
PARTS = ("points", "fields")  # what worlds have in common
MMSE_IMAGES = 4096  # the MMSE is the mean posterior variance over so many measurements


class BenchmarkEntry(NamedTuple):
    """A place in the table."""

    world: str
    row: str
    seed: int


class Examination(NamedTuple):
    """Measurements of a world, and what is known of their posterior."""

    clean: Tensor
    measurement: Measurement
    mean: Tensor
    exact_KBCHW: Tensor
    mmse: float


def world_names() -> list[str]:
    """Worlds by the name of their config."""
    folder = resources.files("pscgan.conf") / "world"
    names = (path.name.removesuffix(".yaml") for path in folder.iterdir())
    return sorted(name for name in names if name not in PARTS)


def compose_cell(cell: BenchmarkEntry, overrides: list[str]) -> DictConfig:
    """The config of a cell: that of the world, of the row, and what the user overrides.

    Raises:
        hydra.errors.HydraException: if an override names nothing.
    """
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        objectives = compose("posterior_benchmark", [f"world={cell.world}", *overrides]).objectives
        row = str(objectives.get(cell.row, "")).split()
        return compose("posterior_benchmark", [f"world={cell.world}", *row, *overrides, f"seed={cell.seed}"])


def run_cell(cell: BenchmarkEntry, overrides: list[str]) -> dict[str, Any]:
    """Figures of a cell, as plain values; the same for the same cell and overrides, but for the seconds."""
    config = compose_cell(cell, overrides)
    world: ToyProblem = instantiate(config.world)
    examination = examine(world, config.evaluation.images, config.evaluation.samples, cell.seed)
    samples_KBCHW, effort = _samples(cell, config, world, examination)
    figures = measure(samples_KBCHW, world, examination, config.pointwise)
    return {"config": identity(cell, config), **effort, **figures}


def identity(cell: BenchmarkEntry, config: DictConfig) -> dict[str, Any]:
    """What a cell's figures depend on, as plain values: its config without the other rows there are."""
    plain = cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))
    plain["comparator"] = plain.pop("comparators").get(cell.row)
    return {name: value for name, value in plain.items() if name not in ("rows", "objectives")}


def examine(world: ToyProblem, images: int, num_samples: int, seed: int) -> Examination:
    """Draw measurements that no training has seen."""
    rng = Rng(seed, "examination", range(images))
    clean = world.draw(rng)
    measurement = world.degradation(clean, rng)
    many = Rng(0, "mmse", range(MMSE_IMAGES))
    mmse = float(world.posterior_variance(world.degradation(world.draw(many), many)).mean())
    exact = world.posterior_samples(measurement, num_samples, Rng(seed, "exact", range(images)))
    return Examination(clean, measurement, world.posterior_mean(measurement), exact, mmse)


def _samples(
    cell: BenchmarkEntry, config: DictConfig, world: ToyProblem, examination: Examination
) -> tuple[Tensor, dict[str, Any]]:
    """(K, B, C, H, W) float64 of a row, and what they cost."""
    measurement, start = examination.measurement, time.perf_counter()
    K, rng = config.evaluation.samples, Rng(cell.seed, "row", range(len(measurement)))
    if cell.row == EXACT:
        return world.posterior_samples(measurement, K, rng), {"calls": 0, "train_seconds": 0.0}
    if cell.row in config.comparators:
        sampler = instantiate(config.comparators[cell.row])
        denoising = cast(Denoising, world)
        samples = sampler.sample(denoising.denoise, measurement.degraded.float(), denoising.sigma, K, rng)
        return samples.double(), {"calls": sampler.calls, "train_seconds": 0.0, "seconds": time.perf_counter() - start}
    learned = learn(config, world)
    effort = {"calls": 1, "train_seconds": learned.seconds, "generator_steps": learned.generator_steps}
    return sample(learned.generator, measurement, K, cell.seed), effort


def measure(samples_KBCHW: Tensor, world: ToyProblem, examination: Examination, pointwise: bool) -> dict[str, Any]:
    """Every figure of ``train/metrics/posterior.py``; distances in units of the root of the MMSE."""
    mean, exact, mmse = examination.mean, examination.exact_KBCHW, examination.mmse
    unit = math.sqrt(mmse)
    ranks = distance.rank_histogram(samples_KBCHW[: distance.RANKED].float(), examination.clean)
    figures = {
        "mmse": mmse,
        "mean_db": distance.decibels(1 + distance.mean_error(samples_KBCHW, mean) / mmse),
        "mean64_db": distance.loss_db(samples_KBCHW[: distance.AVERAGED], mean, mmse),
        "variance_ratio": float(samples_KBCHW.var(dim=0).mean()) / mmse,
        "w1": distance.sliced_w1(samples_KBCHW, exact, pointwise) / unit,
        "coverage": distance.coverage(ranks),
        "ranks": ranks.tolist(),
    }
    if isinstance(world, GaussianProblem):
        figures["w2"] = distance.gaussian_w2(samples_KBCHW, mean, world.posterior_covariance) / unit
    if pointwise:
        figures["nearest"] = distance.nearest_law(samples_KBCHW, exact, mean)
    else:
        figures["spectrum_db"] = distance.spectrum_error_db(samples_KBCHW, exact)
        figures["spectrum"] = (distance.radial_power(samples_KBCHW) / distance.radial_power(exact)).tolist()
    return figures


WATCHED, SAMPLES = 64, 8  # images and samples of each by which the gain of averaging is measured during the run
PART = 32  # images sampled at once


class Learned(NamedTuple):
    """A sampler trained on a world."""

    generator: Generator
    seconds: float
    generator_steps: int


def learn(config: DictConfig, world: ToyProblem) -> Learned:
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


def _gain_db(generator: Generator, world: ToyProblem, seed: int) -> float:
    """PSNR of the mean of some samples minus that of one."""
    rng = Rng(seed, "watched", range(WATCHED))
    clean = world.draw(rng)
    samples_KBCHW = sample(generator, world.degradation(clean, rng), SAMPLES, seed)
    one = (samples_KBCHW - clean).square().mean()
    mean = (samples_KBCHW.mean(dim=0) - clean).square().mean()
    return 10 * math.log10(float(one / mean))
