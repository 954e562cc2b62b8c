"""What methods are evaluated on: measurements whose clean images are known."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Literal

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch import Tensor
from torch.utils.data import Dataset

from ...checks import require_at_least
from ...data.degradation import Degradation, measure
from ...data.evaluation_set import EvaluationSet
from ...data.loader import Loader
from ...data.measurement import Measurement
from ...data.sources.image_source import ImageSource
from ...data.sources.pairs import open_source
from ...data.splits import split
from ...rng import Rng
from ..inference.load_run import RunSource
from ..inference.sampler import LoadedSampler
from ..runs.image_names import difference
from ..runs.provenance import describe_config

SPLITS = ("test", "validation")
SELECTION = "validation (used for model selection)"
STREAM = "test measurement"  # other noise than that of a run's validation, which has chosen the checkpoint


@dataclass(frozen=True)
class EvaluationItem:
    """One image and its measurement.

    Attributes:
        number: place in the set.
        name: of the file.
        images: (1, C, H, W) in [0, 1], 2C of a pair: what the other two are made of.
        clean: (1, C, H, W) in [0, 1].
        measurement: of it.
    """

    number: int
    name: str
    images: Tensor
    clean: Tensor
    measurement: Measurement

    def to(self, device: torch.device) -> EvaluationItem:
        """The same on another device."""
        images = self.images.to(device)
        clean = images if self.clean is self.images else self.clean.to(device)
        return replace(self, images=images, clean=clean, measurement=self.measurement.to(device))


@dataclass(frozen=True)
class ImageChoice:
    """Types of ``images`` and ``reference`` in the config of an evaluation."""

    root: str | None = None
    recorded: str | None = None
    split: Literal["test", "validation"] = "test"
    include: Sequence[str] | None = None
    limit: int | None = None
    crop: int | None = None
    resize: int | None = None
    channels: int | None = None


class EvaluationDataset:
    """Images and a degradation. Measurement i is a function of (seed, i) alone.

    Args:
        images: items as ``EvaluationSet`` gives them.
        degradation: of the images.
        seed: of the measurements.
    """

    def __init__(self, images: Dataset[dict[str, Any]], degradation: Degradation, seed: int) -> None:
        self.images, self.degradation, self.seed = images, degradation, seed

    def read(self, numbers: Sequence[int], num_workers: int = 0) -> Iterator[EvaluationItem]:
        """The items with these numbers, in their order.

        Raises:
            ValueError: naming the file that cannot be read.
        """
        for item in Loader(self.images, numbers, 1, num_workers):
            images, number = item["clean"].float() / 255, int(item["number"])
            clean, measurement = measure(self.degradation, images, Rng(self.seed, STREAM, [number]))
            yield EvaluationItem(number, item["name"][0], images, clean, measurement)


def open_images(
    config: DictConfig, run: RunSource | None, first: LoadedSampler | None
) -> tuple[EvaluationSet, str | None]:
    """The images of ``config.images``, or those a run has held out where no root is given; and of which split.

    Args:
        config: of the evaluation.
        run: the first that is evaluated, if there is one.
        first: model that is evaluated, if there is one.

    Raises:
        ValueError: if there are no images, those a run has held out are others since, or a value is out of range.
    """
    images = config.images
    if images.root is not None:
        channels = images.channels or (3 if first is None else first.image_channels)
        source = open_source(images.root, channels, images.resize, images.recorded)
        return _selected(EvaluationSet(source, source.names, images.crop), images), None
    if run is None:
        raise ValueError("images.root must be a folder, archive, shards or hf:NAME where no run is evaluated, got null")
    for name in ("resize", "channels", "recorded"):
        if images[name] is not None:
            raise ValueError(f"images.{name} is the run's where images.root is null, got {images[name]}; give the root")
    held_out, split_name = _held_out(images.split, run)
    return _selected(held_out, images), split_name


def open_reference(config: DictConfig, channels: int) -> EvaluationSet | None:
    """The images of ``config.reference``, or None."""
    reference = config.reference
    if reference.root is None:
        return None
    source = ImageSource(reference.root, channels, reference.resize)
    if reference.limit is not None:
        require_at_least(1, **{"reference.limit": reference.limit})
    return EvaluationSet(source, source.names[: reference.limit], config.images.crop)


def _held_out(name: str, run: RunSource) -> tuple[EvaluationSet, str]:
    """Those of a split; where a run has no test images, those of its validation, and it says so."""
    if name not in SPLITS:
        raise ValueError(f"images.split must be {' or '.join(SPLITS)}, got {name}")
    dataset = run.config.dataset
    source = open_source(dataset.root, dataset.channels, dataset.resize, dataset.get("recorded"))
    parts = split(source.names, dataset.validation, dataset.test)
    is_test = name == "test" and bool(parts.test)
    part = "test" if is_test else "validation"
    names, folder = getattr(parts, part), run.checkpoint.parent
    if changed := difference(folder, part, names):
        raise ValueError(f"{part} images of {folder} are others since ({changed}); give images.root to take those")
    images = EvaluationSet(source, names, dataset.evaluation_crop)
    return images, "test" if is_test else SELECTION


def _selected(images: EvaluationSet, chosen: DictConfig) -> EvaluationSet:
    """Those whose name matches ``include``, the first ``limit`` of them, in the crop that is asked for."""
    names = list(images.names)
    if chosen.include is not None:
        names = [name for name in names if any(fnmatchcase(name, pattern) for pattern in chosen.include)]
    if chosen.limit is not None:
        require_at_least(1, **{"images.limit": chosen.limit})
        names = names[: chosen.limit]
    if not names:
        raise ValueError(f"no image of {images.source.root} is left by images.include={chosen.include}")
    selected = EvaluationSet(images.source, names, chosen.crop or images.crop)
    selected.check_sizes()
    return selected


def open_degradation(config: DictConfig, first: LoadedSampler | None) -> tuple[Degradation, str]:
    """The degradation of the evaluation, or else that of the first run or export, and its name with its arguments.

    Raises:
        ValueError: if there is none.
    """
    chosen = config.degradation
    if chosen is None:
        if first is None:
            raise ValueError("degradation must be chosen where no model is evaluated, as degradation=gaussian_noise")
        chosen = OmegaConf.create(first.metadata["degradation"])
    OmegaConf.resolve(chosen)
    return instantiate(chosen), describe_config(chosen)


def pixels_hash(clean: Tensor) -> int:
    """Equal for equal images, of 32 bits."""
    return zlib.crc32((255 * clean).round().byte().cpu().contiguous().numpy().tobytes())
