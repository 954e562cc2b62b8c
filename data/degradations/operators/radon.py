"""Tomography: y holds the integrals of x along parallel lines of few directions."""

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from ....checks import require_in, whole_number
from ....linear_problem import Gain
from .protocol import Operator, Params
from .spectral import dense_svd, spectral_by_svd

LOST = 1e-3  # singular values below it count as 0 for A⁺, which has their squares in fp32; the largest are about 1


class Radon(Operator):
    """Radon transform of each channel: x turned about its centre, bilinearly, and summed down its columns.

    The longer side has length 1, so that y is about as large as x. Lines are a pixel apart and as many as the diagonal
    is long; beyond the image x is 0. From less than half a turn (limited angles) edges of some directions are lost, so
    that A⁺ is ill conditioned and samples are not projected. A⁺ and ``filtered`` need a dense SVD, for images of up to
    64 x 64 pixels.

    Shown is the filtered back-projection by the ramp of Ramachandran and Lakshminarayanan (1971).

    Args:
        angles: how many, evenly spaced from 0 on.
        arc: degrees that they are spread over, its end left out.

    Raises:
        ValueError: if there is no angle, or the arc leaves (0, 180]; of A⁺ and ``filtered``, at larger images.
    """

    exact = False

    def __init__(self, angles: int, arc: float = 180.0) -> None:
        require_in("(0, 180]", arc=arc)
        self.angles, self.arc = whole_number("angles", angles, 1), arc

    def forward(self, image: Tensor, params: Params) -> Tensor:
        """(B, C, H, W) to (B, C, angles, L), L = √(H² + W²) rounded up to an even number."""
        height, width = image.shape[-2:]
        side = 2 * math.ceil(math.hypot(height, width) / 2)  # so that x is turned about a corner of pixels
        top, left = (side - height) // 2, (side - width) // 2
        square = F.pad(image, (left, side - width - left, top, side - height - top)).flatten(0, 1)[None]
        lines = [
            F.grid_sample(square, F.affine_grid(turn, [1, 1, side, side], False), align_corners=False).sum(dim=2)
            for turn in torch.split(_turns(self.angles, self.arc).to(image), 1)
        ]
        return torch.stack(lines, dim=2).view(*image.shape[:2], self.angles, side) / max(height, width)

    def adjoint(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        """By automatic differentiation, whatever the mode it is called in."""
        differentiable = torch.is_grad_enabled() and measured.requires_grad
        with torch.inference_mode(False), torch.enable_grad():
            x = measured.new_zeros(*measured.shape[:2], *size, requires_grad=True)
            (image,) = torch.autograd.grad(self.forward(x, params), x, measured, create_graph=differentiable)
        return image

    def pseudoinverse(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        """(AᵀA)⁺ Aᵀ y."""

        def inverse(S: Tensor) -> Tensor:
            return torch.where(S > LOST, 1 / S.clamp(min=LOST).square(), 0)

        return self.filtered(self.adjoint(measured, params, size), params, inverse)

    def filtered(self, image: Tensor, params: Params, gain: Gain) -> Tensor:
        """By a dense SVD, the same of each channel."""
        return spectral_by_svd(image, gain, *_svd(self.angles, self.arc, image.shape[-2], image.shape[-1]))

    def to_image(self, measured: Tensor, params: Params, size: tuple[int, int], sigma: float) -> Tensor:
        step = math.radians(self.arc) / self.angles
        filtered = measured @ _ramp(measured.shape[-1]).to(measured)
        return step * max(size) ** 2 * self.adjoint(filtered, params, size)


def _turns(angles: int, arc: float) -> Tensor:
    """Rotations as ``affine_grid`` takes them, (angles, 2, 3) float64."""
    radians = math.radians(arc) / angles * torch.arange(angles, dtype=torch.float64, device="cpu")
    cos, sin, zero = radians.cos(), radians.sin(), torch.zeros_like(radians)
    return torch.stack([cos, -sin, zero, sin, cos, zero], dim=1).view(angles, 2, 3)


def _ramp(lines: int) -> Tensor:
    """The filter |f| of band-limited rows, as the matrix of its convolution, (lines, lines) float64."""
    place = torch.arange(lines, dtype=torch.float64, device="cpu")
    lag = place[:, None] - place
    return torch.where(lag == 0, 1 / 4, torch.where(lag % 2 == 1, -1 / (math.pi * lag).square(), 0))


@lru_cache(maxsize=1)
@torch.inference_mode(False)
def _svd(angles: int, arc: float, height: int, width: int) -> tuple[Tensor, Tensor]:
    image = torch.zeros(1, 1, height, width, dtype=torch.float64, device="cpu")
    return dense_svd(lambda units: Radon(angles, arc).forward(units, {}), image, Radon.__name__)
