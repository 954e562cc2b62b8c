"""Metrics inside a bf16 validation: the states of fp32."""

import pytest
import torch
from torch.nn.functional import conv2d

from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.rng import Rng
from pscgan.train.metrics import distortion
from pscgan.train.metrics.averaging import Averaging
from pscgan.train.metrics.calibration import Calibration
from pscgan.train.metrics.consistency import Residual
from pscgan.train.metrics.patch_distribution import PatchDistribution
from pscgan.train.metrics.perceptual import Perceptual
from pscgan.train.metrics.residual_noise import ResidualNoise


def convolved(a, b, **options):
    """A similarity that would be computed in bf16, a value a pixel."""
    return conv2d(a - b, torch.full((1, 3, 5, 5), 0.1)).square()


class Convolved:
    identity = "a convolution"

    def __call__(self, a, b):
        return convolved(a, b).mean(dim=(1, 2, 3))


METRICS = {
    "distortion": lambda: distortion.Distortion(4),
    "averaging": lambda: Averaging(4),
    "calibration": lambda: Calibration(4),
    "patches": lambda: PatchDistribution(4),
    "perceptual": lambda: Perceptual(Convolved(), "x"),
    "residual": lambda: Residual(GaussianNoise(50)),
    "residual_noise": ResidualNoise,
}


@pytest.mark.parametrize("name", METRICS)
def test_autocast_does_not_reach_a_metric(name, monkeypatch):
    monkeypatch.setattr("kornia.metrics.ssim", convolved)  # that of kornia guards itself
    clean = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    measurement = GaussianNoise(50)(clean, Rng(0, "noise", range(2)))
    samples = clean + 0.1 * torch.randn(4, *clean.shape, generator=torch.Generator().manual_seed(1))
    plain, inside = METRICS[name](), METRICS[name]()
    plain.update(samples, clean, measurement)
    with torch.autocast("cpu", torch.bfloat16):
        inside.update(samples, clean, measurement)
    for state, value in plain.metric_state.items():
        assert torch.equal(value, inside.metric_state[state]), state


def test_samples_in_bf16_are_scored_in_fp32():
    clean = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    measurement = GaussianNoise(50)(clean, Rng(0, "noise", [0]))
    samples = clean.expand(2, -1, -1, -1, -1).bfloat16()
    rounded, exact = distortion.Distortion(2), distortion.Distortion(2)
    rounded.update(samples, clean, measurement)
    exact.update(samples.float(), clean, measurement)
    assert rounded.compute() == exact.compute()
