"""The test of normality against that of scipy."""

import pytest
import torch
from scipy import stats

from pscgan.train.metrics.residual_noise import normality_p

LAWS = {
    "gaussian": lambda normal: 3 + 0.1 * normal,
    "skewed": lambda normal: (0.2 * normal).exp(),
    "heavy": lambda normal: normal * (1 + 0.1 * normal.square()),
    "light": lambda normal: normal.clamp(-1.5, 1.5),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("n", [20, 225, 675, 10_000])
def test_equal_to_scipy(law, n):
    normal = torch.randn(50, n, generator=torch.Generator().manual_seed(n), dtype=torch.float64)
    values = LAWS[law](normal)
    expected = torch.tensor(stats.normaltest(values.numpy(), axis=1).pvalue)
    assert torch.allclose(normality_p(values), expected, rtol=1e-8, atol=1e-12)


def test_gaussian_values_pass_at_the_level():
    p = normality_p(torch.randn(4000, 225, generator=torch.Generator().manual_seed(0)))
    assert float((p > 0.05).double().mean()) == pytest.approx(0.95, abs=0.012)


def test_equal_values_are_not_normal():
    assert normality_p(torch.full((2, 30), 0.5)).tolist() == [0, 0]


def test_few_values_are_refused():
    with pytest.raises(ValueError, match="values has 19 in a row; allowed is 20 or more"):
        normality_p(torch.zeros(1, 19))
