"""Demosaicing: y is one colour of each pixel, as behind the filter of a camera's sensor (B. Bayer, US 3971065)."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ....rng import Rng
from ...from_image import ImageSideInfo
from ...luma import colour_range, require_colour
from ...measurement import size_of
from .protocol import Operator, Params, ParsedImage

COLOURS = "RGB"
PHASES = ("RGGB", "BGGR", "GRBG", "GBRG")
TRIANGLE = ((1.0, 2.0, 1.0), (2.0, 4.0, 2.0), (1.0, 2.0, 1.0))


class Bayer(Operator):
    """A mosaic of red, green, blue, twice as often green; the rows of A are orthonormal, so A⁺ = Aᵀ.

    Shown demosaiced by bilinear interpolation, which leaves what was measured as it is; at the border, by the mean of
    the neighbours there are. Three maps say which colour was measured where, because that picture does not.

    Args:
        phase: colours of the two by two pixels at the top left, in reading order: ``RGGB``, ``BGGR``, ``GRBG`` or
            ``GBRG``, or several, of which one is drawn for each image.

    Raises:
        ValueError: if it is none of them; at the call, if images are not in colour or below two by two pixels.
    """

    num_maps, exact, unit = 3, True, 1

    def __init__(self, phase: str | Sequence[str] = "RGGB") -> None:
        phases = [phase] if isinstance(phase, str) or not isinstance(phase, Sequence) else list(phase)
        if not phases or any(name not in PHASES for name in phases):
            raise ValueError(f"phase must be one or several of {', '.join(PHASES)}, got {phase}")
        self.phases, self.accepted_side_info = phases, ("phase",) if len(phases) > 1 else ()
        cells = [[[c == name for name in p] for c in COLOURS] for p in phases]
        self.cells = torch.tensor(cells, device="cpu").view(-1, 3, 2, 2)

    def draw(self, clean: Tensor, rng: Rng) -> dict[str, Tensor]:
        """``colours``: which one is measured where, (B, 3, H, W) bool."""
        first = torch.zeros(len(rng), dtype=torch.long, device="cpu")
        drawn = rng.randint(0, len(self.cells)) if len(self.cells) > 1 else first
        return self._params(clean, drawn)

    def from_image(self, picture: Tensor, side_info: ImageSideInfo) -> ParsedImage:
        """A grey picture, the mosaic."""
        phase = side_info.phase if self.accepted_side_info else self.phases[0]
        if phase not in self.phases:
            raise ValueError(f"phase must be that of the picture, one of {', '.join(self.phases)}, got {phase}")
        if colour_range(picture):
            raise ValueError("it must be grey, the mosaic as a sensor measures it, got colour")
        params = self._params(picture, torch.tensor([self.phases.index(phase)], device="cpu"))
        size = size_of(picture)
        return ParsedImage(self.forward(picture, params), params, size, {"phase": phase}, adds_colour=True)

    def forward(self, image: Tensor, params: Params) -> Tensor:
        """(B, 3, H, W) to (B, 1, H, W)."""
        return (image * params["colours"]).sum(dim=1, keepdim=True)

    def adjoint(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        """Each value in its channel, 0 in the others."""
        return measured * params["colours"]

    def to_image(self, measured: Tensor, params: Params, size: tuple[int, int], sigma: float) -> Tensor:
        """Each channel by a normalised convolution with a triangle of 3 x 3 pixels."""
        known = params["colours"]
        triangle = torch.tensor(TRIANGLE, dtype=measured.dtype, device=measured.device).expand(3, 1, 3, 3)
        total, weight = (F.conv2d(x, triangle, padding=1, groups=3) for x in (measured * known, known.to(measured)))
        return torch.where(known, measured, total / weight)

    def maps(self, params: Params, size: tuple[int, int]) -> Tensor:
        """1 where red, green and blue were measured, else 0."""
        return params["colours"].float()

    def _params(self, image: Tensor, drawn: Tensor) -> dict[str, Tensor]:
        require_colour(image)
        height, width = image.shape[-2:]
        if min(height, width) < 2:
            raise ValueError(f"the image must be at least 2 x 2, got {height} x {width}")
        cells = self.cells.to(drawn.device)[drawn].to(image.device)
        return {"colours": cells.repeat(1, 1, -(-height // 2), -(-width // 2))[..., :height, :width]}
