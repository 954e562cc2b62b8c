"""Clean images for validation and test, in a fixed order."""

from collections.abc import Sequence
from typing import Any

from torch.utils.data import Dataset

from ..checks import require_at_least
from .crops import center_crop, require_size
from .measurement import size_of
from .sources.image_source import Images
from .sources.names import digest


class EvaluationSet(Dataset[dict[str, Any]]):
    """Whole images or their centres.

    Args:
        source: of the images.
        names: the files, in order.
        crop: side of the central square in pixels; None for the whole image.

    Raises:
        ValueError: if crop is below 1.
    """

    def __init__(self, source: Images, names: Sequence[str], crop: int | None = None) -> None:
        require_at_least(1, evaluation_crop=1 if crop is None else crop)
        self.source = source
        self.names = names
        self.crop = crop

    def check_sizes(self) -> None:
        """Read the headers of all files, so that none is found to be too small after hours.

        Raises:
            UnusableImage: naming the first file that is not readable, smaller than the crop, or no pair of one size.
        """
        for name in self.names:
            size = self.source.size(name)
            if self.crop is not None:
                require_size(f"{self.source.root}/{name}", size, "evaluation_crop", self.crop)

    def digest(self) -> str:
        """Is another if other images are, by their names or by how their files begin.

        Raises:
            UnusableImage: naming the first file that cannot be read.
        """
        return digest(part for name in self.names for part in (name, self.source.beginning(name)))

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, number: int) -> dict[str, Any]:
        """The image with that number.

        Returns:
            ``clean``, uint8 (C, H, W), 2C of pairs; ``number``; ``name``.

        Raises:
            UnusableImage: naming the file, if it cannot be read or is smaller than the crop.
        """
        name = self.names[number]
        clean = self.source.read(name)
        if self.crop is not None:
            require_size(f"{self.source.root}/{name}", size_of(clean), "evaluation_crop", self.crop)
            clean = center_crop(clean, self.crop)
        return {"clean": clean, "number": number, "name": name}
