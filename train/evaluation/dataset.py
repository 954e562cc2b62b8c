"""What restorers are judged on: measurements whose clean images are known."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

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
from ..runs.provenance import describe_config

PARTS = ("validation", "test")


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


class EvaluationDataset:
    """Images and a degradation. Measurement i is a function of (seed, i) alone, as in a validation.

    Args:
        images: items as ``EvaluationSet`` gives them.
        degradation: of the images.
        seed: of the measurements.
    """

    def __init__(self, images: Dataset[dict[str, Any]], degradation: Degradation, seed: int) -> None:
        self.images, self.degradation, self.seed = images, degradation, seed

    def read(self, numbers: Sequence[int], num_workers: int = 0) -> Iterator[EvaluationItem]:
        """The problems with these numbers, in their order.

        Raises:
            ValueError: naming the file that cannot be read.
        """
        for item in Loader(self.images, numbers, 1, num_workers):
            images, number = item["clean"].float() / 255, int(item["number"])
            clean, measurement = measure(self.degradation, images, Rng(self.seed, "evaluation", [number]))
            yield EvaluationItem(number, item["name"][0], images, clean, measurement)


def open_images(config: DictConfig, run: DictConfig | None, channels: int | None) -> EvaluationSet:
    """The images of ``config.images``; those a run has held out where no root is given.

    Args:
        config: of the evaluation.
        run: config of the first run that is judged, if there is one.
        channels: of the first run or export that is judged, if there is one.

    Raises:
        ValueError: if there are no images, or a value is out of range.
    """
    wanted = config.images
    if wanted.root is None:
        if run is None:
            raise ValueError(
                "images.root is null and no run is judged; allowed is a folder, archive, shards or hf:NAME"
            )
        for name in ("resize", "channels", "recorded"):
            if wanted[name] is not None:
                raise ValueError(
                    f"images.{name} is {wanted[name]}; it is the run's where images.root is null; give that"
                )
        return _chosen(_held_out(wanted.part, run), wanted)
    source = open_source(wanted.root, wanted.channels or channels or 3, wanted.resize, wanted.recorded)
    return _chosen(EvaluationSet(source, source.names, wanted.crop), wanted)


def open_reference(config: DictConfig, channels: int) -> EvaluationSet | None:
    """The images of ``config.reference``, or None."""
    wanted = config.reference
    if wanted.root is None:
        return None
    source = ImageSource(wanted.root, channels, wanted.resize)
    if wanted.most is not None:
        require_at_least(1, **{"reference.most": wanted.most})
    return EvaluationSet(source, source.names[: wanted.most], config.images.crop)


def _held_out(part: str, run: DictConfig) -> EvaluationSet:
    if part not in PARTS:
        raise ValueError(f"images.part is {part}; allowed is {' or '.join(PARTS)}")
    dataset = run.dataset
    source = open_source(dataset.root, dataset.channels, dataset.resize, dataset.get("recorded"))
    names = getattr(split(source.names, dataset.validation, dataset.test), part)
    return EvaluationSet(source, names, dataset.evaluation_crop)


def _chosen(images: EvaluationSet, wanted: DictConfig) -> EvaluationSet:
    """Those that the patterns match, the first so many, and the crop that is asked for."""
    names = list(images.names)
    if wanted.patterns is not None:
        names = [name for name in names if any(fnmatchcase(name, pattern) for pattern in wanted.patterns)]
    if wanted.most is not None:
        require_at_least(1, **{"images.most": wanted.most})
        names = names[: wanted.most]
    if not names:
        raise ValueError(
            f"images.part is {wanted.part} and images.patterns is {wanted.patterns}; of {images.source.root} "
            "no image is left"
        )
    chosen = EvaluationSet(images.source, names, wanted.crop or images.crop)
    chosen.check_sizes()
    return chosen


def open_degradation(config: DictConfig, trained_on: DictConfig | None) -> tuple[Degradation, str]:
    """The degradation of the evaluation, or else that of the first run or export, and its name with its arguments.

    Raises:
        ValueError: if there is none.
    """
    chosen = config.degradation if config.degradation is not None else trained_on
    if chosen is None:
        raise ValueError(
            "degradation is null and no run is judged, nor an export; choose one, as degradation=gaussian_noise"
        )
    OmegaConf.resolve(chosen)
    return instantiate(chosen), describe_config(chosen)


def pixels_hash(clean: Tensor) -> int:
    """Equal for equal images, of 32 bits."""
    return zlib.crc32((255 * clean).round().byte().cpu().contiguous().numpy().tobytes())
