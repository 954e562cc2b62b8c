"""An evaluation as its config says: what is evaluated, by which metrics, on what."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.progress import Progress
from torchmetrics import Metric

from ...checks import whole_number
from ...data.degradation import Degradation, PairedDegradation
from ...data.degradations.gaussian_noise import GaussianNoise
from ...data.evaluation_set import EvaluationSet
from ...data.sources.pairs import require_pairs
from ...precision import plain_defaults
from ..distributed import collectives
from ..distributed.launch import on_gpu, process_group, processes, start
from ..metrics.patch_distribution import PatchDistribution
from ..metrics.perceptual import Perceptual
from ..metrics.residual_noise import ResidualNoise
from ..metrics.tweedie import Tweedie
from ..runs.atomic_write import atomic_write
from ..runs.cli_errors import user_error
from ..runs.folder import CONFIG, changed_keys, claim_folder, lock_folder
from ..runs.provenance import provenance
from .curves import curves
from .dataset import EvaluationDataset, open_degradation, open_images, open_reference
from .diagnosis import caveats, diagnose
from .evaluator import CLEAN, Evaluator, Settings
from .methods import Degraded, Method, Methods, training_overlap
from .metric_suite import MetricSuite
from .results import EvaluationResult, LeftOut, MethodEntry, Visual
from .robustness_eval import RobustnessEval
from .statistics import CONFIDENCE
from .summary import MethodResults, Summary, summarise
from .temperature_sweep import TemperatureSweep

# config keys that do not change a number
SAME_RESULT = ("folder", "name", "batch", "samples_per_pass", "num_workers", "trainer.")


@dataclass(frozen=True)
class EvaluationSetup:
    """Everything that an evaluation needs, built before the first image is restored.

    Attributes:
        config: composed.
        stored: what ``config.yaml`` of the folder holds.
        evaluator: with methods, metrics and data.
        images: of the evaluation.
        references: clean images that distributions are compared with; None for the other half of the images.
        protocol: how the numbers come about, for the report.
        perceptual: identities of perceptual distances, by name.
        left_out: metric and reason.
    """

    config: DictConfig
    stored: dict[str, Any]
    evaluator: Evaluator
    images: EvaluationSet
    references: EvaluationSet | None
    protocol: dict[str, Any]
    perceptual: dict[str, str]
    left_out: dict[str, str]


def build(config: DictConfig) -> EvaluationSetup:
    """Open models and images, and build metrics; nothing is written.

    Raises:
        ValueError: naming what does not make sense, or the folder if it belongs to another evaluation.
    """
    whole_number("bootstrap", config.bootstrap, 0)
    whole_number("sigma_z_images", config.sigma_z_images, 0)
    whole_number("tweedie_samples", config.tweedie_samples, 0)
    device = torch.device("cuda", torch.cuda.current_device()) if on_gpu(config) else torch.device("cpu")
    values: Any = OmegaConf.to_container(config, resolve=True)
    opened = Methods(values["methods"], device, config.samples_per_pass, values["denoiser"])
    degradation, described = open_degradation(config, opened.first)
    images, split = open_images(config, opened.first_run, opened.first)
    require_pairs(images.source, degradation)
    left_out: dict[str, str] = {}
    if isinstance(degradation, PairedDegradation):
        left_out["residual"] = "y was recorded, and what turns x into y is not known"
    if config.tweedie_samples and not isinstance(degradation, GaussianNoise):
        left_out["tweedie"] = "the noise is not white Gaussian of a known sigma"
    extractors = _instantiated(config.extractor, "features of", device, left_out)
    perceptual = _instantiated(config.perceptual, "perceptual distance", device, left_out)
    methods = opened.build(degradation)
    if not config.allow_training_overlap:
        _require_other_networks(methods, extractors)
    stored: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    networks = sorted(network.identity for network in (*extractors.values(), *perceptual.values()))
    stored |= {"weights": dict(opened.weights), "image_digest": images.digest(), "networks": networks}
    _check_folder(Path(config.folder), stored)
    attacks, of = {str(name): instantiate(attack) for name, attack in (config.attack or {}).items()}, config.robustness
    settings = {name: config[name] for name in Settings.__dataclass_fields__.keys() - {"device"}}
    evaluator = Evaluator(
        EvaluationDataset(images, degradation, config.seed),
        methods,
        {method.name: _metrics(method, degradation, config, perceptual) for method in methods},
        TemperatureSweep(list(config.sigma_z), config.sigma_z_images, config.seed, list(config.alpha)),
        RobustnessEval(attacks, list(of.ai_psnr), degradation, of.crop, of.images, of.samples, config.seed),
        extractors,
        Path(config.folder),
        Settings(**settings, device=device),
    )
    references = open_reference(config, images.source.channels) if extractors else None
    protocol = {
        "images": len(images.names),
        "split": split,
        "names": list(images.names),
        "root": str(images.source.root),
        "samples": config.samples,
        "seed": config.seed,
        "sample_seeds": "seed + number of the image",
        "degradation": described,
        "bootstrap": config.bootstrap,
        "confidence": CONFIDENCE,
        "extractors": [extractor.identity for extractor in extractors.values()],
        "perceptual": [distance.identity for distance in perceptual.values()],
        "features of": "whole images" if config.feature_tile is None else f"tiles of {config.feature_tile} pixels",
        "reference": "the other half of the images" if references is None else str(config.reference.root),
    }
    identities = {name: distance.identity for name, distance in perceptual.items()}
    return EvaluationSetup(config, stored, evaluator, images, references, protocol, identities, left_out)


def _instantiated(
    group: DictConfig | None, what: str, device: torch.device, left_out: dict[str, str]
) -> dict[str, Any]:
    """Those that can be built; of the others ``left_out`` says why not."""
    built = {}
    for name, node in ((str(key), node) for key, node in (group or {}).items()):
        try:
            built[name] = instantiate(node).to(device)
        except InstantiationException as error:
            left_out[f"{what} {name}"] = user_error(error) or str(error)
    return built


def _require_other_networks(methods: Sequence[Method], extractors: Mapping[str, Any]) -> None:
    for method in methods:
        for name, extractor in extractors.items():
            if training_overlap(extractor.identity, method.networks):
                raise ValueError(
                    f"{name} was in the training of {method.name}, and would score what it has taught; choose another "
                    "extractor, or allow_training_overlap=true"
                )


def _check_folder(folder: Path, stored: dict[str, Any]) -> None:
    """A run that has gone on since is another method: the weights are part of what is stored."""
    if claim_folder(folder, "evaluation"):
        changed = changed_keys(folder, stored, SAME_RESULT)
        if changed:
            lines = "; ".join(list(changed.values())[:3])
            raise ValueError(f"{folder} holds another evaluation ({lines}); choose another name=...")


def _metrics(method: Method, degradation: Degradation, config: DictConfig, perceptual: dict[str, Any]) -> MetricSuite:
    count = config.samples if method.restorer.stochastic else 1
    further: dict[str, Metric] = {"patch_distribution": PatchDistribution(count)}
    further |= {f"perceptual {name}": Perceptual(distance, name) for name, distance in perceptual.items()}
    if isinstance(degradation, GaussianNoise) and not isinstance(method.restorer, Degraded):
        further["residual_noise"] = ResidualNoise()
        if config.tweedie_samples:
            further["tweedie"] = Tweedie(method.restorer.restore, min(count, config.tweedie_samples))
    return MetricSuite(degradation, count, further, heavy=["patch_distribution"])


@plain_defaults()
def evaluate(config: DictConfig) -> Path | None:
    """Evaluate, or go on with it, and write ``result.json``; its folder, or None in a process of another rank than 0.

    Raises:
        ValueError: if the config does not make sense, or the folder belongs to another one.
    """
    count = processes(config)
    if count > 1:
        start(evaluate_on_rank, config, count)
        return Path(config.folder)
    return Path(config.folder) if evaluate_on_rank(config) else None


def evaluate_on_rank(config: DictConfig) -> bool:
    """The part of one process: of R ranks each takes every R-th image, and rank 0 sums up; whether this is rank 0."""
    with process_group(on_gpu(config)):
        setup = collectives.run_on_all_ranks(lambda: build(config))
        with collectives.enter_on_rank_zero(lock_folder(setup.evaluator.folder)):
            if collectives.rank() == 0:
                _begin(setup)
            collectives.run_on_all_ranks(lambda: _work(setup))
            if collectives.rank() == 0:
                _result(setup).write(setup.evaluator.folder)
        return collectives.rank() == 0


def _begin(setup: EvaluationSetup) -> None:
    """Write the config, by which the same command knows its folder again; say what is left out."""
    path = setup.evaluator.folder / CONFIG
    if not path.exists():
        atomic_write(path, OmegaConf.to_yaml(OmegaConf.create(setup.stored)))
    for metric, reason in setup.left_out.items():
        print(f"left out: {metric}: {reason}", file=sys.stderr)


def _work(setup: EvaluationSetup) -> None:
    """This rank's share of the images, and of the reference."""
    rank, ranks = collectives.rank(), collectives.world_size()
    own = range(rank, len(setup.images.names), ranks)
    with _progress(len(own) * len(setup.evaluator.methods)) as step:
        setup.evaluator.work(own, step)
    if setup.references is not None:
        setup.evaluator.record_references(setup.references, range(rank, len(setup.references), ranks))


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal; yields what moves it on."""
    console = Console(stderr=True)
    bar = Progress(console=console, disable=not console.is_terminal or collectives.rank() > 0, transient=True)
    with bar:
        task = bar.add_task("images", total=total)
        yield lambda: bar.advance(task)


def _result(setup: EvaluationSetup) -> EvaluationResult:
    evaluator, config, names = setup.evaluator, setup.config, list(setup.images.names)
    count = 0 if setup.references is None else len(setup.references)
    references = {name: evaluator.reference_features(name, count) for name in evaluator.extractors}
    summary = summarise(
        evaluator, setup.perceptual, references, len(names), config.bootstrap, config.conditional_dimensions
    )
    protocol = setup.protocol | {"sizes": evaluator.sizes(len(names))}
    return to_result(evaluator, summary, evaluator.folder.name, protocol, names, setup.left_out)


def to_result(
    evaluator: Evaluator,
    summary: Summary,
    title: str,
    protocol: dict[str, Any],
    names: Sequence[str],
    left_out: Mapping[str, str],
) -> EvaluationResult:
    """The summary as ``result.json`` has it, with the diagnosis of each method."""
    clean = [evaluator.records(CLEAN).read(number) for number in range(len(names))]

    def entry(results: MethodResults) -> MethodEntry:
        return MethodEntry(
            about=results.method.about
            | {"seconds spent": {p: round(s, 2) for p, s in results.computed["time"].items()}},
            stochastic=results.method.restorer.stochastic,
            values={spec.key: results.value(spec) for spec in summary.specs if results.shows(spec)},
            curves=curves(results),
            diagnosis=[*diagnose(results), *caveats(clean, names, protocol, results.method.about)],
        )

    return EvaluationResult(
        title=title,
        protocol=protocol,
        metrics={
            spec.key: spec.column(next(m for m in summary.methods if m.shows(spec)).computed) for spec in summary.specs
        },
        methods={results.method.name: entry(results) for results in summary.methods},
        comparison=summary.comparisons(),
        left_out=[LeftOut(metric, reason) for metric, reason in {**left_out, **summary.left_out}.items()],
        visuals=[
            Visual(name, f"visuals/{number}") for number, name in enumerate(names[: evaluator.settings.num_visualized])
        ],
        provenance=provenance(),
    )
