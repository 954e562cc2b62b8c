"""A pixel critic beside heads on frozen features, after Projected GAN (arXiv 2111.01007)."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ..checks import require_at_least
from .layers import NEGATIVE_SLOPE, conv

PROBE_SIDE = 64  # of an image, to see how many channels the taps have


class ProjectedCritic(nn.Module):
    """D(x, y) = pixel score + mean over taps of a head's score of the features of x and of y.

    Frozen features know what is in an image and are nearly blind to texture as fine as noise, which is what a
    denoiser must get right: the pixel critic sees it. A head is a 1 x 1 mix of both images' features, a 3 x 3
    convolution and the mean of its scores over positions, without normalisation. A score of the same backbone, as
    FID is of Inception, says nothing of a generator trained against it.

    Args:
        image_channels: C, 1 or 3.
        condition_channels: C + M; its first C channels are y.
        pixel: (image_channels=, condition_channels=) -> critic of pixels.
        features: (N, C, H, W) in [0, 1] to activations (N, C_l, H_l, W_l); what is trained in it is trained here too.
        width: channels of a head.
    """

    def __init__(
        self,
        image_channels: int,
        condition_channels: int,
        pixel: Callable[..., nn.Module],
        features: Callable[[Tensor], Sequence[Tensor]],
        width: int = 32,
    ) -> None:
        super().__init__()
        require_at_least(1, width=width)
        require_at_least(image_channels, condition_channels=condition_channels)
        self.pixel = pixel(image_channels=image_channels, condition_channels=condition_channels)
        self.features = features
        with torch.no_grad():
            taps = features(torch.zeros(1, image_channels, PROBE_SIDE, PROBE_SIDE))
        self.heads = nn.ModuleList(_head(2 * tap.shape[1], width) for tap in taps)

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """Realism of (B, C, H, W) given (B, C + M, H, W): (B,), unbounded, higher for real.

        Raises:
            ValueError: if the image is too small for the pixel critic or the features.
        """
        with torch.no_grad():  # penalties take no gradient with respect to y
            of_y = self.features(condition[:, : image.shape[1]])
        pairs = zip(self.features(image), of_y, strict=True)
        scores = [
            head(torch.cat(pair, dim=1)).mean(dim=(1, 2, 3)) for head, pair in zip(self.heads, pairs, strict=True)
        ]
        pixel_score: Tensor = self.pixel(image, condition)
        return pixel_score + torch.stack(scores).mean(0)


def _head(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        conv(channels, width, size=1, gain=1.0),
        nn.LeakyReLU(NEGATIVE_SLOPE),
        conv(width, width),
        nn.LeakyReLU(NEGATIVE_SLOPE),
        conv(width, 1, size=1, gain=1.0),
    )
