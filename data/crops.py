"""Square crops of one image, and how images that are too small for them are refused."""

from torch import Tensor

from ..rng import Rng
from .image_io.decode import UnusableImage


class ImageTooSmall(UnusableImage):
    """An image with a side below what is asked for.

    Attributes:
        size: of the image, (H, W).
        option: that asks for more.
        min_size: its value in pixels.
    """

    def __init__(self, path: object, size: tuple[int, int], option: str, min_size: int) -> None:
        super().__init__(f"it has {size[0]}x{size[1]} pixels, too few for {option}={min_size}", path)
        self.size, self.option, self.min_size = size, option, min_size

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.path, self.size, self.option, self.min_size)


def require_size(path: object, size: tuple[int, int], option: str, min_size: int) -> None:
    """Refuse an image whose shorter side is below ``min_size``.

    Raises:
        ImageTooSmall: naming the file, its size and the option.
    """
    if min(size) < min_size:
        raise ImageTooSmall(path, size, option, min_size)


def random_crop(image: Tensor, crop: int, rng: Rng) -> Tensor:
    """(C, crop, crop) of (C, H, W), every place equally likely."""
    top, left = (int(rng.randint(0, extent - crop + 1)) for extent in image.shape[1:])
    return image[:, top : top + crop, left : left + crop]


def random_flip(image: Tensor, rng: Rng) -> Tensor:
    """The image or, half of the time, its mirror image."""
    return image.flip(2) if int(rng.randint(0, 2)) else image


def center_crop(image: Tensor, crop: int) -> Tensor:
    """(..., crop, crop) of (..., H, W); a side smaller than the crop stays whole."""
    top, left = (max(0, (extent - crop) // 2) for extent in image.shape[-2:])
    return image[..., top : top + crop, left : left + crop]
