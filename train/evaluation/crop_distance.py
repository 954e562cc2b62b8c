"""How far images drawn from nothing are from crops of photographs: KID, precision, recall, and what chance makes."""

from importlib.resources import files
from typing import Any

import torch
from hydra.utils import instantiate
from kornia.filters import gaussian_blur2d
from omegaconf import OmegaConf
from torch import Tensor

from ...checks import require_at_least
from ...data.sources.image_source import ImageSource
from ...data.training_set import TrainingSet
from ...models.features.extractors import Extractor
from ..metrics.feature_sets import KID, PrecisionRecall

EXTRACTOR, SUBSETS = "efficientnet_lite0", 10
BLUR = 2.0  # pixels
TOGETHER = 32  # images in the network


class CropDistance:
    """KID, precision and recall of images beside as many random crops of the photographs of a root.

    Beside them, at the same number of images: ``floor``, the KID of other crops, which only chance keeps from 0, and
    ``precision_floor`` and ``recall_floor``, which it keeps from 1; and ``blurred``, the KID of these other crops
    blurred by a Gaussian of 2 pixels, a mark of what a visible fault costs.

    Args:
        root: as ``open_root`` takes it.
        channels: of the images, 3 or 1.
        side: of the images, which are square, in pixels.
        count: of the images, 20 or more.
        seed: of the crops.

    Raises:
        ValueError: if ``count`` is too small, the root holds no image so large, or the feature network cannot be had.
    """

    def __init__(self, root: str, channels: int, side: int, count: int, seed: int = 0) -> None:
        require_at_least(2 * SUBSETS, count=count)
        source = ImageSource(root, channels)
        self.root, self.count, self._crops = root, count, TrainingSet(source, source.names, seed, side)
        config = (files("pscgan.conf") / "extractor" / f"{EXTRACTOR}.yaml").read_text()
        self._extractor: Extractor = instantiate(OmegaConf.create(config))[EXTRACTOR]

    def __call__(self, pixels: list[Tensor]) -> dict[str, Any]:
        """Figures by name; ``kid`` is the plain value, ``kid_error`` a standard error.

        Args:
            pixels: the images, (C, H, W) uint8 each, ``count`` of them.
        """
        crops = [self._crops[number]["clean"] for number in range(2 * self.count)]
        reference, others = self._features(crops[: self.count]), crops[self.count :]
        blurred = gaussian_blur2d(torch.stack(others) / 255, (13, 13), (BLUR, BLUR))
        drawn, chance = (_measured(self._features(images), reference) for images in (pixels, others))
        return {
            "root": self.root,
            "extractor": self._extractor.identity,
            "crops": self.count,
            **drawn,
            "floor": chance["kid"],
            "blurred": _measured(self._features(list((255 * blurred).round().byte())), reference)["kid"],
            "precision_floor": chance["precision"],
            "recall_floor": chance["recall"],
        }

    def _features(self, pixels: list[Tensor]) -> Tensor:
        return torch.cat([self._extractor(part / 255) for part in torch.split(torch.stack(pixels), TOGETHER)])


def _measured(images: Tensor, reference: Tensor) -> dict[str, float]:
    values: dict[str, float] = {}
    for metric in (KID(images.shape[1], SUBSETS), PrecisionRecall(images.shape[1])):
        metric.update(images, real=False)
        metric.update(reference, real=True)
        values |= metric.compute()
    return values
