"""What a run trains on and what it is measured on."""

from __future__ import annotations

from typing import Literal

from ..checks import require_at_least
from .evaluation_set import EvaluationSet
from .loader import Loader
from .sources.names import digest
from .sources.pairs import open_source
from .splits import SplitRule, split
from .training_set import TrainingSet


class ImageDataModule:
    """One set of images, split by file, as loaders of uint8 batches.

    Args:
        root: a folder, a ``.zip`` archive, ``.tar`` shards, a data set of Hugging Face, or ``"bundled:photos"`` (see
            ``open_root``).
        crop: side of a training crop in pixels.
        batch_size: training images of a step, on all ranks together.
        seed: of the order, crops and flips.
        channels: 3 for colour, 1 for grey.
        flip: whether half of the training crops are mirrored left to right.
        resize: None, or a side in pixels to which the central square of every image is reduced first.
        cache: keep decoded training images in memory; needs ``num_workers=0``, because workers, and what they keep,
            end with each loader.
        validation: how many of the last names, or glob patterns on names (see ``splits``).
        test: likewise, before those of validation.
        evaluation_crop: side in pixels of the central square that is evaluated; None for whole images.
        validation_batch: images evaluated at once; more than 1 needs images of one size.
        num_workers: processes that read images; 0 reads in the training process.
        shuffle_shards: None, or among how many shards at a time training images are mixed (see ``TrainingSet``).
        recorded: None, or the root of the same scenes as they were recorded; items then hold both images, stacked (see
            ``PairSource``).

    Attributes:
        digests: by part of the split (train, validation, test) what is another where other images are.

    Raises:
        ValueError: if an argument is out of range, or see ``open_source``, ``split`` and ``TrainingSet``.
    """

    def __init__(
        self,
        root: str,
        crop: int,
        batch_size: int,
        seed: int,
        channels: int = 3,
        flip: bool = True,
        resize: int | None = None,
        cache: bool = False,
        validation: SplitRule = 0,
        test: SplitRule = 0,
        evaluation_crop: int | None = None,
        validation_batch: int = 1,
        num_workers: int = 0,
        shuffle_shards: int | None = None,
        recorded: str | None = None,
    ) -> None:
        require_at_least(1, batch_size=batch_size, validation_batch=validation_batch)
        require_at_least(0, num_workers=num_workers)
        if cache and num_workers:
            raise ValueError(f"cache=true needs num_workers=0, got num_workers={num_workers}")
        self.batch_size = batch_size
        self.validation_batch = validation_batch
        self.num_workers = num_workers
        self.source = open_source(root, channels, resize, recorded)
        self.split = split(self.source.names, validation, test)
        self.evaluated = {
            "validation": EvaluationSet(self.source, self.split.validation, evaluation_crop),
            "test": EvaluationSet(self.source, self.split.test, evaluation_crop),
        }
        for images in self.evaluated.values():
            images.check_sizes()
            if len(images):
                images[0]  # its pixels too
        self.digests = {part: images.digest() for part, images in self.evaluated.items()}
        self.digests["train"] = digest([self.source.version, *self.split.train])
        self.training = TrainingSet(self.source, self.split.train, seed, crop, flip, cache, shuffle_shards)

    def train_loader(self, start_image: int, stop_image: int, rank: int = 0, ranks: int = 1) -> Loader:
        """Training images [start_image, stop_image) of the run; of each batch the share of this rank.

        Returns:
            Batches of ``clean``, uint8 (batch_size / ranks, C, crop, crop), 2C of pairs; ``number`` and ``skipped``,
            int64.

        Raises:
            ValueError: if the ranks cannot share a batch equally, or the range is not made of whole batches.
        """
        share, left = divmod(self.batch_size, ranks)
        if left:
            raise ValueError(f"batch_size must be a multiple of {ranks} ranks, got {self.batch_size}")
        if not 0 <= start_image <= stop_image or (stop_image - start_image) % self.batch_size:
            raise ValueError(
                f"start_image and stop_image must be 0 <= start_image <= stop_image, a multiple of batch_size "
                f"{self.batch_size} apart, got {start_image} and {stop_image}"
            )
        first = range(start_image + rank * share, stop_image, self.batch_size)
        numbers = [number for start in first for number in range(start, start + share)]
        return Loader(self.training, numbers, share, self.num_workers)

    def evaluation_loader(
        self, split: Literal["validation", "test"] = "validation", rank: int = 0, ranks: int = 1
    ) -> Loader:
        """The held-out images, every ``ranks``-th of them from ``rank`` on; their numbers count from 0 in each split.

        A rank for which none is left gets image 0, so that its loop is not empty; the number says that the image
        belongs to rank 0.

        Returns:
            Batches of ``clean``, uint8 (B, C, H, W), 2C of pairs; ``number``, int64 (B,); ``name``, a list of B.

        Raises:
            ValueError: if the split is empty.
        """
        images = self.evaluated[split]
        if not len(images):
            raise ValueError(f"dataset.{split} must hold at least 1 image of {self.source.root}, got none")
        numbers = range(rank, len(images), ranks) or [0]
        return Loader(images, numbers, self.validation_batch, self.num_workers)
