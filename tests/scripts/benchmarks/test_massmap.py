"""The figures of mass maps: identities where y has no noise, and a truth that is drawn as the samples are."""

from types import SimpleNamespace

import pytest
import torch

from pscgan.data.convergence_fields import LognormalFields
from pscgan.data.degradations.linear import Linear
from pscgan.data.degradations.operators.shear import Shear
from pscgan.rng import Rng
from pscgan.scripts.benchmarks.massmap import restore, scores, uncertainty


def prior_sampler(degradation, **others):
    """Draws from the prior, whatever y is."""

    def draw(measurement, num_samples, seeds):
        fields = LognormalFields(measurement.degraded.shape[-1])
        return torch.stack([fields.draw(Rng(k, "sample", seeds)) for k in range(num_samples)])

    stub = {"degradation": degradation, "image_channels": 1, "stochastic": True, "metadata": {"name": "prior"}}
    return SimpleNamespace(**stub | others, restorer=SimpleNamespace(restore=draw))


def test_without_noise_the_maps_are_the_truth():
    clean, _, _, maps = restore(prior_sampler(Linear(Shear())), 9, 3, 2, seed=0)
    for name in ("Kaiser-Squires", "Wiener"):
        rmse, correlation, claimed, true, _ = map(float, scores(maps[name], clean))
        assert (rmse, correlation) == (pytest.approx(0, abs=2e-5), 1)  # Wiener takes no noise for 0.001
        assert claimed == pytest.approx(true, abs=5e-5)
        assert true > 0.01


def test_figures_of_a_map_are_those_of_kappa():
    """An error of 1 of 255 grey levels is one of 0.4 / 255 of κ, and everywhere it is a sum to every peak."""
    clean = LognormalFields(9).draw(Rng(0, "fields", range(4)))
    rmse, correlation, claimed, true, ratio = map(float, scores(clean + 1 / 255, clean))
    assert (rmse, correlation) == (pytest.approx(0.4 / 255, abs=5e-6), pytest.approx(1))
    assert claimed - true == pytest.approx(0.4 / 255, abs=1e-4)
    assert ratio == pytest.approx(claimed / (0.4 / 255), rel=0.05)


def test_a_truth_that_is_drawn_as_the_samples_are_is_known_so():
    """Of 100 fields; their spread tells nothing of the error, because they know nothing of y."""
    clean, measurement, drawn, _ = restore(prior_sampler(Linear(Shear())), 17, 100, 19, seed=0)
    figures = uncertainty(drawn, clean, measurement)
    assert figures["spread_skill/1"] == pytest.approx(1, abs=0.1)
    assert figures["coverage/1"] == pytest.approx(0.9, abs=0.02)
    twice = uncertainty(0.5 + 2 * (drawn - 0.5), clean, measurement)
    assert twice["spread_skill/1"] > 1.5


def test_a_model_of_colour_images_is_refused():
    with pytest.raises(ValueError, match="model must be a sampler of grey images, got prior"):
        restore(prior_sampler(Linear(Shear()), image_channels=3), 9, 1, 1, seed=0)
