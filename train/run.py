"""A run from its config to its result: alone, or as one of several ranks."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from . import checkpoint, ranks
from .build import build_trainer, build_training
from .callbacks.checkpoints import Interrupted
from .feature_networks import feature_networks
from .folder_lock import FolderLock
from .launch import on_gpu, processes, start
from .metrics_csv import MetricsCsv
from .process_group import joined
from .provenance import fingerprint
from .rehearsal import rehearse
from .report import print_result, result_of
from .run_folder import RunFolder
from .training import Training
from .user_errors import RankError


def train(config: DictConfig) -> float:
    """Run, or continue, what the config says; the CRPS of the last validation, for sweeps.

    Raises:
        ValueError: if the config does not make sense, or the run folder belongs to another one.
        Interrupted: by a signal, once ``last.ckpt`` is written.
        LostRank: if another rank has ended.
    """
    count = processes(config)
    if count == 1:
        return _train(config)
    start(_train, config, count)
    result = RunFolder(config).result()
    assert result is not None
    return float(result["crps"])


def _train(config: DictConfig) -> float:
    """In each process."""
    with joined(on_gpu(config)):
        _require_one_program(config)
        folder = ranks.from_first(lambda: RunFolder(config))
        result = ranks.from_first(folder.result)
        if result is None or (result["images_seen"] < config.images and not result.get("pruned")):
            with FolderLock(folder.path):
                result = _learn(config, folder)
        elif ranks.rank() == 0:
            print(f"{folder.path} is finished; another seed=... or name=... starts a new run")
        if ranks.rank() == 0:
            print_result(result, folder.path)
        return float(result["crps"])


def _learn(config: DictConfig, folder: RunFolder) -> dict[str, float]:
    """From the last checkpoint to the end."""
    training = ranks.together(lambda: _prepared(config))
    best_crps = _restore(training, folder)
    trainer = build_trainer(config, folder, best_crps)
    if ranks.rank() == 0:
        folder.note_start(training.images_seen, trainer.precision, feature_networks(training.game))
        for logger in trainer.loggers:
            if isinstance(logger, MetricsCsv):
                logger.rewind(training.images_seen)
        _announce(training, folder, trainer.precision)
    try:
        if training.images_seen < training.images:
            trainer.fit(training)
    except Interrupted as interrupted:
        if ranks.rank() == 0:
            _requeue(interrupted)
        raise
    result = result_of(training)
    if ranks.rank() == 0:
        folder.write_result(result)
    return result


def _prepared(config: DictConfig) -> Training:
    training = build_training(config)
    rehearse(training.game, training.data.source.channels, training.data.training.crop)
    return training


def _restore(training: Training, folder: RunFolder) -> float:
    """Every rank begins with the state of rank 0: of the last checkpoint, if there is one; the best CRPS so far."""
    state = ranks.from_first(lambda: checkpoint.load_last(folder.last, folder.previous))
    if state is None:
        ranks.share(training.game)
        return float("inf")
    ranks.together(lambda: _take_up(training, state, folder.last))
    return float(state["best_crps"])


def _take_up(training: Training, state: dict[str, Any], path: Path) -> None:
    checkpoint.restore(training.game, state, path)
    training.scores = state["scores"]
    if training.images_seen % training.data.batch_size:
        raise ValueError(
            f"dataset.batch_size is {training.data.batch_size}; allowed is a divisor of {training.images_seen}, the "
            "images the run has seen"
        )


def _announce(training: Training, folder: RunFolder, precision: str) -> None:
    sizes = [
        f"{name} {sum(parameter.numel() for parameter in player.network.parameters()):,} parameters"
        for name, player in training.game.players.items()
    ]
    if ranks.size() > 1:
        sizes.append(f"{ranks.size()} ranks")
    start = f"continues at image {training.images_seen:,}" if training.images_seen else "starts"
    changes = f" with changes ({'; '.join(folder.changes)})" if folder.changes else ""
    print(f"{folder.path} {start}{changes}: {', '.join(sizes)}, {precision}", flush=True)


def _require_one_program(config: DictConfig) -> None:
    """Ranks of another program or config would reduce the gradients of another game."""
    if ranks.size() == 1:
        return
    first, *others = ranks.each(fingerprint(config))
    for rank, found in enumerate(others, start=1):
        different = sorted(key for key in first.keys() | found.keys() if first.get(key) != found.get(key))
        if different:
            raise RankError(
                f"rank {rank} differs from rank 0 in {', '.join(different[:5])}; allowed is the same program with the "
                "same config on all ranks",
                speaks=ranks.rank() == 0,
            )


def _requeue(interrupted: Interrupted) -> None:
    """Have SLURM start the job again where its warning, and nobody else, has ended it."""
    job = os.environ.get("SLURM_JOB_ID")
    if job and interrupted.args[0] == signal.SIGUSR1 and shutil.which("scontrol"):
        subprocess.run(["scontrol", "requeue", job], check=False)
