"""The work: every method restores every measurement, and the results of each image are kept in a file."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ...checks import whole_number
from ...data.evaluation_set import EvaluationSet
from ...data.measurement import concatenate
from ...models.features.extractors import Extractor
from ..runs.atomic_write import atomic_write
from .dataset import EvaluationDataset, EvaluationItem, pixels_hash
from .methods import Method
from .metric_suite import MetricSuite
from .robustness_eval import RobustnessEval
from .temperature_sweep import TemperatureSweep
from .visuals import tiles, write_item, write_samples

CLEAN, REFERENCE = ".clean", ".reference"
FEATURE_SAMPLES = 2  # of each image whose features are kept: the second is what the first is compared with


@dataclass(frozen=True)
class Settings:
    """How methods are evaluated.

    Attributes:
        samples: K of a stochastic method.
        seed: image n is restored with the samples of seed ``seed + n``.
        batch: images of one size restored at once.
        num_workers: processes that read images.
        num_visualized: the first so many images are written as PNG files.
        visual_crop: side of these.
        visual_samples: samples of each.
        feature_tile: side of the tiles whose features are compared; None for whole images.
        device: where methods compute.
    """

    samples: int
    seed: int
    batch: int
    num_workers: int
    num_visualized: int
    visual_crop: int
    visual_samples: int
    feature_tile: int | None
    device: torch.device

    def __post_init__(self) -> None:
        least = {"samples": 1, "batch": 1, "num_workers": 0, "num_visualized": 0, "visual_crop": 16}
        for name, minimum in (least | {"visual_samples": 1}).items():
            whole_number(name, getattr(self, name), minimum)


class Evaluator:
    """Restores all items by all methods.

    Args:
        dataset: what is restored.
        methods: by whom.
        suites: the metrics of each, by name.
        sweep: samples at other scales of z.
        robustness: attacks on y.
        extractors: of features, by name.
        folder: of the evaluation.
        settings: how.
    """

    def __init__(
        self,
        dataset: EvaluationDataset,
        methods: Sequence[Method],
        suites: Mapping[str, MetricSuite],
        sweep: TemperatureSweep,
        robustness: RobustnessEval,
        extractors: Mapping[str, Extractor],
        folder: Path,
        settings: Settings,
    ) -> None:
        self.dataset, self.methods, self.suites = dataset, methods, suites
        self.sweep, self.robustness, self.extractors = sweep, robustness, extractors
        self.folder, self.settings = folder, settings

    def records(self, name: str) -> Records:
        """Of a method, or of the images themselves by the name ``CLEAN``."""
        return Records(self.folder / "records" / name)

    def sizes(self, count: int) -> str:
        """Of all images in words, as "3 of 427 x 640"."""
        sizes = Counter(tuple(self.records(CLEAN).read(number)["size"].tolist()) for number in range(count))
        return ", ".join(f"{times} of {height} x {width}" for (height, width), times in sizes.most_common())

    def work(self, numbers: Sequence[int], step: Callable[[], None]) -> None:
        """All that is not done yet of these images; ``step`` is called for each image and method.

        Raises:
            ValueError: naming image and method, if a restoration is no finite image of its size.
        """
        names = [CLEAN, *(method.name for method in self.methods)]
        waiting = [n for n in numbers if not all(self.records(name).has(n) for name in names)]
        for _ in range((len(numbers) - len(waiting)) * len(self.methods)):
            step()
        for batch in _batches(self.dataset.read(waiting, self.settings.num_workers), self.settings.batch):
            items = [item.to(self.settings.device) for item in batch]
            for item in items:
                self._record_clean(item)
            for method in self.methods:
                records = self.records(method.name)
                self._evaluate(method, [item for item in items if not records.has(item.number)])
                for _ in items:
                    step()

    def record_references(self, images: EvaluationSet, numbers: Sequence[int]) -> None:
        """Keep the features of reference images."""
        records = self.records(REFERENCE)
        for number in numbers:
            if not records.has(number):
                clean = images[number]["clean"][None].to(self.settings.device).float() / 255
                records.write(number, self._features("reference", clean))

    def reference_features(self, extractor: str, count: int) -> Tensor | None:
        """Of all reference images, (m, d); None where there are none."""
        records = self.records(REFERENCE)
        found = [records.read(number)[f"reference.{extractor}"][0] for number in range(count)]
        return torch.cat(found) if found else None

    def _record_clean(self, item: EvaluationItem) -> None:
        """Features of x and y, and what tells equal images."""
        if self.records(CLEAN).has(item.number):
            return
        size = torch.tensor(item.clean.shape[-2:])
        record: Record = {"hash": torch.tensor(pixels_hash(item.clean)), "size": size}
        record |= self._features("clean", item.clean) | self._features("degraded", item.measurement.degraded)
        if item.number < self.settings.num_visualized:
            write_item(self._visuals(item), item, self.settings.visual_crop)
        self.records(CLEAN).write(item.number, record)

    def _evaluate(self, method: Method, items: Sequence[EvaluationItem]) -> None:
        if not items:
            return
        samples_KBCHW, seconds = self._restore(method, items)
        for place, item in enumerate(items):
            samples = samples_KBCHW[:, place : place + 1]
            _require_images(samples, method.name, item)
            record = self._score(method, item, samples, seconds / len(items))
            if item.number < self.settings.num_visualized:
                folder = self._visuals(item) / method.name
                write_samples(folder, samples[:, 0], self.settings.visual_crop, self.settings.visual_samples)
            self.records(method.name).write(item.number, record)

    def _score(self, method: Method, item: EvaluationItem, samples: Tensor, seconds: float) -> Record:
        """Parts of sums, features of the first samples, and ``seconds`` of each phase with the count of samples."""
        suite, known = self.suites[method.name], (item.clean, item.measurement)
        times = [time.perf_counter()]
        record: Record = dict(suite.states_of(samples, *known))
        times.append(time.perf_counter())
        record |= suite.states_of(samples, *known, learned=True)
        record |= self._features("samples", samples[:FEATURE_SAMPLES].flatten(0, 1), len(samples[:FEATURE_SAMPLES]))
        times.append(time.perf_counter())
        record |= self.sweep.states_of(method.restorer, item.number, *known)
        record |= self.robustness.states_of(method.restorer, item.number, item.images)
        times.append(time.perf_counter())
        spent = [seconds, *(end - start for start, end in pairwise(times)), float(len(samples))]
        return record | {"seconds": torch.tensor(spent, dtype=torch.float64)}

    def _visuals(self, item: EvaluationItem) -> Path:
        return self.folder / "visuals" / str(item.number)

    @torch.no_grad()
    def _restore(self, method: Method, items: Sequence[EvaluationItem]) -> tuple[Tensor, float]:
        """(K, B, C, H, W), and what it took."""
        measurement = concatenate([item.measurement for item in items])
        seeds = [self.settings.seed + item.number for item in items]
        start = time.perf_counter()
        count = self.settings.samples if method.restorer.stochastic else 1
        samples = method.restorer.restore(measurement, count, seeds)
        if samples.is_cuda:
            torch.cuda.synchronize(samples.device)
        return samples, time.perf_counter() - start

    @torch.no_grad()
    def _features(self, of: str, images: Tensor, count: int = 1) -> Record:
        """By extractor, (count, tiles, d)."""
        found = {}
        for name, extractor in self.extractors.items():
            vectors = extractor(tiles(images, self.settings.feature_tile))
            found[f"{of}.{name}"] = vectors.cpu().view(count, -1, extractor.dimensions)
        return found


def _batches(items: Iterable[EvaluationItem], size: int) -> Iterator[list[EvaluationItem]]:
    """Neighbours of one size, at most so many."""
    batch: list[EvaluationItem] = []
    for item in items:
        if batch and (len(batch) == size or batch[0].clean.shape != item.clean.shape):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _require_images(samples: Tensor, name: str, item: EvaluationItem) -> None:
    if samples.shape[1:] != item.clean.shape:
        raise ValueError(
            f"{name} must restore {item.name} to (K, {', '.join(map(str, item.clean.shape))}), got "
            f"{tuple(samples.shape)}"
        )
    if not samples.isfinite().all():
        raise ValueError(f"{name} must restore {item.name} to finite values")


Record = dict[str, Tensor]
"""Parts of sums, features and times of one image."""


class Records:
    """The files of one method.

    Args:
        folder: theirs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, number: int) -> bool:
        """Whether an image is done."""
        return self._path(number).exists()

    def write(self, number: int, record: Record) -> None:
        """Keep the results of an image; the file is there whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        atomic_write(self._path(number), save({name: value.cpu().contiguous() for name, value in record.items()}))

    def read(self, number: int) -> Record:
        """The results of an image.

        Raises:
            ValueError: naming a file that is damaged.
        """
        path = self._path(number)
        try:
            return load(path.read_bytes())
        except SafetensorError as error:
            raise ValueError(f"{path} is damaged; delete it, and the same command makes it again") from error

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.safetensors"
