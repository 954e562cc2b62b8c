"""From a composed config to the objects of a run."""

from typing import Literal

import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from omegaconf import DictConfig
from pytorch_lightning.strategies import DDPStrategy

from ..data.degradation import Degradation, network_channels
from ..data.sources.pairs import require_pairs
from ..rng import key
from .callbacks.checkpointing import Checkpointing
from .distributed import collectives
from .distributed.launch import local_size, on_gpu
from .gan_step import GANStep
from .lightning_module import SamplerModule, ValidationConfig
from .runs.folder import RunFolder


def build_training(config: DictConfig) -> SamplerModule:
    """Data, networks, objective and clocks; weights start from a generator of the run's own.

    Raises:
        hydra.errors.InstantiationException: naming the part of the config that does not fit.
        ValueError: if a count is out of range or parts do not fit each other.
    """
    degradation, data = instantiate(config.degradation), instantiate(config.dataset)
    require_pairs(data.source, degradation)
    gan_step = build_gan_step(config, degradation, config.dataset.channels)
    return SamplerModule(
        gan_step,
        data,
        ValidationConfig(**config.evaluation),
        images=config.images,
        log_every_images=config.log_every_images,
        checkpoint_every_images=config.checkpoint_every_images,
    )


def build_gan_step(config: DictConfig, degradation: Degradation, image_channels: int) -> GANStep:
    """Networks and objective; initial weights are a function of ``config.seed`` alone.

    Raises:
        hydra.errors.InstantiationException: naming the part of the config that does not fit.
        ValueError: if parts do not fit each other.
    """
    channels = network_channels(image_channels, degradation)
    with torch.random.fork_rng():
        torch.manual_seed(key(config.seed, "initial weights", 0))
        generator = instantiate(config.generator, **channels)
        penalties = {name: instantiate(penalty) for name, penalty in config.penalty.items()}
        critic = None
        if config.critic is not None:
            other_sample = image_channels if config.gan_step.paired else 0
            seen = channels | {"condition_channels": channels["condition_channels"] + other_sample}
            critic = instantiate(config.critic, **seen)
    return GANStep(
        generator=generator,
        degradation=degradation,
        penalties=penalties,
        generator_optimizer=instantiate(config.generator_optimizer),
        ema=instantiate(config.ema),
        schedule=instantiate(config.schedule),
        seed=config.seed,
        critic=critic,
        adversarial=None if config.adversarial is None else instantiate(config.adversarial),
        critic_optimizer=None if critic is None else instantiate(config.critic_optimizer),
        **config.gan_step,
    )


class ManualReduceDDP(DDPStrategy):
    """Processes, devices and barriers of ``DDPStrategy`` without its wrapper around the networks.

    The wrapper reduces gradients during one backward pass over all parameters. A GAN step has a backward pass for each
    network, and more with micro-batches and a lazy gradient penalty, so each optimiser step sums its own gradients over
    the ranks (``collectives.sum_over_ranks``).
    """

    def configure_ddp(self) -> None:
        pass


TRAINER_KEYS = {"accelerator", "devices", "num_nodes", "deterministic", "benchmark", "detect_anomaly", "profiler"}
"""Other options of Lightning's would be ignored, refused half-way, or change what a run learns and validates."""


def build_trainer(config: DictConfig, folder: RunFolder, best_crps: float) -> pl.Trainer:
    """Lightning's loop, without the parts that count optimiser steps.

    Raises:
        ValueError: if ``config.trainer`` has more than ``TRAINER_KEYS``.
    """
    others = sorted(map(str, config.trainer.keys() - TRAINER_KEYS - {"_target_"}))
    if others:
        raise ValueError(f"trainer may have {', '.join(sorted(TRAINER_KEYS))}, got {', '.join(others)}")
    loggers = [instantiate(logger) for logger in config.logger.values()]
    callbacks = [instantiate(callback) for callback in config.callbacks.values()]
    ranked = {}
    if collectives.world_size() > 1:
        strategy = ManualReduceDDP(cluster_environment=TorchElasticEnvironment())
        ranked = {"strategy": strategy, "devices": local_size(), "num_nodes": collectives.world_size() // local_size()}
    trainer: pl.Trainer = instantiate(
        config.trainer,
        **ranked,
        default_root_dir=str(folder.path),
        precision=lightning_precision(config.precision, on_gpu(config)),
        logger=loggers,
        callbacks=[*callbacks, Checkpointing(folder, best_crps)],
        max_epochs=-1,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    return trainer


PRECISIONS = ("auto", "bf16", "fp32")


def lightning_precision(precision: str, gpu: bool) -> Literal["bf16-mixed", "32-true"]:
    """Lightning's name for a precision; ``auto`` takes bf16 where the hardware multiplies it faster than fp32.

    On processors without bf16 instructions (AMX or AVX-512 BF16) bf16 is emulated, about three times slower than fp32.

    Raises:
        ValueError: if ``precision`` is none of auto, bf16, fp32.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision}")
    if precision == "auto":
        fast_on_cpu = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
        fast = torch.cuda.is_bf16_supported() if gpu else fast_on_cpu
        precision = "bf16" if fast else "fp32"
    return "bf16-mixed" if precision == "bf16" else "32-true"
