"""What a run has learned: its averaged generator, ready to sample."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch import nn

from ...data.degradation import Degradation, network_channels
from ...models.generator import Generator
from ...rng import Rng
from ..runs import checkpoint
from .load import SEAMS, check_exportable

AVERAGE = "ema.average."  # of a game's state


@dataclass(frozen=True)
class Trained:
    """The average of a run's generator, in evaluation mode and without gradients, and what it was trained on.

    Attributes:
        generator: on ``device``.
        degradation: as the run had it.
        config: composed, as the run used it.
        checkpoint: the file the weights are from.
        images_seen: by the run when it was written.
        device: of the weights.
    """

    generator: Generator
    degradation: Degradation
    config: DictConfig
    checkpoint: Path
    images_seen: int
    device: torch.device

    @property
    def image_channels(self) -> int:
        """3 for colour, 1 for grey."""
        return int(self.config.dataset.channels)

    @property
    def stochastic(self) -> bool:
        """Whether samples differ with z; a deterministic restorer has one."""
        return bool(self.generator.draw_latent(1, 1, 1, Rng(0, "latent", [0])))

    @property
    def starts(self) -> list[dict[str, Any]]:
        """What each start of the run was made with, from the run.json beside the checkpoint; none without one."""
        path = self.checkpoint.parent / "run.json"
        return cast(list[dict[str, Any]], json.loads(path.read_text())) if path.exists() else []

    @property
    def networks(self) -> tuple[str, ...]:
        """Identities of the frozen networks it was trained with."""
        return tuple(sorted({network for start in self.starts for network in start.get("feature_networks", [])}))


def load_trained(run: Path, device: torch.device | str = "cpu", only_ours: bool = False) -> Trained:
    """Build generator and degradation of a run, and nothing else of it.

    The config names the classes that are built: unless ``only_ours``, load runs of people you trust, as you would
    import their code.

    Args:
        run: its folder, of which ``best.ckpt`` is taken, or else ``last.ckpt``; or a checkpoint itself.
        device: where the generator will work.
        only_ours: whether classes that are not of this package are refused, before anything of them is imported.

    Raises:
        ValueError: if there is no run or no checkpoint, the weights are of another architecture, or a class is refused;
            naming the path.
        OSError: if the checkpoint cannot be opened.
        hydra.errors.InstantiationException: naming the part of the config that does not fit.
    """
    path = _checkpoint_of(run)
    state = checkpoint.load(path)
    config = cast(DictConfig, OmegaConf.create(state["config"]))
    if only_ours:
        _refuse_foreign(config, path)
    with torch.random.fork_rng(devices=[]):  # initial weights are drawn, and replaced
        degradation = instantiate(config.degradation)
        generator = instantiate(config.generator, **network_channels(config.dataset.channels, degradation))
    return Trained(
        generator=_with_average(generator, state["game"], path).to(device),
        degradation=degradation,
        config=config,
        checkpoint=path,
        images_seen=state["game"]["clock._extra_state"]["images_seen"],
        device=torch.device(device),
    )


def _refuse_foreign(config: DictConfig, path: Path) -> None:
    try:
        generator, degradation = (OmegaConf.to_container(config[name], resolve=True) for name in SEAMS)
        check_exportable(generator, degradation)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _checkpoint_of(run: Path) -> Path:
    if run.is_file():
        return run
    if not (run / "config.yaml").is_file():
        raise ValueError(f"{run} holds no run of pscgan; allowed is a folder that pscgan train wrote, or a .ckpt in it")
    for name in ("best.ckpt", "last.ckpt"):
        if (run / name).is_file():
            return run / name
    raise ValueError(f"{run} has no checkpoint yet; the first one is written after checkpoint_every_images images")


def _with_average(generator: nn.Module, game: dict[str, Any], path: Path) -> Any:
    found = {name: tensor for name, tensor in game.items() if name.startswith(AVERAGE)}
    checkpoint.check_same_tensors({AVERAGE + name: t for name, t in generator.state_dict().items()}, found, path)
    generator.load_state_dict({name.removeprefix(AVERAGE): tensor for name, tensor in found.items()})
    return generator.eval().requires_grad_(False)
