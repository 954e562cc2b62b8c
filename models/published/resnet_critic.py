"""The unconditional residual critic of arXiv 1801.04406, as used in arXiv 2211.11827, for one size of image.

Known from the published network: layers, widths, the scale of the branches, average pooling, and the size 128. Computed
from it, and tested here: 91,892,161 parameters with 64 filters at 128 x 128, 22,980,833 with 32. Inferred: at any other
size it halves down to 4 x 4 as well, by the same rule for the widths.
"""

from itertools import pairwise

from torch import Tensor, nn

from ...checks import require_at_least
from ..layers import NEGATIVE_SLOPE, require_size

BRANCH_SCALE = 0.1
COARSEST = 4  # rows and columns before the linear layer
LARGEST_FACTOR = 16  # widest level in relation to the first


class ResnetBlock(nn.Module):
    """shortcut(x) + 0.1 conv(act(conv(act(x)))); the shortcut is a 1 x 1 convolution if the channels change.

    Args:
        in_channels: of the input, and between the convolutions.
        out_channels: of the output.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        same = in_channels == out_channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.branch = nn.Sequential(
            nn.LeakyReLU(NEGATIVE_SLOPE),
            nn.Conv2d(in_channels, in_channels, 3, padding=1),
            nn.LeakyReLU(NEGATIVE_SLOPE),
            nn.Conv2d(in_channels, out_channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) to (B, C_out, H, W)."""
        total: Tensor = self.shortcut(x) + BRANCH_SCALE * self.branch(x)
        return total


class ResnetCritic(nn.Module):
    """D(x, y) = D(x), which suffices where samples are exactly consistent with y (see ``PatchCritic``).

    Two blocks a level, the second of which doubles the channels, up to 16 times the first's; levels halve the size down
    to 4 x 4. It reads [0, 1] as it stands.

    Args:
        image_channels: C.
        condition_channels: C + M; every critic takes it, this one does not use it.
        width: channels of the first level.
        image_size: height and width of the images in pixels, which the last layer fixes.
    """

    def __init__(
        self, image_channels: int = 3, condition_channels: int = 3, width: int = 64, image_size: int = 128
    ) -> None:
        super().__init__()
        require_at_least(1, width=width)
        if image_size < COARSEST or image_size.bit_count() != 1:
            raise ValueError(f"image_size must be a power of two >= {COARSEST}, got {image_size}")
        self.image_size = image_size
        levels = (image_size // COARSEST).bit_length()
        widths = [width * min(2**level, LARGEST_FACTOR) for level in range(levels + 1)]
        self.stem = nn.Conv2d(image_channels, width, 3, padding=1)
        self.levels = nn.ModuleList(
            nn.Sequential(ResnetBlock(before, before), ResnetBlock(before, after)) for before, after in pairwise(widths)
        )
        self.halve = nn.AvgPool2d(3, stride=2, padding=1)
        self.score = nn.Sequential(nn.LeakyReLU(NEGATIVE_SLOPE), nn.Flatten(), nn.Linear(widths[-1] * COARSEST**2, 1))

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """Realism of (B, C, H, W): (B,), unbounded, higher for real.

        Raises:
            ValueError: if H or W is not ``image_size``.
        """
        require_size(self.image_size, image)
        finest, *coarser = self.levels
        x = finest(self.stem(image))
        for level in coarser:
            x = level(self.halve(x))
        score: Tensor = self.score(x)
        return score.squeeze(1)
