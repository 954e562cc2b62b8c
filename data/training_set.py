"""Clean training crops, addressed by the count of images seen."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor
from torch.utils.data import Dataset

from ..checks import require_at_least
from ..rng import Rng
from .crops import ImageTooSmall, random_crop, random_flip, require_size
from .image_io.decode import UnusableImage
from .measurement import size_of
from .order import full_order, images_per_shard, window_order
from .sources.image_source import Images

log = logging.getLogger(__name__)

PROBED = 16
"""Images looked at before training starts."""


class TrainingSet(Dataset[dict[str, Any]]):
    """An endless stream of crops; item n depends on (seed, n) and the files, on nothing else.

    Epoch e visits every file once, in the order drawn by (seed, e); item n is in epoch n // len(names). A file that
    cannot be read or is smaller than the crop is skipped: the next usable file of that order takes its place, and each
    process logs its name once.

    Args:
        source: of the images.
        names: the files to train on.
        seed: of the run.
        crop: side of the square crop in pixels.
        flip: whether half of the crops are mirrored left to right.
        cache: keep decoded images in memory.
        shuffle_shards: None for any order, all equally likely; n for one in which images are mixed within n shards at a
            time, so that few are read from at once (see ``window_order``).

    Raises:
        ValueError: if crop is below 1, no image can be used, a colour network (``source.channels`` is 3) would see grey
            images only, or shuffle_shards is below 1 or given for a source without shards.
        ImageTooSmall: if none of the first images is as large as the crop.
    """

    def __init__(
        self,
        source: Images,
        names: Sequence[str],
        seed: int,
        crop: int,
        flip: bool = True,
        cache: bool = False,
        shuffle_shards: int | None = None,
    ) -> None:
        require_at_least(1, crop=crop)
        if shuffle_shards is not None:
            require_at_least(1, shuffle_shards=shuffle_shards)
            if not source.shards:
                raise ValueError(f"shuffle_shards must be null, as {source.root} has no shards, got {shuffle_shards}")
        self.source = source
        self.names = names
        self.seed = seed
        self.crop = crop
        self.flip = flip
        self.cache = cache
        self.shuffle_shards = shuffle_shards
        self._kept: dict[str, Tensor] = {}
        self._unusable: dict[str, UnusableImage] = {}
        self._epoch = -1
        self._order = Tensor()
        self._probe()

    def __getitem__(self, number: int) -> dict[str, Any]:
        """The crop that is seen after ``number`` others.

        Returns:
            ``clean``, uint8 (C, crop, crop), 2C of pairs; ``number``; ``skipped``, how many unusable files came
            before it.

        Raises:
            ValueError: if no image can be used.
        """
        for skipped, name in enumerate(self._names_from(number)):
            image = self._read(name)
            if image is not None:
                return {"clean": self._augment(image, number), "number": number, "skipped": skipped}
        raise self._nothing_usable()

    def _names_from(self, number: int) -> Iterator[str]:
        epoch, place = divmod(number, len(self.names))
        if epoch != self._epoch:
            self._order, self._epoch = self._order_of(epoch), epoch
        order = self._order
        return (self.names[int(order[(place + step) % len(order)])] for step in range(len(order)))

    def _order_of(self, epoch: int) -> Tensor:
        if self.shuffle_shards is None:
            return full_order(len(self.names), self.seed, epoch)
        counts = images_per_shard(self.names, self.source.shards)
        return window_order(counts, self.shuffle_shards, self.seed, epoch)

    def _read(self, name: str) -> Tensor | None:
        if name in self._unusable:
            return None
        if name in self._kept:
            return self._kept[name]
        try:
            image = self.source.read(name)
            require_size(f"{self.source.root}/{name}", size_of(image), "crop", self.crop)
        except UnusableImage as error:
            self._unusable[name] = error
            log.warning("%s; the next usable image takes its place", error)
            return None
        if self.cache:
            self._kept[name] = image
        return image

    def _augment(self, image: Tensor, number: int) -> Tensor:
        rng = Rng(self.seed, "crop", [number])
        clean = random_crop(image, self.crop, rng)
        return random_flip(clean, rng) if self.flip else clean

    def _probe(self) -> None:
        grey: list[bool] = []
        for number, name in enumerate(self.names, start=1):
            image = self._read(name)
            if image is not None:
                grey.append(self._is_grey(image))
            elif number >= PROBED and not grey and isinstance(self._unusable[name], ImageTooSmall):
                raise self._unusable[name]
            if len(grey) == PROBED:
                break
        if not grey:
            raise self._nothing_usable()
        if self.source.channels == 3 and all(grey):
            raise ValueError(
                f"dataset.channels must be 1, as the first {len(grey)} images of {self.source.root} are all grey, got 3"
            )

    def _is_grey(self, image: Tensor) -> bool:
        """Of a pair both."""
        stacked = image.reshape(-1, self.source.channels, *image.shape[1:])
        return bool((stacked == stacked[:, :1]).all())

    def _nothing_usable(self) -> ValueError:
        too_small = [error for error in self._unusable.values() if isinstance(error, ImageTooSmall)]
        if too_small:
            return too_small[0]
        return ValueError(f"{self.source.root} holds no readable image among {len(self.names)} training files")
