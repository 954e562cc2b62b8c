"""What rounding to float16 costs is what is said of it."""

import copy

import pytest
import torch

from pscgan.data.crops import center_crop
from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.sources.image_source import BUNDLED, ImageSource
from pscgan.models.spatial_latent import SpatialLatent
from pscgan.rng import Rng
from pscgan.train.export.export import halved, rounding_errors

from .graphs import made


def drawn(network, y, seed):
    """The first sample of an image of 128 x 128."""
    return network.decode(network.encode(y), SpatialLatent(network, [seed], 1).window(0, 0, 128, 128))


def test_the_loss_is_that_of_samples_in_grey_levels():
    generator, noise = made("pointwise", width=8), GaussianNoise(50)
    weights = halved(generator.state_dict())
    other = copy.deepcopy(generator)
    other.load_state_dict(weights)
    source, differences = ImageSource(BUNDLED), []
    for number, name in enumerate(source.names):
        y = noise(center_crop(source.read(name), 128)[None] / 255, Rng(0, "half", [number])).degraded
        samples = [drawn(network, y, number) for network in (generator, other)]
        differences.append(255 * (samples[1] - samples[0]))
    found = rounding_errors(generator, weights, noise, 3)
    torch.testing.assert_close(found, torch.cat(differences)[:, 0].double(), rtol=0, atol=1e-4)
    assert found.shape == (14, 3, 128, 128)
    assert 0 < found.abs().max() < 1


def test_weights_that_are_half_already_cost_nothing():
    generator = made("pointwise", width=8).half().float()
    assert not rounding_errors(generator, halved(generator.state_dict()), GaussianNoise(50), 3).any()


def test_weights_beyond_half_are_refused():
    numbers = {"count": torch.tensor(3), "weight": torch.tensor([1.0, 65504.0])}
    assert halved(numbers)["count"].dtype == torch.int64
    with pytest.raises(ValueError, match=r"tensor weight has values beyond float16"):
        halved({"weight": torch.tensor([1.0, 70000.0])})
