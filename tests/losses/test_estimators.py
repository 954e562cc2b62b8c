"""What holds for every estimator on the sample set."""

import itertools

import pytest
import torch

from pscgan.losses.crps import DCTCRPS, FairCRPS, MultiscaleCRPS
from pscgan.losses.distances import MeanDistance, PixelL2
from pscgan.losses.energy_score import EnergyScore
from pscgan.losses.experimental.spread_reward import SpreadReward
from pscgan.losses.moments import FirstMoment
from pscgan.losses.penalty import Penalty
from pscgan.losses.spread import RcGAN

from .scalar_world import normal
from .taps import PixelL1

K, SHAPE = 4, (2, 3, 6, 4)
ESTIMATORS = {
    "biased": FirstMoment(biased=True),
    "unbiased": FirstMoment(biased=False),
    "rcgan": RcGAN(),
    "fair_crps": FairCRPS(),
    "almost_fair_crps": FairCRPS(alpha=0.9),
    "multiscale_crps": MultiscaleCRPS(scales=2),
    "dct_crps": DCTCRPS(side=2),
    "energy_score": EnergyScore(PixelL2()),
    "almost_fair_energy_score": EnergyScore(PixelL1(), alpha=0.9),
    "reference": MeanDistance(PixelL2()),
    "spread_reward": SpreadReward(),
}
every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)


@every_estimator
@pytest.mark.parametrize("num_samples", [2, 5])
def test_gradient_is_the_derivative(estimator, num_samples):
    samples, clean = normal(2, num_samples, 2, 1, 2, 2).requires_grad_(), normal(3, 2, 1, 2, 2)
    assert torch.autograd.gradcheck(lambda s: estimator(s, clean, None), samples)


@every_estimator
def test_order_of_samples_does_not_matter(estimator):
    samples, clean = normal(4, K, *SHAPE), normal(5, *SHAPE)
    values = [estimator(samples[list(order)], clean, None) for order in itertools.permutations(range(K))]
    assert torch.allclose(torch.stack(values), values[0], rtol=1e-12, atol=0)


@pytest.mark.parametrize("estimator", [x for x in ESTIMATORS.values() if not isinstance(x, DCTCRPS)])  # windows overlap
def test_average_over_pixels_not_sum(estimator):
    samples, clean = normal(6, K, *SHAPE), normal(7, *SHAPE)
    tiled = estimator(samples.repeat(1, 2, 1, 2, 2), clean.repeat(2, 1, 2, 2), None)
    assert torch.allclose(tiled, estimator(samples, clean, None), rtol=1e-12, atol=0)


@every_estimator
def test_inputs_are_left_alone(estimator):
    samples, clean = normal(8, K, *SHAPE), normal(9, *SHAPE)
    before = samples.clone(), clean.clone()
    estimator(samples, clean, None)
    assert torch.equal(samples, before[0])
    assert torch.equal(clean, before[1])


@every_estimator
def test_penalty_computes_in_fp32_under_autocast(estimator):
    penalty = Penalty(estimator, samples_per_image=K)
    samples, clean = normal(10, K, *SHAPE).bfloat16(), normal(11, *SHAPE).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = penalty(samples, clean, None)
    assert value.dtype == torch.float32
    assert torch.equal(value, estimator(samples.float(), clean.float(), None))


@every_estimator
def test_penalty_keeps_float64_and_takes_the_first_samples(estimator):
    samples, clean = normal(12, K + 2, *SHAPE), normal(13, *SHAPE)
    value = Penalty(estimator, samples_per_image=K)(samples, clean, None)
    assert value.dtype == torch.float64
    assert torch.equal(value, estimator(samples[:K], clean, None))


@pytest.mark.parametrize("estimator", [FirstMoment(), RcGAN(), FairCRPS(), EnergyScore(PixelL1())])
def test_too_few_samples_are_refused_by_name(estimator):
    with pytest.raises(ValueError, match=f"samples_per_image.*2.*{type(estimator).__name__}.*1"):
        Penalty(estimator, samples_per_image=1)
