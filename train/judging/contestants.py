"""From what a user names to restorers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch import nn

from ...data.degradation import Degradation
from ...models.feature_weights import weights_hash
from ..trained import Trained, load_trained
from .restorer import Degraded, Restorer, Sampler

DEGRADED = "degraded"
ALLOWED = f"the folder of a run, a checkpoint, {DEGRADED}, or a mapping with _target_ of a restorer"


@dataclass(frozen=True)
class Contestant:
    """A restorer and what is known of it.

    Attributes:
        name: in tables; of its records' folder as well.
        restorer: what draws.
        about: plain values for the report.
        networks: identities of the frozen networks it was trained with.
    """

    name: str
    restorer: Restorer
    about: dict[str, Any]
    networks: tuple[str, ...] = field(default=())


def named(restorers: Any) -> dict[str, Any]:
    """What the user has listed, by name: of a run its folder's, of the rest their own.

    Raises:
        ValueError: if there is none, or a name comes twice.
    """
    if isinstance(restorers, Mapping) and "_target_" not in restorers:
        found = {str(name): value for name, value in restorers.items()}
    else:
        listed = restorers if isinstance(restorers, list) else [restorers]
        names = [_own_name(value) for value in listed if value is not None]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(
                f"restorers has two of the name {twice}; give names, as restorers={{a: runs/x, b: runs/y}}"
            )
        found = dict(zip(names, listed, strict=False))
    if not found:
        raise ValueError(f"restorers is {restorers}; allowed is a list, or a mapping from names, of {ALLOWED}")
    wrong = next((name for name in found if not name or name.startswith(".") or "/" in name), None)
    if wrong is not None:
        raise ValueError(f"restorers has one named {wrong!r}; allowed is a name that can be that of a folder")
    return found


def _own_name(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("_target_", "")).rpartition(".")[2]
    return Path(str(value)).with_suffix("").name if str(value).endswith(".ckpt") else Path(str(value)).name


class Entries:
    """What a user has named, before a degradation is known: of runs also their configs, which may say it."""

    def __init__(self, restorers: Any, device: torch.device) -> None:
        self.device = device
        self.loaded: dict[str, Trained | None] = {}
        self.values = named(restorers)
        for name, value in self.values.items():
            is_run = isinstance(value, str) and value != DEGRADED
            self.loaded[name] = load_trained(Path(value).expanduser(), device) if is_run else None

    @property
    def weights(self) -> dict[str, str]:
        """Of runs, the hash of the weights that are judged."""
        return {
            name: weights_hash(cast(nn.Module, trained.generator))
            for name, trained in self.loaded.items()
            if trained is not None
        }

    @property
    def first_run(self) -> DictConfig | None:
        """Config of the first run among them."""
        return next((trained.config for trained in self.loaded.values() if trained is not None), None)

    def contestants(self, degradation: Degradation) -> list[Contestant]:
        """All, in the order they were named.

        Raises:
            ValueError: naming one that is no restorer.
        """
        return [self._contestant(name, value, degradation) for name, value in self.values.items()]

    def _contestant(self, name: str, value: Any, degradation: Degradation) -> Contestant:
        trained = self.loaded[name]
        if trained is not None:
            return Contestant(name, Sampler(trained.generator, degradation), _about(trained), _networks(trained))
        if value == DEGRADED:
            return Contestant(name, Degraded(), {"kind": DEGRADED})
        if not isinstance(value, Mapping):
            raise ValueError(f"restorers.{name} is {value}; allowed is {ALLOWED}")
        restorer = instantiate(OmegaConf.create(dict(value)))
        if not (hasattr(restorer, "draw") and hasattr(restorer, "stochastic")):
            raise ValueError(
                f"restorers.{name} is a {type(restorer).__name__}; allowed is an object with draw and stochastic, see "
                "pscgan.train.judging.restorer.Restorer"
            )
        if isinstance(restorer, nn.Module):
            restorer = restorer.to(self.device).eval()
        return Contestant(name, restorer, {"kind": "callable", **_plain(value)})


def _about(trained: Trained) -> dict[str, Any]:
    network = cast(nn.Module, trained.generator)
    return {
        "kind": "run",
        "run": str(trained.config.name),
        "checkpoint": trained.checkpoint.name,
        "images seen": trained.images_seen,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "degradation": _plain(trained.config.degradation),
        "seed": trained.config.seed,
    }


def _networks(trained: Trained) -> tuple[str, ...]:
    """From the run.json beside the checkpoint."""
    path = trained.checkpoint.parent / "run.json"
    starts = json.loads(path.read_text()) if path.exists() else []
    return tuple(sorted({network for start in starts for network in start.get("feature_networks", [])}))


def _plain(value: Any) -> dict[str, Any]:
    found = OmegaConf.to_container(OmegaConf.create(value)) if not isinstance(value, dict) else value
    assert isinstance(found, dict)
    return {str(key): entry for key, entry in found.items()}
