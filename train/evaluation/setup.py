"""An evaluation as its config says: everything that is judged, by what, on what."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.progress import Progress
from torchmetrics import Metric

from ...checks import require_at_least
from ...data.degradation import PairedDegradation
from ...data.degradations.gaussian_noise import GaussianNoise
from ...data.sources.pairs import require_pairs
from ..distributed import collectives
from ..distributed.launch import on_gpu, process_group, processes, start
from ..metrics.patch_distribution import PatchDistribution
from ..metrics.perceptual import Perceptual
from ..metrics.residual_noise import ResidualNoise
from ..runs.atomic_write import atomic_write
from ..runs.cli_errors import user_error
from ..runs.folder import FolderLock
from ..runs.provenance import provenance
from .dataset import EvaluationDataset, open_degradation, open_images, open_reference
from .evaluator import Evaluator, Settings
from .folder import EvaluationFolder
from .methods import Degraded, Method, Methods
from .metric_suite import MetricSuite
from .results import ImageSets
from .robustness_eval import Audits
from .statistics import CONFIDENCE
from .summary import Summary
from .temperature_sweep import Traversal
from .training_overlap import judges_itself

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


class EvaluationSetup:
    """Everything an evaluation needs, built before the first image is read.

    Args:
        config: composed.
    """

    def __init__(self, config: DictConfig) -> None:
        _require_counts(config)
        self.config, self.device = config, _device(config)
        entries = Methods(OmegaConf.to_container(config)["restorers"], self.device)  # type: ignore[index, call-overload]
        self.degradation, self.degradation_words = open_degradation(config, entries.first_degradation)
        images = open_images(config, entries.first_run, entries.first_channels)
        require_pairs(images.source, self.degradation)
        self.names, self.root = images.names, str(images.source.root)
        self.left_out: dict[str, str] = {}
        if isinstance(self.degradation, PairedDegradation):
            self.left_out["residual"] = "y was recorded, and what turns x into y is not known"
        self.extractors = self._available(config.extractor, "features of")
        self.perceptual = self._available(config.perceptual, "perceptual distance")
        contestants = entries.contestants(self.degradation)
        if not config.allow_own_network:
            _require_other_networks(contestants, self.extractors)
        self.folder = EvaluationFolder(config, entries.weights)
        self.judge = Evaluator(
            EvaluationDataset(images, self.degradation, config.seed),
            contestants,
            {contestant.name: self._panel(contestant) for contestant in contestants},
            Traversal(list(config.sigma_z), config.sigma_z_images, config.seed),
            self._audits(),
            self.extractors,
            self.folder.path,
            self._settings(),
        )
        self.references = open_reference(config, images.source.channels) if self.extractors else None
        self._own = range(collectives.rank(), len(self.names), collectives.world_size())

    @property
    def steps(self) -> int:
        """Images that this rank looks at, once for each restorer."""
        return len(self._own) * len(self.judge.contestants)

    def begin(self) -> None:
        """Write the config; say what is left out."""
        if collectives.rank() == 0:
            self.folder.begin()
            for figure, why in self.left_out.items():
                print(f"left out: {figure}: {why}", file=sys.stderr)

    def work(self, step: Callable[[], None]) -> None:
        """This rank's share of the images, and of the reference."""
        self.judge.work(self._own, step)
        if self.references is not None:
            self.judge.look_at_references(
                self.references, range(collectives.rank(), len(self.references), collectives.world_size())
            )

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
        atomic_write(self.folder.path / "result.json", f"{json.dumps(result, indent=1)}\n".encode())

    def _panel(self, contestant: Method) -> MetricSuite:
        count = self.config.samples if contestant.restorer.stochastic else 1
        further: dict[str, Metric] = {"patch_law": PatchDistribution(count)}
        further |= {f"perceptual {name}": Perceptual(distance, name) for name, distance in self.perceptual.items()}
        if isinstance(self.degradation, GaussianNoise) and not isinstance(contestant.restorer, Degraded):
            further["remainder"] = ResidualNoise()
        return MetricSuite(self.degradation, count, further, heavy=["patch_law"])

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
            "sample_seeds": "seed + number of the image",
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


def _require_other_networks(contestants: Sequence[Method], judges: Mapping[str, Any]) -> None:
    for contestant in contestants:
        for name, judge in judges.items():
            if judges_itself(judge.identity, contestant.networks):
                raise ValueError(
                    f"{name} was in the training of {contestant.name}, and would judge what it has taught; choose "
                    "another extractor, or allow_own_network=true"
                )


def evaluate(config: DictConfig) -> Path | None:
    """Judge, or go on with it, and write ``result.json``; its folder, or None in a process of another rank than 0.

    Raises:
        ValueError: if the config does not make sense, or the folder belongs to another one.
    """
    count = processes(config)
    if count > 1:
        start(judge_on_rank, config, count)
        return Path(config.folder)
    return Path(config.folder) if judge_on_rank(config) else None


def judge_on_rank(config: DictConfig) -> bool:
    """The part of one process: of R ranks each judges every R-th image, and rank 0 sums up; whether this is rank 0."""
    with process_group(on_gpu(config)):
        prepared = collectives.run_on_all_ranks(lambda: EvaluationSetup(config))
        with FolderLock(prepared.folder.path):
            prepared.begin()
            with _progress(prepared.steps) as step:
                collectives.run_on_all_ranks(lambda: prepared.work(step))
            if collectives.rank() == 0:
                prepared.finish()
        return collectives.rank() == 0


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal; yields what moves it on."""
    console = Console(stderr=True)
    bar = Progress(console=console, disable=not console.is_terminal or collectives.rank() > 0, transient=True)
    with bar:
        task = bar.add_task("images", total=total)
        yield lambda: bar.advance(task)
