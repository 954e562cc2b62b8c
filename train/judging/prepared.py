"""An evaluation as its config says: everything that is judged, by what, on what."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torchmetrics import Metric

from ...bounds import require_at_least
from ...data.degradation import Recording
from ...data.degradations.gaussian_noise import GaussianNoise
from ...data.pair_source import require_pairs
from .. import ranks
from ..launch import on_gpu
from ..metrics.patch_law import PatchLaw
from ..metrics.perceptual import Perceptual
from ..metrics.remainder import Remainder
from ..provenance import provenance
from ..user_errors import user_error
from ..whole_file import write_whole
from .audits import Audits
from .contestants import Contestant, Entries
from .folder import EvaluationFolder
from .image_sets import ImageSets
from .intervals import CONFIDENCE
from .judge import Judge, Settings
from .own_judges import judges_itself
from .panel import Panel
from .problems import Problems, open_degradation, open_images, open_reference
from .restorer import Degraded
from .summary import Summary
from .traversal import Traversal

COUNTS = {
    "samples": 1,
    "sigma_z_images": 0,
    "bootstrap": 0,
    "batch": 1,
    "num_workers": 0,
    "shown": 0,
    "shown_crop": 16,
    "shown_samples": 1,
}


class Prepared:
    """Everything an evaluation needs, built before the first image is read.

    Args:
        config: composed.
    """

    def __init__(self, config: DictConfig) -> None:
        _require_counts(config)
        self.config, self.device = config, _device(config)
        entries = Entries(OmegaConf.to_container(config)["restorers"], self.device)  # type: ignore[index, call-overload]
        self.degradation, self.degradation_words = open_degradation(config, entries.first_degradation)
        images = open_images(config, entries.first_run, entries.first_channels)
        require_pairs(images.source, self.degradation)
        self.names, self.root = images.names, str(images.source.root)
        self.left_out: dict[str, str] = {}
        if isinstance(self.degradation, Recording):
            self.left_out["residual"] = "y was recorded, and what turns x into y is not known"
        self.extractors = self._available(config.extractor, "features of")
        self.perceptual = self._available(config.perceptual, "perceptual distance")
        contestants = entries.contestants(self.degradation)
        if not config.allow_own_network:
            _require_other_networks(contestants, self.extractors)
        self.folder = EvaluationFolder(config, entries.weights)
        self.judge = Judge(
            Problems(images, self.degradation, config.seed),
            contestants,
            {contestant.name: self._panel(contestant) for contestant in contestants},
            Traversal(list(config.sigma_z), config.sigma_z_images, config.seed),
            self._audits(),
            self.extractors,
            self.folder.path,
            self._settings(),
        )
        self.references = open_reference(config, images.source.channels) if self.extractors else None
        self._own = range(ranks.rank(), len(self.names), ranks.size())

    @property
    def steps(self) -> int:
        """Images that this rank looks at, once for each restorer."""
        return len(self._own) * len(self.judge.contestants)

    def begin(self) -> None:
        """Write the config; say what is left out."""
        if ranks.rank() == 0:
            self.folder.begin()
            for figure, why in self.left_out.items():
                print(f"left out: {figure}: {why}", file=sys.stderr)

    def work(self, step: Callable[[], None]) -> None:
        """This rank's share of the images, and of the reference."""
        self.judge.work(self._own, step)
        if self.references is not None:
            self.judge.look_at_references(self.references, range(ranks.rank(), len(self.references), ranks.size()))

    def finish(self) -> None:
        """Write ``result.json``."""
        count = 0 if self.references is None else len(self.references)
        references = {name: self.judge.reference_features(name, count) for name in self.extractors}
        sets = ImageSets(references, self.config.conditional_dimensions)
        identities = {name: distance.identity for name, distance in self.perceptual.items()}
        summary = Summary(self.judge, self.names, self.config.bootstrap, sets, identities).result()
        left_out = self.left_out | sets.left_out | self.judge.audits.left_out
        result = {
            **summary,
            "title": self.folder.path.name,
            "protocol": self._protocol(),
            "left_out": [{"figure": figure, "why": why} for figure, why in left_out.items()],
            "provenance": provenance(),
        }
        write_whole(self.folder.path / "result.json", f"{json.dumps(result, indent=1)}\n".encode())

    def _panel(self, contestant: Contestant) -> Panel:
        count = self.config.samples if contestant.restorer.stochastic else 1
        further: dict[str, Metric] = {"patch_law": PatchLaw(count)}
        further |= {f"perceptual {name}": Perceptual(distance, name) for name, distance in self.perceptual.items()}
        if isinstance(self.degradation, GaussianNoise) and not isinstance(contestant.restorer, Degraded):
            further["remainder"] = Remainder()
        return Panel(self.degradation, count, further, heavy=["patch_law"])

    def _audits(self) -> Audits:
        audit = self.config.audit
        return Audits(
            {str(name): instantiate(attack) for name, attack in (self.config.attack or {}).items()},
            list(audit.ai_psnr),
            self.degradation,
            audit.crop,
            audit.images,
            audit.samples,
            self.config.seed,
        )

    def _settings(self) -> Settings:
        names = ("samples", "seed", "batch", "num_workers", "shown", "shown_crop", "shown_samples", "feature_tile")
        return Settings(**{name: self.config[name] for name in names}, device=self.device)

    def _available(self, group: DictConfig | None, what: str) -> dict[str, Any]:
        """Those that can be built; of the others it is kept why not."""
        built = {}
        for key, node in (group or {}).items():
            name = str(key)
            try:
                built[name] = instantiate(node).to(self.device)
            except InstantiationException as error:
                self.left_out[f"{what} {name}"] = user_error(error) or str(error)
        return built

    def _protocol(self) -> dict[str, Any]:
        config = self.config
        return {
            "images": len(self.names),
            "names": list(self.names),
            "root": self.root,
            "samples": config.samples,
            "seed": config.seed,
            "degradation_words": self.degradation_words,
            "sizes": self.judge.sizes(len(self.names)),
            "bootstrap": config.bootstrap,
            "confidence": CONFIDENCE,
            "extractors": [extractor.identity for extractor in self.extractors.values()],
            "perceptual": [distance.identity for distance in self.perceptual.values()],
            "features of": "whole images" if config.feature_tile is None else f"tiles of {config.feature_tile} pixels",
            "reference": "the other half of the images" if self.references is None else str(config.reference.root),
        }


def _device(config: DictConfig) -> torch.device:
    return torch.device("cuda", torch.cuda.current_device()) if on_gpu(config) else torch.device("cpu")


def _require_counts(config: DictConfig) -> None:
    for name, least in COUNTS.items():
        if not isinstance(config[name], int) or config[name] < least:
            raise ValueError(f"{name} is {config[name]}; allowed is a whole number of at least {least}")
    for name, value in config.audit.items():
        require_at_least(1, **{f"audit.{name}": value} if name != "ai_psnr" else {})


def _require_other_networks(contestants: Sequence[Contestant], judges: Mapping[str, Any]) -> None:
    for contestant in contestants:
        for name, judge in judges.items():
            if judges_itself(judge.identity, contestant.networks):
                raise ValueError(
                    f"{name} was in the training of {contestant.name}, and would judge what it has taught; choose "
                    "another extractor, or allow_own_network=true"
                )
