"""``pscgan-train``: trains what the config says, or continues it."""

from __future__ import annotations

import logging
import sys
import warnings

import hydra
from omegaconf import DictConfig, OmegaConf

from . import checkpoint
from .build import build_trainer, build_training
from .callbacks.checkpoints import Interrupted
from .game import NonfiniteGradients
from .metrics_csv import MetricsCsv
from .provenance import feature_networks
from .rehearsal import rehearse
from .report import print_result, result_of
from .run_folder import RunFolder, run_name
from .sweep import sweep_name
from .sweep_job import run_alone_or_in_a_sweep
from .training import Training
from .user_errors import one_line_errors

PROGRAM = "pscgan-train"
OmegaConf.register_new_resolver("run_name", run_name, replace=True)
OmegaConf.register_new_resolver("sweep_name", sweep_name, replace=True, use_cache=True)  # a run's is the sweep's


def train(config: DictConfig) -> float:
    """Run, or continue, what the config says; the CRPS of the last validation, for sweeps.

    Raises:
        ValueError: if the config does not make sense, or the run folder belongs to another one.
        Interrupted: by a signal, once ``last.ckpt`` is written.
    """
    folder = RunFolder(config)
    result = folder.result()
    if result is None:
        training = build_training(config)
        rehearse(training.game, training.data.source.channels, training.data.training.crop)
        best_crps = _restore(training, folder)
        trainer = build_trainer(config, folder, best_crps)
        folder.note_start(training.images_seen, trainer.precision, feature_networks(training.game))
        for logger in trainer.loggers:
            if isinstance(logger, MetricsCsv):
                logger.rewind(training.images_seen)
        _announce(training, folder, trainer.precision)
        if training.images_seen < training.images:
            trainer.fit(training)
        result = result_of(training)
        folder.write_result(result)
    else:
        print(f"{folder.path} is finished; another seed=... or name=... starts a new run")
    print_result(result, folder.path)
    return float(result["crps"])


def _restore(training: Training, folder: RunFolder) -> float:
    """Continue from the last checkpoint, if there is one; the best CRPS so far."""
    if not folder.last.exists():
        return float("inf")
    state = checkpoint.load(folder.last)
    checkpoint.restore(training.game, state, folder.last)
    training.scores = state["scores"]
    return float(state["best_crps"])


def _announce(training: Training, folder: RunFolder, precision: str) -> None:
    sizes = [
        f"{name} {sum(parameter.numel() for parameter in player.network.parameters()):,} parameters"
        for name, player in training.game.players.items()
    ]
    start = f"continues at image {training.images_seen:,}" if training.images_seen else "starts"
    print(f"{folder.path} {start}: {', '.join(sizes)}, {precision}", flush=True)


@hydra.main(version_base="1.3", config_path="pkg://pscgan.conf", config_name="train")
def _run(config: DictConfig) -> float | None:
    _quieten_lightning()  # here, because a launcher may have started this process
    return run_alone_or_in_a_sweep(config, _train_or_exit)


def _train_or_exit(config: DictConfig) -> float:
    try:
        with one_line_errors(PROGRAM):
            return train(config)
    except Interrupted as interrupted:
        print(f"interrupted by {interrupted}; the same command continues", file=sys.stderr)
        sys.exit(interrupted.exit_code)
    except NonfiniteGradients as error:
        last = RunFolder(config).last
        print(f"stopped: {error}; last good checkpoint: {last if last.exists() else 'none yet'}", file=sys.stderr)
        sys.exit(1)


def _quieten_lightning() -> None:
    """Leave out what it says of devices it does not use, of clocks that are ours, and of itself."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    for message in ("does not have many workers", "smaller than the logging interval", "in eval mode", "LeafSpec"):
        warnings.filterwarnings("ignore", message=f".*{message}")


def main() -> None:
    """The command ``pscgan-train``."""
    with one_line_errors(PROGRAM):
        _run()


if __name__ == "__main__":
    main()
