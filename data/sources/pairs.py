"""Clean images and the same scenes as they were recorded, from two roots."""

from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from ..degradation import Degradation, PairedDegradation
from ..image_io.decode import UnusableImage
from .image_source import Images, ImageSource
from .names import Names

NAMED = 3  # images without a partner that a message names


class PairSource:
    """Pairs of images of one name, each read as one stack: what is done to it is done to both.

    A name is the path below the root without its ending. Pairs go by the names of the clean images.

    Args:
        root: of the clean images, see ``open_root``.
        recorded: of the recorded images, likewise.
        channels: see ``ImageSource``, of each image.
        resize: likewise.

    Attributes:
        clean: the source of the clean images.
        recorded: that of the recorded ones.

    Raises:
        ValueError: if both roots are one, an image has no partner or two, or see ``ImageSource``.
    """

    def __init__(self, root: str | Path, recorded: str | Path, channels: int = 3, resize: int | None = None) -> None:
        self.clean = ImageSource(root, channels, resize)
        try:
            self.recorded = ImageSource(recorded, channels, resize)
        except ValueError as error:
            raise ValueError(f"recorded: {error}") from error
        if _place(self.clean) == _place(self.recorded):
            raise ValueError(f"root and recorded must differ, got {root} for both")
        self._partners = _partners(self.clean, self.recorded)
        self.root, self.names, self.shards = self.clean.root, self.clean.names, self.clean.shards
        self.version = self.clean.version + self.recorded.version
        self.channels = channels

    def read(self, name: str) -> Tensor:
        """The clean image above the recorded one, uint8 (2 channels, H, W).

        Raises:
            UnreadableImage: naming file and reason.
            UnusableImage: if they differ in size, or see ``ImageSource``.
        """
        partner = self._partner(name)
        clean, recorded = self.clean.decoded(name), self.recorded.decoded(partner)
        if clean.size != recorded.size:
            sizes = [f"{image.height}x{image.width}" for image in (clean, recorded)]
            reason = f"it has {sizes[0]} pixels and {self.recorded.root}/{partner} {sizes[1]}; a pair has one size"
            raise UnusableImage(reason, f"{self.root}/{name}")
        return torch.cat([self.clean.pixels(clean, name), self.recorded.pixels(recorded, partner)])

    def beginning(self, name: str) -> bytes:
        """Of both files, see ``ImageSource``."""
        return self.clean.beginning(name) + self.recorded.beginning(self._partner(name))

    def size(self, name: str) -> tuple[int, int]:
        """That of the clean image; where the headers of a pair differ, pixels decide.

        Raises:
            UnreadableImage: naming file and reason.
            UnusableImage: see ``read``.
        """
        if self.clean.header(name) != self.recorded.header(self._partner(name)):
            self.read(name)
        return self.clean.size(name)

    def _partner(self, name: str) -> str:
        return self._partners[bisect_left(self.names, name)]


def open_source(
    root: str | Path, channels: int = 3, resize: int | None = None, recorded: str | Path | None = None
) -> Images:
    """Images of a root, or pairs where another root holds what was recorded.

    Raises:
        ValueError: see ``ImageSource`` and ``PairSource``.
    """
    return ImageSource(root, channels, resize) if recorded is None else PairSource(root, recorded, channels, resize)


def require_pairs(images: Images, degradation: Degradation) -> None:
    """Pairs belong to a degradation that takes y from them, single images to any other.

    Raises:
        ValueError: if one comes without the other.
    """
    pairs, kind = isinstance(images, PairSource), type(degradation).__name__
    if pairs and not isinstance(degradation, PairedDegradation):
        raise ValueError(f"degradation must be recorded, as {images.root} comes with recorded images, got {kind}")
    if not pairs and isinstance(degradation, PairedDegradation):
        raise ValueError(
            f"degradation {kind} needs pairs, but {images.root} comes without recorded images; give dataset=pairs "
            "dataset.recorded=ROOT to train, images.recorded=ROOT to evaluate"
        )


def _place(source: ImageSource) -> tuple[object, ...]:
    root = source.root.resolve() if isinstance(source.root, Path) else source.root
    return (root, *source.shards)


def _partners(clean: ImageSource, recorded: ImageSource) -> Names:
    """Names of recorded images in the order of the clean ones."""
    ours, theirs = _by_stem(clean), _by_stem(recorded)
    alone = [
        *_alone(clean, recorded, [name for stem, name in ours.items() if stem not in theirs]),
        *_alone(recorded, clean, [name for stem, name in theirs.items() if stem not in ours]),
    ]
    if alone:
        raise ValueError(f"{'; '.join(alone)}; both roots must hold the same names, whatever the endings")
    return Names(theirs[stem] for stem in ours)


def _by_stem(source: ImageSource) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in source.names:
        stem = str(PurePosixPath(name).with_suffix(""))
        if stem in found:
            raise ValueError(f"{source.root} must hold one image of a name, got {found[stem]} and {name}")
        found[stem] = name
    return found


def _alone(source: ImageSource, other: ImageSource, names: Sequence[str]) -> list[str]:
    """A clause that counts images without a partner and names a few; none where there are none."""
    if not names:
        return []
    some = ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")
    return [f"of {len(source.names)} images in {source.root} {len(names)} have no partner in {other.root}: {some}"]
