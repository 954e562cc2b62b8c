"""Super-resolution as the field measures it: bicubic shrinking with the kernel widened against aliasing."""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from ....linear_problem import Gain
from ....rng import Rng
from ...measurement import size_of
from .protocol import Params, Shrinking
from .spectral import spectral


class Bicubic(Shrinking):
    """Shrinking by a whole number as MATLAB's ``imresize`` does, without its rounding to 8 bits.

    Keys' cubic (1981) with a = −1/2, widened by the factor, each row's weights divided by their sum, mirrored at the
    border (the last pixel twice)::

        A = A_h ⊗ A_w,    A⁺ = A_h⁺ ⊗ A_w⁺

    Pixel i of y stands over (i + ½) f − ½ of x, so that a side of n pixels gives ceil(n / f); the last may stand beyond
    the edge. Away from borders Pillow and torch (``antialias=True``) do the same; there they drop weights instead.

    Shown is A⁺ y, the image of least norm that is measured as y, rather than a bicubic enlargement, which is measured
    as something else: a network starts from all that y says. A is well conditioned (2 to 5 at worst, for sides of one
    pixel more than a multiple of the factor), so that A⁺ serves under noise as well.

    Args:
        factor: 2 or more.

    Raises:
        ValueError: if it is less.
    """

    exact, onto = True, True

    def forward(self, image: Tensor, params: Params) -> Tensor:
        """(B, C, H, W) to (B, C, ceil(H / f), ceil(W / f))."""
        return _along_both(image, *(weights(length, self.factor)[0] for length in image.shape[-2:]))

    def adjoint(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        return _along_both(measured, *(weights(length, self.factor)[0].T for length in size))

    def pseudoinverse(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        return _along_both(measured, *(weights(length, self.factor)[1] for length in size))

    def filtered(self, image: Tensor, params: Params, gain: Gain) -> Tensor:
        """By the singular values of both sides: S = S_h ⊗ S_w, V = V_h ⊗ V_w."""
        (S_h, V_h), (S_w, V_w) = (singular(length, self.factor) for length in image.shape[-2:])
        S = (S_h[:, None] * S_w)[None, None].to(image)
        return spectral(image, gain, S, _along_both(image, V_h.T, V_w.T), lambda c: _along_both(c, V_h, V_w))


@lru_cache(maxsize=32)
@torch.inference_mode(False)
def weights(length: int, factor: int) -> tuple[Tensor, Tensor]:
    """A of one side, (ceil(length / factor), length), and A⁺, both float64 on the CPU."""
    count = -(-length // factor)
    centre = (torch.arange(count, dtype=torch.float64, device="cpu")[:, None] + 0.5) * factor - 0.5
    place = centre.floor() + torch.arange(-2 * factor, 2 * factor + 1, device="cpu")
    weight = keys_cubic((place - centre) / factor)
    folded = place.long() % (2 * length)
    mirrored = torch.minimum(folded, 2 * length - 1 - folded)
    A = torch.zeros(count, length, dtype=torch.float64, device="cpu").scatter_add_(1, mirrored, weight)
    A = A / A.sum(dim=1, keepdim=True)
    return A, torch.linalg.pinv(A)


@lru_cache(maxsize=32)
@torch.inference_mode(False)
def singular(length: int, factor: int) -> tuple[Tensor, Tensor]:
    """S and V of A of one side, (count,) and (length, count), both float64 on the CPU."""
    _, S, Vt = torch.linalg.svd(weights(length, factor)[0], full_matrices=False)
    return S, Vt.T


def keys_cubic(distance: Tensor) -> Tensor:
    """Of distances in pixels, for a = −1/2: 1 at 0, 0 at the other whole numbers and from 2 on."""
    d = distance.abs()
    near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return torch.where(d <= 1, near, torch.where(d < 2, far, 0))


def _along_both(image: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    with torch.autocast(image.device.type, enabled=False):
        return rows.to(image) @ image @ columns.T.to(image)


class Bilinear(Shrinking):
    """y is x interpolated at n // factor points of each side, the first and the last on its corners; it aliases.

    A = A_h ⊗ A_w. Points lie at least two pixels apart, so no two rows of either use a pixel both and A⁺ is Aᵀ over the
    squares of the rows. Shown enlarged likewise.

    Args:
        factor: 2 or more.

    Raises:
        ValueError: if it is less; at the call, if an image is smaller than the factor.
    """

    exact = True

    def draw(self, clean: Tensor, rng: Rng) -> dict[str, Tensor]:
        height, width = clean.shape[-2:]
        if min(height, width) < self.factor:
            raise ValueError(f"factor must be at most the sides of the image, {height} x {width}, got {self.factor}")
        return {}

    def forward(self, image: Tensor, params: Params) -> Tensor:
        """(B, C, H, W) to (B, C, H // f, W // f)."""
        down, right = self._rows(size_of(image), image)
        return down @ image @ right.T

    def adjoint(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        """Each value at the pixels it was interpolated from, by their weights."""
        down, right = self._rows(size, measured)
        return down.T @ measured @ right

    def pseudoinverse(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        """The adjoint, each row of A_h and A_w over its square."""
        down, right = (rows / rows.square().sum(dim=1, keepdim=True) for rows in self._rows(size, measured))
        return down.T @ measured @ right

    def to_image(self, measured: Tensor, params: Params, size: tuple[int, int], sigma: float) -> Tensor:
        return F.interpolate(measured, size=size, mode="bilinear", align_corners=True)

    def _rows(self, size: tuple[int, int], like: Tensor) -> tuple[Tensor, Tensor]:
        return _rows(size[0], size[0] // self.factor).to(like), _rows(size[1], size[1] // self.factor).to(like)


def _rows(extent: int, points: int) -> Tensor:
    """(points, extent), float64."""
    pixels = torch.eye(extent, dtype=torch.float64, device="cpu")[None]
    return F.interpolate(pixels, size=points, mode="linear", align_corners=True)[0].T
