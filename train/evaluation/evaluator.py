"""The work: every restorer draws samples of every measurement, and what is found of an image is kept."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ...data.evaluation_set import EvaluationSet
from ...data.measurement import concatenate
from ...models.features.extractors import Extractor
from ..runs.atomic_write import atomic_write
from .dataset import EvaluationDataset, EvaluationItem, pixels_hash
from .methods import Method
from .metric_suite import MetricSuite
from .robustness_eval import Audits
from .temperature_sweep import Traversal
from .visuals import show, show_problem, tiles

CLEAN, REFERENCE = ".clean", ".reference"
FEATURE_SAMPLES = 2  # of each image whose features are kept: the second is what the first is compared with


@dataclass(frozen=True)
class Settings:
    """How restorers are judged.

    Attributes:
        samples: K of a stochastic restorer.
        seed: of the latents.
        batch: images of one size restored at once.
        num_workers: processes that read images.
        shown: of the first so many images pictures are kept.
        shown_crop: side of these pictures.
        shown_samples: of each.
        feature_tile: side of the tiles whose features are compared; None for whole images.
        device: where restorers work.
    """

    samples: int
    seed: int
    batch: int
    num_workers: int
    shown: int
    shown_crop: int
    shown_samples: int
    feature_tile: int | None
    device: torch.device


class Evaluator:
    """Puts all problems before all contestants.

    Args:
        problems: what is restored.
        contestants: by whom.
        panels: the metrics of each, by name.
        traversal: what is drawn at other scales of z.
        audits: attacks that each is exposed to.
        extractors: of features, by name.
        folder: of the evaluation.
        settings: how.
    """

    def __init__(
        self,
        problems: EvaluationDataset,
        contestants: Sequence[Method],
        panels: Mapping[str, MetricSuite],
        traversal: Traversal,
        audits: Audits,
        extractors: Mapping[str, Extractor],
        folder: Path,
        settings: Settings,
    ) -> None:
        self.problems, self.contestants, self.panels = problems, contestants, panels
        self.traversal, self.audits, self.extractors = traversal, audits, extractors
        self.folder, self.settings = folder, settings

    def records(self, name: str) -> Records:
        """Of a contestant, or of the images themselves by the name ``CLEAN``."""
        return Records(self.folder / "records" / name)

    def sizes(self, count: int) -> str:
        """Of all images in words, as "3 of 427 x 640"."""
        sizes = Counter(tuple(self.records(CLEAN).read(number)["size"].tolist()) for number in range(count))
        return ", ".join(f"{times} of {height} x {width}" for (height, width), times in sizes.most_common())

    def work(self, numbers: Sequence[int], step: Callable[[], None]) -> None:
        """All that is not done yet of these problems; ``step`` is called for each image and contestant.

        Raises:
            ValueError: naming image and restorer, if a restoration is no finite image of its size.
        """
        names = [CLEAN, *(contestant.name for contestant in self.contestants)]
        waiting = [n for n in numbers if not all(self.records(name).has(n) for name in names)]
        for _ in range((len(numbers) - len(waiting)) * len(self.contestants)):
            step()
        for problems in _batches(self.problems.read(waiting, self.settings.num_workers), self.settings.batch):
            problems = [problem.to(self.settings.device) for problem in problems]
            for problem in problems:
                self._look_at(problem)
            for contestant in self.contestants:
                records = self.records(contestant.name)
                self._judge(contestant, [problem for problem in problems if not records.has(problem.number)])
                for _ in problems:
                    step()

    def look_at_references(self, images: EvaluationSet, numbers: Sequence[int]) -> None:
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

    def _look_at(self, problem: EvaluationItem) -> None:
        """Features of x and y, and what tells equal images."""
        if self.records(CLEAN).has(problem.number):
            return
        size = torch.tensor(problem.clean.shape[-2:])
        record: Record = {"hash": torch.tensor(pixels_hash(problem.clean)), "size": size}
        record |= self._features("clean", problem.clean) | self._features("degraded", problem.measurement.degraded)
        if problem.number < self.settings.shown:
            show_problem(self.folder / "pictures" / str(problem.number), problem, self.settings.shown_crop)
        self.records(CLEAN).write(problem.number, record)

    def _judge(self, contestant: Method, problems: Sequence[EvaluationItem]) -> None:
        if not problems:
            return
        drawn, seconds = self._draw(contestant, problems)
        for place, problem in enumerate(problems):
            samples = drawn[:, place : place + 1]
            _require_images(samples, contestant.name, problem)
            panel, known = self.panels[contestant.name], (problem.clean, problem.measurement)
            start = time.perf_counter()
            record: Record = dict(panel.states_of(samples, *known))
            judged = time.perf_counter()
            record |= panel.states_of(samples, *known, learned=True)
            record |= self._features("samples", samples[:FEATURE_SAMPLES].flatten(0, 1), len(samples[:FEATURE_SAMPLES]))
            looked = time.perf_counter()
            restorer = contestant.restorer
            record |= self.traversal.states_of(restorer, problem.number, problem.clean, problem.measurement)
            record |= self.audits.states_of(restorer, problem.number, problem.images)
            times = [seconds / len(problems), judged - start, looked - judged, time.perf_counter() - looked]
            record["seconds"] = torch.tensor([*times, float(len(samples))], dtype=torch.float64)
            if problem.number < self.settings.shown:
                folder = self.folder / "pictures" / str(problem.number) / contestant.name
                show(folder, samples[:, 0], self.settings.shown_crop, self.settings.shown_samples)
            self.records(contestant.name).write(problem.number, record)

    @torch.no_grad()
    def _draw(self, contestant: Method, problems: Sequence[EvaluationItem]) -> tuple[Tensor, float]:
        """(K, B, C, H, W), and what it took."""
        measurement = concatenate([problem.measurement for problem in problems])
        seeds = [self.settings.seed + problem.number for problem in problems]
        start = time.perf_counter()
        count = self.settings.samples if contestant.restorer.stochastic else 1
        samples = contestant.restorer.restore(measurement, count, seeds)
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


def _batches(problems: Iterable[EvaluationItem], size: int) -> Iterator[list[EvaluationItem]]:
    """Neighbours of one size, at most so many."""
    batch: list[EvaluationItem] = []
    for problem in problems:
        if batch and (len(batch) == size or batch[0].clean.shape != problem.clean.shape):
            yield batch
            batch = []
        batch.append(problem)
    if batch:
        yield batch


def _require_images(samples: Tensor, name: str, problem: EvaluationItem) -> None:
    if samples.shape[1:] != problem.clean.shape:
        allowed = ", ".join(map(str, problem.clean.shape))
        raise ValueError(f"{name} gives {tuple(samples.shape)} for {problem.name}; allowed is (K, {allowed})")
    if not samples.isfinite().all():
        raise ValueError(f"{name} gives values that are not finite for {problem.name}; allowed are images about [0, 1]")


Record = dict[str, Tensor]
"""Parts of sums, features and times of one image."""


class Records:
    """The files of one restorer.

    Args:
        folder: theirs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, number: int) -> bool:
        """Whether an image is done."""
        return self._path(number).exists()

    def write(self, number: int, record: Record) -> None:
        """Keep what was found of an image; the file is there whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        atomic_write(self._path(number), save({name: value.cpu().contiguous() for name, value in record.items()}))

    def read(self, number: int) -> Record:
        """What was found of an image.

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
