"""Bicubic shrinking against Pillow, against torch, and against a direct sum with a mirrored border."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from pscgan.data.degradations.linear import Linear
from pscgan.data.degradations.operators.resampling import Bicubic
from pscgan.rng import Rng


def picture(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def direct(signal, factor):
    """Shrunk along the first axis by the formula, one output and one tap at a time."""
    n = len(signal)
    shrunk = []
    for i in range(-(-n // factor)):
        centre = (i + 0.5) * factor - 0.5
        total = weights = 0.0
        for j in range(int(np.floor(centre)) - 2 * factor, int(np.ceil(centre)) + 2 * factor + 1):
            t = abs(j - centre) / factor
            if t <= 1:
                weight = 1.5 * t**3 - 2.5 * t**2 + 1
            elif t < 2:
                weight = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
            else:
                weight = 0.0
            k = j
            while not 0 <= k < n:
                k = -1 - k if k < 0 else 2 * n - 1 - k
            total, weights = total + weight * signal[k], weights + weight
        shrunk.append(total / weights)
    return np.stack(shrunk)


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
@pytest.mark.parametrize("size", [(24, 16), (17, 9), (3, 5)])
def test_it_is_the_direct_sum(factor, size):
    x = picture(1, 1, *size)
    expected = direct(direct(x[0, 0].numpy(), factor).T, factor).T
    np.testing.assert_allclose(Bicubic(factor).forward(x, {})[0, 0].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_away_from_borders_it_is_that_of_pillow_and_torch(factor):
    x = picture(1, 1, 12 * factor, 8 * factor).float()
    inside = (0, 0, slice(2, -2), slice(2, -2))
    found = Bicubic(factor).forward(x, {})
    pillow = Image.fromarray(x[0, 0].numpy()).resize((8, 12), Image.Resampling.BICUBIC)
    np.testing.assert_allclose(found[inside].numpy(), np.asarray(pillow)[inside[2:]], atol=1e-6)
    of_torch = F.interpolate(x, (12, 8), mode="bicubic", antialias=True)
    torch.testing.assert_close(found[inside], of_torch[inside], rtol=0, atol=1e-6)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_grey_stays_grey_both_ways(factor):
    grey = torch.full((1, 1, 4 * factor, 6 * factor), 0.3, dtype=torch.float64)
    operator = Bicubic(factor)
    small = operator.forward(grey, {})
    torch.testing.assert_close(small, torch.full_like(small, 0.3), rtol=0, atol=1e-12)
    torch.testing.assert_close(operator.to_image(small, {}, (4 * factor, 6 * factor), 0.0), grey, rtol=0, atol=1e-12)


def test_the_shown_image_is_measured_as_y_in_single_precision():
    x = picture(2, 3, 67, 98).float()
    degradation = Linear(Bicubic(4))
    measurement = degradation(x, Rng(0, "degradation", [0, 1]))
    assert measurement.degraded.dtype == torch.float32
    assert (degradation.residual(measurement.degraded, measurement) < 1e-3).all()


def test_autocast_does_not_change_it():
    x = picture(1, 3, 16, 16).float()
    with torch.autocast("cpu", torch.bfloat16):
        inside = Bicubic(4).forward(x, {})
    assert torch.equal(inside, Bicubic(4).forward(x, {}))
