"""Linear operators of deepinv (extra ``deepinv``) as ours."""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from ...linear_problem import Gain
from .operators.protocol import Operator, Params
from .operators.spectral import dense_svd, spectral_by_svd


class DeepinvPhysics(Operator):
    """A of a linear physics of deepinv: for ``Linear``, which adds the noise; the noise model of the physics is unused.

    What the physics holds (mask, filter ...) is the same for all images, and moves to their device. Nothing of deepinv
    is imported here: in a YAML the physics is a ``_target_`` of its own. Samplers with it are not exported, because
    loading builds classes of this package alone.

    Shown is Aᵀ y, with ``exact`` A⁺ y.

    Args:
        physics: with ``A``, ``A_adjoint`` and ``A_dagger``.
        exact: whether ``A_dagger`` is exact and well conditioned, so that samples are projected by it; iterative ones
            are not.

    Raises:
        ValueError: if the physics lacks one of them.
    """

    def __init__(self, physics: Any, exact: bool = False) -> None:
        missing = [name for name in ("A", "A_adjoint", "A_dagger") if not callable(getattr(physics, name, None))]
        if missing:
            raise ValueError(f"physics must be linear, got a {type(physics).__name__} without {', '.join(missing)}")
        self.physics, self.exact = physics, exact

    def forward(self, image: Tensor, params: Params) -> Tensor:
        measured: Tensor = self._on(image.device).A(image)
        return measured.to(image)

    def adjoint(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        """Aᵀ y.

        Raises:
            ValueError: if the physics is for images of another size.
        """
        return _of_size(self._on(measured.device).A_adjoint(measured).to(measured), size)

    def pseudoinverse(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        """A⁺ y; errors as ``adjoint``."""
        return _of_size(self._on(measured.device).A_dagger(measured).to(measured), size)

    def to_image(self, measured: Tensor, params: Params, size: tuple[int, int], sigma: float) -> Tensor:
        return (self.pseudoinverse if self.exact else self.adjoint)(measured, params, size)

    def filtered(self, image: Tensor, params: Params, gain: Gain) -> Tensor:
        """By a dense SVD of the matrix of the physics as it is at the first call.

        Raises:
            ValueError: if the image has more than 64 pixels a side.
        """
        return spectral_by_svd(image, gain, *_svd(self, image.shape[1:], image.dtype, image.device))

    def _on(self, device: torch.device) -> Any:
        return self.physics.to(device)  # never to a dtype: that would make its complex filters real


def _of_size(image: Tensor, size: tuple[int, int]) -> Tensor:
    if image.shape[-2:] != size:
        raise ValueError(f"the physics must be for images of {size} pixels, got {tuple(image.shape[-2:])}")
    return image


@lru_cache(maxsize=1)
@torch.inference_mode(False)
def _svd(
    operator: DeepinvPhysics, shape: torch.Size, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    image = torch.zeros(1, *shape, dtype=dtype, device=device)
    return dense_svd(lambda units: operator.forward(units, {}), image, type(operator.physics).__name__)
