"""Kadkhodaie and Simoncelli's rule with exact denoisers: its law, free and where part is known."""

import pytest
import torch

from pscgan.linear_problem import denoising_problem, unmeasured_problem
from pscgan.models.baselines.kadkhodaie_simoncelli import KadkhodaieSimoncelli
from pscgan.rng import Rng

from .denoiser_worlds import GaussianPixels
from .frequency_laws import (
    PRIOR,
    assert_law_of_synthesis,
    drawn,
    errors,
    problem,
    synthesis_distance,
)

QUICK = KadkhodaieSimoncelli(beta=0.5)


def law_of(rule):
    def law(c, S, sigma):
        variance, s, t = torch.full_like(c, rule.first_level**2), rule.first_level, 1
        while s > rule.last_level:
            h, j = rule.h0 * t / (1 + rule.h0 * (t - 1)), c / (c + s**2)
            variance = (1 - h + h * j) ** 2 * variance + s**2 * ((1 - rule.beta * h) ** 2 - (1 - h) ** 2)
            s, t = (1 - rule.beta * h) * s, t + 1
        j = c / (c + rule.last_level**2)
        known = S > 1e-3
        return known.double(), torch.where(known, 1e-9, j**2 * variance)

    return law


def test_law_where_nothing_is_measured():
    assert_law_of_synthesis(QUICK, law_of(QUICK))


def test_what_is_measured_is_kept_and_the_rest_drawn():
    """A blur that loses the highest frequencies: these have the law of synthesis, the others are y over their S."""
    given = problem(0.0)
    samples = drawn(QUICK, given)
    seen = [given.forward(sample) - given.measured for sample in samples]
    assert torch.stack(seen).abs().max() < 1e-5
    _, variance = law_of(QUICK)(PRIOR.power.double(), torch.zeros(16, 16).double(), 0.0)
    unseen = torch.stack([given.filtered(sample, lambda S: (S < 1e-3).float()) for sample in samples])
    power = torch.fft.fft2(unseen, norm="ortho").abs().square().flatten(0, -3).mean(0)
    lost = torch.fft.fft2(torch.full((2, 2), 0.25), s=(16, 16)).abs() < 1e-3
    assert lost.sum() == 31
    assert ((power / variance)[lost] - 1).abs().max() < 4.5 * (2 / 256) ** 0.5


@pytest.mark.parametrize(("beta", "calls", "ratios"), [(0.01, 662, (0.57, 0.55, 0.36)), (0.5, 48, (0.88, 0.82, 0.45))])
def test_how_much_of_the_power_is_left(beta, calls, ratios):
    rule = KadkhodaieSimoncelli(beta=beta)
    assert rule.calls == calls
    for c, expected in zip((0.04, 0.0025, 1e-4), ratios, strict=True):
        assert errors(law_of(rule), 0.0, c)[0] == pytest.approx(expected, abs=0.006)


def test_distance_of_synthesis_on_a_field():
    """As published, and by the default, which is nearer than with other beta."""
    assert synthesis_distance(law_of(KadkhodaieSimoncelli(beta=0.01))) == pytest.approx(0.234, abs=0.001)
    distances = {beta: synthesis_distance(law_of(KadkhodaieSimoncelli(beta=beta))) for beta in (0.05, 0.1, 0.2, 0.5)}
    assert min(distances, key=distances.get) == KadkhodaieSimoncelli().beta


def test_calls_and_samples():
    batches, prior, like = [], GaussianPixels(), torch.rand(3, 1, 8, 8)

    def denoise(x, s):
        batches.append(len(x))
        return prior.denoise(x, s)

    def draw(images):
        return QUICK.sample(denoise, unmeasured_problem(like[images]), 2, Rng(0, "z", range(3)[images]))

    together = draw(slice(None))
    assert together.shape == (2, 3, 1, 8, 8)
    assert batches == [6] * QUICK.calls
    torch.testing.assert_close(together[:, 1:2], draw(slice(1, 2)))


def test_bad_input_is_refused_by_name():
    with pytest.raises(ValueError, match=r"beta.*got 0"):
        KadkhodaieSimoncelli(beta=0.0)
    with pytest.raises(ValueError, match=r"last_level.*-1"):
        KadkhodaieSimoncelli(last_level=-1.0)
    with pytest.raises(ValueError, match=r"^sigma must be 0 for KadkhodaieSimoncelli, got 0\.1"):
        QUICK.sample(GaussianPixels().denoise, denoising_problem(torch.zeros(1, 1, 4, 4), 0.1), 1, Rng(0, "z", [0]))
