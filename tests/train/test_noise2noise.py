"""Noise2Noise (arXiv 1803.04189): of pairs of two noisy recordings, squared error is least at the MMSE estimate."""

import torch

from pscgan.data.degradation import measure
from pscgan.data.degradations.recorded import Recorded
from pscgan.losses.moments import FirstMoment
from pscgan.losses.penalty import Penalty
from pscgan.rng import Rng

IMAGES, STD, SIGMA = 4_000, 0.3, 0.4


def test_the_minimiser_is_the_posterior_mean():
    """Pixels x ~ N(0, STD²): of D(y) = w y the supervised error is least at the Wiener gain; so is this one."""
    draws = Rng(0, "two recordings", range(IMAGES)).randn(3, 3, 4, 4).double().movedim(1, 0)
    clean, first, second = STD * draws[0], STD * draws[0] + SIGMA * draws[1], STD * draws[0] + SIGMA * draws[2]
    other, y = measure(Recorded(), torch.cat([second, first], dim=1), Rng(0, "", range(IMAGES)))
    mse, wiener = Penalty(FirstMoment(biased=True), samples_per_image=1), STD**2 / (STD**2 + SIGMA**2)
    w = torch.tensor(wiener, dtype=torch.float64, requires_grad=True)
    error = mse((w * y.degraded)[None], other, y)
    (slope,) = torch.autograd.grad(error, w)
    per_value = 2 * first * (wiener * first - second)
    assert slope.abs() < 4 * per_value.std() / per_value.numel() ** 0.5
    supervised = (wiener * first - clean).square()
    excess = (wiener * first - second).square() - supervised - SIGMA**2
    assert (error - supervised.mean() - SIGMA**2).abs() < 4 * excess.std() / excess.numel() ** 0.5
