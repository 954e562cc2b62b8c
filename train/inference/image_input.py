"""What users have in hand as images, as a batch of a network."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

ImageLike = Tensor | np.ndarray | Image.Image
MODES = {1: "L", 3: "RGB"}
LARGEST = 32.0  # beyond [0, 1] goes noise, of a sigma of 4 at most; what is further out is on another scale


def as_batch(image: ImageLike, channels: int) -> Tensor:
    """(B, C, H, W) float32, 1 for white; a plain, contiguous tensor, whatever class and strides it came with.

    Args:
        image: one of

            - a tensor (B, C, H, W) or (C, H, W), float with 1 for white, or uint8 with 255 for white;
            - an array (H, W, C), or (H, W) where C is 1, float or uint8 likewise;
            - a PIL image of mode RGB where C is 3, L where it is 1.
        channels: C that is expected.

    Raises:
        ValueError: if it is none of them, is empty, has other channels, values that are not finite, or a float image
            is not on the scale of 0 to 1, which noise may leave.
    """
    if isinstance(image, Image.Image):
        if image.mode != MODES[channels]:
            raise ValueError(
                f"degraded must be a PIL image of mode {MODES[channels]}, got {image.mode}: "
                f'image.convert("{MODES[channels]}")'
            )
        image = np.asarray(image)
    batch = _tensor(_of_array(image)) if isinstance(image, np.ndarray) else _tensor(image)
    if batch.ndim == 3:
        batch = batch[None]
    if batch.ndim != 4 or batch.shape[1] != channels or not batch.numel():
        raise ValueError(
            f"degraded must be a tensor (B, {channels}, H, W) or ({channels}, H, W), or an array (H, W, {channels})"
            f"{' or (H, W)' if channels == 1 else ''}, got shape {tuple(image.shape)}"
        )
    if not (batch.isfinite().all() and batch.abs().max() < LARGEST):
        raise ValueError(
            "degraded must be uint8, or float with 1 for white, got values that are not finite or far from [0, 1]; "
            "divide by 255 what is on the scale 0..255"
        )
    return batch


def _of_array(array: np.ndarray) -> Tensor:
    """Channels first."""
    if array.dtype != np.uint8 and not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"degraded must be an array of float or uint8, got {array.dtype}")
    tensor = torch.from_numpy(np.array(array, dtype=np.uint8 if array.dtype == np.uint8 else np.float32, order="C"))
    return tensor.movedim(-1, 0).contiguous() if tensor.ndim == 3 else tensor[None] if tensor.ndim == 2 else tensor


def _tensor(image: Tensor) -> Tensor:
    if not isinstance(image, Tensor):
        kind = type(image).__name__
        raise ValueError(f"degraded must be a Measurement, a tensor, a numpy array or a PIL image, got a {kind}")
    if image.layout != torch.strided or image.is_meta:
        raise ValueError(f"degraded must be a dense tensor with values, got one of {image.layout} on {image.device}")
    if not image.is_floating_point() and image.dtype != torch.uint8:
        raise ValueError(f"degraded must be a tensor of float or uint8, got {image.dtype}")
    plain = image.as_subclass(Tensor).float().contiguous()
    return plain / 255 if image.dtype == torch.uint8 else plain
