"""What a user says of pictures that they do not show."""

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...data.degradation import Degradation
from ...data.degradations.linear import Linear
from ...data.degradations.masks import MaskFile
from ...data.degradations.operators.blur_kernels import GivenKernel
from ...data.from_image import FromImage, ImageSideInfo
from ...rng import Rng
from .restoration_input import ImageInfo, UnsupportedImageError


@dataclass(frozen=True)
class SideInfo:
    """What is known of every picture of a call; None where nothing is.

    Attributes:
        mask: a file as ``MaskFile`` takes it, for pictures of its size; or a folder with a .png of each picture's name.
        phase: see ``Bayer``.
        kernel: a file as ``GivenKernel`` takes it.
        photons: see ``Poisson``.
    """

    mask: Path | None = None
    phase: str | None = None
    kernel: Path | None = None
    photons: float | None = None

    def check(self, degradation: FromImage, degrade: bool) -> None:
        """Read the files that are given.

        Raises:
            ValueError: naming what does not go with the model or the call, or cannot be read.
        """
        given = {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name) is not None}
        for name, value in given.items():
            if name not in degradation.accepted_side_info:
                kind = kind_of(degradation)
                raise ValueError(f"{name} is {value}; the model was trained on {kind}, which asks for none")
            if degrade:
                raise ValueError(f"{name} is {value}; with degrade it is that of training, and is known")
        _ = self._kernel
        if self.mask is not None and not self.mask.is_dir():
            MaskFile(str(self.mask))

    def of_image(self, path: Path | bytes, info: ImageInfo) -> ImageSideInfo:
        """What is known of one picture: that of all, and its mask, or else where it is half opaque or more.

        Raises:
            UnsupportedImageError: if there is no mask for it, or one of another size.
        """
        mask, file = None, self._mask_of(path)
        if file is not None:
            try:
                mask = MaskFile(str(file)).draw((info.height, info.width), Rng(0, "mask", [0]))
            except ValueError as error:
                raise UnsupportedImageError(f"its mask: {error}") from error
        elif info.alpha is not None:
            mask = torch.from_numpy(info.alpha > np.iinfo(info.dtype).max // 2)[None, None]
        return ImageSideInfo(mask, self.phase, self._kernel, self.photons)

    def files(self, path: Path) -> list[Path]:
        """What is read of one picture beside it."""
        return [file for file in (self._mask_of(path), self.kernel) if file is not None]

    def _mask_of(self, path: Path | bytes) -> Path | None:
        if self.mask is not None and isinstance(path, Path) and self.mask.is_dir():
            return self.mask / f"{path.stem}.png"
        return self.mask

    @cached_property
    def _kernel(self) -> Tensor | None:
        return None if self.kernel is None else GivenKernel(str(self.kernel)).kernel


def kind_of(degradation: Degradation) -> str:
    """The name of what a model was trained on."""
    return type(degradation.operator if isinstance(degradation, Linear) else degradation).__name__
