"""The Inception of the Fréchet Inception Distance, as package torch-fidelity has it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .weights import read_state, weights_hash

FILE = "pt_inception-2015-12-05-6726825d.pth"
HOW = f'give weights=FILE, the path of {FILE} (also named weights-inception-2015-12-05-6726825d.pth), or "hub"'


class Inception(nn.Module):
    """Pooled features of the Inception network of 2015, 2,048 an image: an ``Extractor``.

    What published FIDs (arXiv 1706.08500) were measured with. Images are clipped and rounded to 8 bits, then resized
    inside to 299 x 299 by TensorFlow 1's bilinear rule, without antialiasing.

    Args:
        weights: "hub" (downloaded by torch-fidelity), or a file's path.

    Raises:
        ValueError: if torch-fidelity is not installed, or the weights cannot be had or do not fit.
    """

    dimensions = 2048

    def __init__(self, weights: str = "hub") -> None:
        super().__init__()
        self.network = _network(weights)
        self.weights_hash = weights_hash(self.network)
        resize = "rounded to 8 bits, resized to 299 x 299 (bilinear as in TensorFlow 1, not antialiased)"
        self.identity = f"inception-v3-compat [2048], {weights}, sha256 {self.weights_hash}, images {resize}"

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Vectors (N, 2048) of images (N, C, H, W) in [0, 1] with C of 1 or 3.

        Raises:
            ValueError: if the images are no such batch.
        """
        if images.ndim != 4 or images.shape[1] not in (1, 3) or not images.is_floating_point():
            raise ValueError(
                f"images is {tuple(images.shape)} of {images.dtype}; allowed are floats (N, C, H, W) with C of 1 or 3"
            )
        bytes_ = (255 * images.float()).round().clamp(0, 255).to(torch.uint8).expand(-1, 3, -1, -1)
        with torch.autocast(images.device.type, enabled=False):
            (vectors,) = self.network(bytes_)
        return vectors.float()  # type: ignore[no-any-return]


def _network(weights: str) -> Any:
    if find_spec("torch_fidelity") is None:
        raise ValueError(
            'extractor is Inception, and package torch-fidelity is not installed; install "pscgan[inception]"'
        )
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    if weights != "hub":
        if not Path(weights).is_file():
            raise ValueError(f"weights is {weights}, and there is no such file; {HOW}")
        read_state(Path(weights))  # the package reads any pickle: only one that holds nothing but tensors gets there
    try:
        return FeatureExtractorInceptionV3("inception", ["2048"], None if weights == "hub" else weights)
    except Exception as error:  # each transport has errors of its own
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"weights of the FID Inception cannot be had or do not fit ({reason}); {HOW}") from error
