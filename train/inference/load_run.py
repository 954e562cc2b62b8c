"""What ``load`` takes of a run: the averaged weights of its generator, and what they are of."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from ..runs import checkpoint

AVERAGE = "ema.average."  # in the state of GANStep


@dataclass(frozen=True)
class RunSource:
    """A checkpoint as it was read.

    Attributes:
        checkpoint: the file.
        config: composed, as the run used it.
        metadata: what an export says of itself, as plain values; commit and command are those of the run's last start.
        weights: of the average of the generator.
    """

    checkpoint: Path
    config: DictConfig
    metadata: dict[str, Any]
    weights: dict[str, Tensor]


def read_run_source(run: Path) -> RunSource:
    """Read a run.

    Args:
        run: its folder, of which ``best.ckpt`` is taken, or else ``last.ckpt``; or a checkpoint itself.

    Raises:
        ValueError: naming the path, if there is no run or no checkpoint, or it is damaged.
        OSError: if the checkpoint cannot be opened.
    """
    path = _checkpoint_of(run)
    state = checkpoint.load(path)
    try:
        config = cast(DictConfig, OmegaConf.create(state["config"]))
        seen = state["gan_step"]["progress._extra_state"]["images_seen"]
        metadata = _metadata(config, seen, path.with_name("run.json"))
    except (KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"{path} is no whole checkpoint of pscgan: it has no {error}") from error
    weights = {
        name.removeprefix(AVERAGE): tensor for name, tensor in state["gan_step"].items() if name.startswith(AVERAGE)
    }
    return RunSource(path, config, metadata, weights)


def _checkpoint_of(run: Path) -> Path:
    if not run.is_dir():
        return run
    for name in ("best.ckpt", "last.ckpt"):
        if (run / name).is_file():
            return run / name
    raise ValueError(f"{run} has no checkpoint yet; the first one is written after checkpoint_every_images images")


def _metadata(config: DictConfig, images_seen: int, starts_file: Path) -> dict[str, Any]:
    starts = json.loads(starts_file.read_text()) if starts_file.exists() else []
    last = (starts or [{}])[-1]
    return {
        "name": str(config.name),
        "generator": OmegaConf.to_container(config.generator, resolve=True),
        "degradation": OmegaConf.to_container(config.degradation, resolve=True),
        "image_channels": int(config.dataset.channels),
        "images_seen": images_seen,
        "seed": config.seed,
        "commit": last.get("commit"),
        "command": _without_paths(last.get("command"), config.dataset),
        "feature_networks": sorted({network for start in starts for network in start.get("feature_networks", [])}),
    }


def _without_paths(command: str | None, dataset: DictConfig) -> str | None:
    """The images are named, not where they lie; of nested roots the longer path first."""
    roots = [str(dataset[key]) for key in ("root", "recorded") if dataset.get(key)]
    for root in sorted(roots if command else [], key=len, reverse=True):
        command = str(command).replace(root, root.rstrip("/").rpartition("/")[2])
    return command
