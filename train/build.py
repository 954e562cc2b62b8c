"""From a composed config to the objects of a run."""

from __future__ import annotations

import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from omegaconf import DictConfig, OmegaConf

from ..data.degradation import Degradation
from ..data.pair_source import require_pairs
from ..rng import key
from . import ranks
from .callbacks.checkpoints import Checkpoints
from .data_parallel import TwoPlayers
from .evaluation import Evaluation
from .game import Game
from .launch import on_gpu
from .network_channels import critic_channels, network_channels
from .precision import lightning_precision
from .process_group import local_size
from .run_folder import RunFolder
from .training import Training

COUNTS = (
    "images",
    "log_every_images",
    "checkpoint_every_images",
    "evaluation.every_images",
    "evaluation.samples_per_image",
    "dataset.batch_size",
)


def build_training(config: DictConfig) -> Training:
    """Data, networks, objective and clocks; weights start from a generator of the run's own.

    Raises:
        hydra.errors.InstantiationException: naming the part of the config that does not fit.
        ValueError: if a count is not a whole number or parts do not fit each other.
    """
    for name in COUNTS:
        count = OmegaConf.select(config, name, throw_on_missing=True)
        if not isinstance(count, int):
            raise ValueError(f"{name} is {count}; allowed is a whole number, written without an exponent")
    degradation, data = instantiate(config.degradation), instantiate(config.dataset)
    require_pairs(data.source, degradation)
    game = build_game(config, degradation, config.dataset.channels)
    return Training(
        game,
        data,
        Evaluation(**config.evaluation),
        images=config.images,
        log_every_images=config.log_every_images,
        checkpoint_every_images=config.checkpoint_every_images,
    )


def build_game(config: DictConfig, degradation: Degradation, image_channels: int) -> Game:
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
            critic = instantiate(config.critic, **critic_channels(channels, config.game.paired))
    return Game(
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
        **config.game,
    )


def build_trainer(config: DictConfig, folder: RunFolder, best_crps: float) -> pl.Trainer:
    """Lightning's loop, without the parts that count optimiser steps."""
    loggers = [instantiate(logger) for logger in config.logger.values()]
    callbacks = [instantiate(callback) for callback in config.callbacks.values()]
    ranked = {}
    if ranks.size() > 1:
        strategy = TwoPlayers(cluster_environment=TorchElasticEnvironment())
        ranked = {"strategy": strategy, "devices": local_size(), "num_nodes": ranks.size() // local_size()}
    trainer: pl.Trainer = instantiate(
        config.trainer,
        **ranked,
        default_root_dir=str(folder.path),
        precision=lightning_precision(config.precision, on_gpu(config)),
        logger=loggers,
        callbacks=[*callbacks, Checkpoints(folder, best_crps)],
        max_epochs=-1,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    return trainer
