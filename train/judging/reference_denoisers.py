"""Published denoisers as restorers, told the noise level of each image."""

from __future__ import annotations

from torch import Tensor, nn

from ...data.measurement import Measurement
from ...models.reference_denoisers.dncnn import Dncnn
from ...models.reference_denoisers.ffdnet import Ffdnet
from .restorer import Deterministic


def dncnn(weights: str, sigma: float = 25) -> Deterministic:
    """``Dncnn`` with the weights of a file, for grey images of one noise level."""
    return _denoiser(Dncnn(weights, sigma))


def ffdnet(weights: str) -> Deterministic:
    """``Ffdnet`` with the weights of a file, colour or grey, for any noise level."""
    return _denoiser(Ffdnet(weights))


def _denoiser(network: nn.Module) -> Deterministic:
    def restore(measurement: Measurement) -> Tensor:
        if "sigma" not in measurement.facts:
            known = ", ".join(measurement.facts) or "nothing"
            raise ValueError(f"the measurement knows {known}; allowed is one that knows sigma, as of GaussianNoise")
        degraded = measurement.degraded.float()
        restored: Tensor = network.to(degraded.device)(degraded, measurement.facts["sigma"].float())
        return restored

    return Deterministic(restore)
