"""A training run from its config to its result, in one process or on several ranks."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.table import Table
from torch import nn

from .. import __version__
from ..models.features.frozen import FrozenFeatures
from ..precision import plain_defaults
from .build import build_trainer, build_training
from .callbacks.checkpointing import measured_on
from .callbacks.logging import start_loggers
from .distributed import collectives
from .distributed.launch import on_gpu, process_group, processes, start
from .init_from import begin
from .lightning_module import SamplerModule
from .metrics.calibration import in_words
from .metrics.consistency import ROWS
from .network_optimizer import NotFinite
from .runs import checkpoint
from .runs.cli_errors import Interrupted, RankError
from .runs.folder import RESULT, RunFolder, lock_folder
from .runs.sweep import is_multirun
from .sanity_check import sanity_check


@plain_defaults()
def train(config: DictConfig) -> float:
    """Run, or continue, what the config says; returns the CRPS of the last validation, for sweeps.

    Raises:
        ValueError: if the config does not make sense, or the run folder belongs to another one.
        Interrupted: by a signal, once ``last.ckpt`` is written.
        NotFinite: if the run comes to numbers that are not finite; in a sweep also if it has before.
        RankFailure: if a rank was killed, or ended with a defect.
    """
    folder = RunFolder(config) if is_multirun() else None
    if folder and not folder.changes and "error" in (earlier := folder.result() or {}):
        raise NotFinite(f"{earlier['error']}; remove its {RESULT} to train again")
    count = processes(config)
    if count == 1:
        return _train(config)
    start(_train, config, count)
    result = RunFolder(config).result()
    assert result is not None
    return float(result["crps"])


def _train(config: DictConfig) -> float:
    with process_group(on_gpu(config)):
        program = __version__, torch.__version__, OmegaConf.to_container(config, resolve=True)
        _require_same_on_all_ranks(
            program, "another version or config than rank 0; start all ranks by the same command"
        )
        folder = collectives.from_rank_zero(lambda: RunFolder(config))
        result = collectives.from_rank_zero(folder.result)
        if result is None or not is_finished(result, config):
            with collectives.enter_on_rank_zero(lock_folder(folder.path)):
                result = _learn(config, folder)
        elif collectives.rank() == 0:
            print(f"{folder.path} is finished; another seed=... or name=... starts a new run")
        if collectives.rank() == 0:
            print_result(result, folder.path)
        return float(result["crps"])


def is_finished(result: dict[str, Any] | None, config: DictConfig) -> bool:
    """Whether the run of this result has seen all its images."""
    return result is not None and "error" not in result and bool(result["images_seen"] >= config.images)


def _learn(config: DictConfig, folder: RunFolder) -> dict[str, float]:
    training = collectives.run_on_all_ranks(lambda: prepared(config))
    _require_same_on_all_ranks(training.data.digests, "other images below dataset.root than rank 0")
    begun, best_crps = _restore(training, folder)
    trainer = build_trainer(config, folder, best_crps)
    conditions = _conditions(config, training, trainer.precision) | ({"init_from": begun} if begun else {})
    started = collectives.from_rank_zero(lambda: folder.note_start(conditions, vars(training.data.split)))
    if collectives.rank() == 0:
        _announce(training, folder, trainer.precision)
    try:
        if training.images_seen < training.images:
            described = folder.config | {"start": started}
            collectives.from_rank_zero(lambda: start_loggers(trainer.loggers, described, training.images_seen))
            trainer.fit(training)
    except Interrupted as interrupted:
        if collectives.rank() == 0:
            _requeue(interrupted)
        raise
    except NotFinite as failure:
        if collectives.rank() == 0:
            folder.write_result({"error": str(failure)} | counts_of(training))
        raise
    result = training.scores | counts_of(training)
    if collectives.rank() == 0:
        folder.write_result(result)
    return result


def prepared(config: DictConfig) -> SamplerModule:
    """A run before its first step; a ValueError names what does not fit."""
    training = build_training(config)
    sanity_check(training.gan_step, training.data.source.channels, training.data.training.crop)
    return training


def _restore(training: SamplerModule, folder: RunFolder) -> tuple[dict[str, Any] | None, float]:
    """Give every rank the state of rank 0, or of the last checkpoint if there is one.

    Returns what was begun at, and the best CRPS so far: none where images or how they are measured are others since.
    """
    state = collectives.from_rank_zero(lambda: _last_state(folder))
    if state is None:
        begun = collectives.from_rank_zero(lambda: begin(training.gan_step, folder.config))
        collectives.broadcast_module(training.gan_step)
        return begun, float("inf")
    collectives.run_on_all_ranks(lambda: _continue_from(training, state, folder.last))
    here = measured_on(training, folder.config)
    return None, float(state["best_crps"]) if state.get("measured_on", here) == here else float("inf")


def _last_state(folder: RunFolder) -> dict[str, Any] | None:
    try:
        return checkpoint.load(folder.last) if folder.last.exists() else None
    except checkpoint.DamagedFile as error:
        remedy = f"copy {folder.best.name} in its place to continue from there" if folder.best.exists() else "remove it"
        raise checkpoint.DamagedFile(f"{error}; {remedy}, or choose another name=...") from error


def _continue_from(training: SamplerModule, state: dict[str, Any], path: Path) -> None:
    checkpoint.restore(training.gan_step, state, path)
    training.scores = state["scores"]
    seen, size = f"the {training.images_seen} images the run has seen", training.data.batch_size
    if training.images_seen % size:
        raise ValueError(f"dataset.batch_size must divide {seen}, got {size}")
    if training.images_seen >= training.images != state["config"]["images"]:
        raise ValueError(f"images must be more than {seen}, got {training.images}")


def _conditions(config: DictConfig, training: SamplerModule, precision: str) -> dict[str, Any]:
    """What this start is made with, besides its config and what ``provenance`` tells."""
    return {
        "images_seen": training.images_seen,
        "precision": precision,
        "device": torch.cuda.get_device_name() if on_gpu(config) else "cpu",
        "ranks": collectives.world_size(),
        "feature_networks": feature_networks(training.gan_step),
        "images": training.data.digests,
    }


def _announce(training: SamplerModule, folder: RunFolder, precision: str) -> None:
    sizes = [
        f"{name} {sum(parameter.numel() for parameter in network.network.parameters()):,} parameters"
        for name, network in training.gan_step.networks.items()
    ]
    if collectives.world_size() > 1:
        sizes.append(f"{collectives.world_size()} ranks")
    start = f"continues at image {training.images_seen:,}" if training.images_seen else "starts"
    changes = f" with changes ({'; '.join(folder.changes)})" if folder.changes else ""
    print(f"{folder.path} {start}{changes}: {', '.join(sizes)}, {precision}", flush=True)


def _require_same_on_all_ranks(value: Any, otherwise: str) -> None:
    """Ranks of another program, or with other images, would sum gradients that do not belong together."""
    first, *others = collectives.all_gather(value)
    for rank, found in enumerate(others, start=1):
        if found != first:
            raise RankError(f"rank {rank} has {otherwise}", is_reporter=collectives.rank() == 0)


def _requeue(interrupted: Interrupted) -> None:
    """Have SLURM start the job again where its warning, and nobody else, has ended it."""
    job = os.environ.get("SLURM_JOB_ID")
    if job and interrupted.args[0] == signal.SIGUSR1 and shutil.which("scontrol"):
        subprocess.run(["scontrol", "requeue", job], check=False)


def counts_of(training: SamplerModule) -> dict[str, Any]:
    """What scores have cost, for ``result.json``."""
    progress = training.gan_step.progress
    names = ("images_seen", "generator_steps", "nonfinite_steps", "skipped_images")
    counts = {name: getattr(progress, name) for name in names}
    return counts | {"seconds": round(progress.seconds, 1)}


def print_result(result: dict[str, Any], folder: Path) -> None:
    """A table for people."""
    k = result["samples_per_image"]
    table = Table(title=f"{folder.name}: {result['images_seen']:,} images in {result['seconds']:.0f} s")
    for column in ("", "PSNR dB", "PSNR per image", "SSIM", "sharpness"):
        table.add_column(column, justify="right" if column else "left")
    rows = {"degraded": "y, the input", "sample": "one sample", "mean": f"mean of {k} samples"}
    for name, label in rows.items():
        if name == "mean" and k == 1:
            continue
        columns = {"psnr_{}": 2, "psnr_{}_per_image": 2, "ssim_{}": 3, "sharpness_{}": 2}
        figures = (f"{result[column.format(name)]:.{digits}f}" for column, digits in columns.items())
        table.add_row(label, *figures)
    console = Console(highlight=False)
    console.print(table)
    if "consistency/degraded/levels" in result:
        console.print(_consistency_table(result))
    if k > 1:
        console.print(
            f"averaging {k} gains {result['gain_db']:.2f} dB (an exact posterior sampler: "
            f"{result['gain_db_exact']:.2f}); pixels and blocks, by side: {in_words(result)}",
            soft_wrap=True,
        )
    console.print(f"CRPS {255 * result['crps']:.2f} / 255; pictures, log and checkpoints in {folder}", soft_wrap=True)


def _consistency_table(result: dict[str, Any]) -> Table:
    """How far 8-bit images, encoded again, equal the JPEG files."""
    table = Table(
        title="8 bits, encoded again: what equals the file", caption="RMSE: of the two decoded, in levels of grey"
    )
    for column in ("", "levels", "blocks", "pictures", "RMSE", "PSNR dB"):
        table.add_column(column, justify="right" if column else "left")
    for row, label in ROWS.items():
        if row.startswith("mean") and result["samples_per_image"] == 1:
            continue
        figures = {name.rpartition("/")[2]: result[name] for name in result if name.startswith(f"consistency/{row}/")}
        shares = (f"{100 * figures[unit]:.3f} %" for unit in ("levels", "blocks", "pictures"))
        rest = (f"{figures[name]:.{digits}f}" for name, digits in (("reencode_rmse", 3), ("psnr", 2)))
        table.add_row(label, *shares, *rest)
    return table


def feature_networks(gan_step: nn.Module) -> list[str]:
    """Identities of the frozen feature networks in the losses: network, layers, source and hash of the weights."""
    return sorted({module.identity for module in gan_step.modules() if isinstance(module, FrozenFeatures)})
