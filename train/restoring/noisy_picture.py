"""A noisy picture before a sampler that was trained on Gaussian noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from ...data.degradations.gaussian_noise import GaussianNoise
from ...data.noise_level import LEAST_SIDE
from ..loaded_sampler import LoadedSampler
from .grey import luma
from .subject import Frame, to_pixels
from .unsuitable import UnsuitablePicture
from .windows import Window

FAR = 0.25  # of sigma: so far from it, a warning is given


class NoisyPicture:
    """A ``Subject``: any picture, taken for y.

    A grey picture is told to a sampler that knows colour as three equal colours; of what comes, the luma is taken.

    Args:
        shown: y of a window, (c, h, w) float, 1 for white.
        frame: of the picture, with c channels.
        sampler: trained on Gaussian noise.
        sigma: of the noise on the 0..255 scale, one the sampler knows.

    Raises:
        UnsuitablePicture: if it has colour and the sampler knows only grey.
    """

    unit = 1

    def __init__(self, shown: Callable[[Window], Tensor], frame: Frame, sampler: LoadedSampler, sigma: float) -> None:
        assert isinstance(sampler.degradation, GaussianNoise)
        self.shown, self.frame, self.seen, self.sigma = shown, frame, sampler.degradation, sigma
        self.known = int(sampler.about["image_channels"])
        if frame.channels > self.known:
            raise UnsuitablePicture("it has colour; allowed for this model, trained on grey, is grey")
        self.facts: dict[str, Any] = {"sigma": sigma}
        self.warnings = []
        if frame.channels < self.known:
            self.warnings.append("it is grey, and its noise the same in all colours, on which the run was not trained")

    def condition(self, window: Window) -> Tensor:
        """See ``Subject``."""
        return self.seen.measure(self.shown(window)[None].expand(-1, self.known, -1, -1), self.sigma).condition

    def project(self, drawn: Tensor, window: Window) -> Tensor:
        """See ``Subject``: Gaussian noise can explain any y."""
        return luma(drawn) if drawn.shape[1] > self.frame.channels else drawn

    def finish(self, image: Tensor, window: Window) -> tuple[np.ndarray, None]:
        """See ``Subject``."""
        return to_pixels(image, self.frame.dtype), None

    def residual(self, pixels: np.ndarray) -> dict[str, Any]:
        """See ``Subject``."""
        return {}


def noisy_picture(
    shown: Callable[[Window], Tensor], frame: Frame, sampler: LoadedSampler, sigma: float | None, found: float | None
) -> NoisyPicture:
    """One whose noise was found to have some sigma.

    Args:
        shown: see ``NoisyPicture``, as frame and sampler.
        frame: of the picture.
        sampler: trained on Gaussian noise.
        sigma: that is told; None takes what the sampler knows, or was found.
        found: sigma by estimate; None where the picture is too small for that.

    Raises:
        UnsuitablePicture: if sigma has to be found and was not; and as ``NoisyPicture``.
    """
    noise = sampler.degradation
    assert isinstance(noise, GaussianNoise)
    low, high = 255 * noise.low, 255 * noise.high
    if sigma is not None or low == high:
        told = low if sigma is None else sigma
    elif found is None:
        raise UnsuitablePicture(
            f"it has less than {LEAST_SIDE} pixels a side, too few to find its noise; allowed is a number as sigma"
        )
    else:
        told = min(max(found, low), high)
    picture = NoisyPicture(shown, frame, sampler, told)
    picture.facts["sigma_found"] = found
    if found is not None and abs(found - told) > FAR * told:
        trained = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        picture.warnings.append(
            f"its noise has a sigma of about {found:.1f}; it is restored as one of {told:g}, and the run was "
            f"trained on {trained}"
        )
    return picture
