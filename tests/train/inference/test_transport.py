"""Files of transports, what they are fitted on, and restorers whose outputs are transported."""

import pytest
import torch

import pscgan
from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.sources.image_source import ImageSource
from pscgan.models.transport.spaces import Unshuffled
from pscgan.rng import Rng
from pscgan.train.evaluation.methods import Deterministic, Methods
from pscgan.train.evaluation.temperature_sweep import TemperatureSweep
from pscgan.train.inference.transport import crops, degraded_and_clean, open_transport, restorations
from pscgan.train.inference.transported import Transported

from ...data.choices import built
from ..export.exporting import NOISE, exported
from .transports import textures, written

CPU = torch.device("cpu")
BLUR = Deterministic(lambda y: y.degraded.mean(dim=(2, 3), keepdim=True).expand_as(y.degraded))


class OneSpace(Unshuffled):
    """A space that does not come with the package."""

    def __init__(self):
        super().__init__(2)
        self.name = "mine"


@pytest.fixture
def measurement():
    return GaussianNoise(50)(textures(3, 5)[:2], Rng(0, "noise", [0, 1]))


def test_a_file_opens_as_it_was_fitted(tmp_path):
    path = written(tmp_path / "dot.safetensors", space=Unshuffled(2))
    opened = open_transport(path, 3)
    assert (opened.space.name, opened.radius, opened.stochastic) == ("unshuffled:2", 4, False)
    mine = written(tmp_path / "mine.safetensors", space=OneSpace())
    images = textures(3, 7)
    assert torch.equal(open_transport(mine, 3, OneSpace())(images, 0.0, [0] * 4), opened(images, 0.0, [0] * 4))


def test_another_file_is_refused_by_name(tmp_path):
    path, mine = written(tmp_path / "dot.safetensors"), written(tmp_path / "mine.safetensors", space=OneSpace())
    with pytest.raises(ValueError, match=r"dot\.safetensors is of images with 3 channels; these have 1"):
        open_transport(path, 1)
    with pytest.raises(ValueError, match=r"dot\.safetensors is of the space pixels, got unshuffled:2"):
        open_transport(path, 3, Unshuffled(2))
    with pytest.raises(ValueError, match=r"is of the space mine, which must be given"):
        open_transport(mine, 3)
    with pytest.raises(ValueError, match=r"made\.safetensors is no transport, which pscgan transport writes"):
        open_transport(exported(tmp_path), 3)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match="damaged or cut short"):
        open_transport(path, 3)


def test_a_model_that_a_file_names_is_not_opened(tmp_path, monkeypatch):
    space = OneSpace()
    space.name = "bundled:autoencoder"
    path = written(tmp_path / "dot.safetensors", space=space)
    monkeypatch.setattr("pscgan.train.inference.transport.load", None)
    with pytest.raises(ValueError, match="is of the space bundled:autoencoder, which must be given"):
        open_transport(path, 3)


def test_unpaired_images_are_those_that_were_not_restored():
    names = [f"{number}.png" for number in range(9)]
    degraded, clean = degraded_and_clean(names, 0, unpaired=True)
    assert sorted(degraded + clean) == names
    assert len(degraded) == 4
    assert degraded_and_clean(names, 0, unpaired=False) == (degraded + clean, degraded + clean)
    assert degraded_and_clean(names, 1, unpaired=True) != (degraded, clean)


def test_crops_and_their_noise_are_a_function_of_the_seed():
    images = ImageSource("bundled:photos")
    first, again, other = (list(crops(images, images.names[:2], 3, 48, seed)) for seed in (0, 0, 1))
    assert [tuple(crop.shape) for crop in first] == [(1, 3, 48, 48)] * 3
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    assert not torch.equal(first[0], first[2])  # another place of the same image
    same = Deterministic(lambda y: y.degraded)
    for sigma, noise in ((None, GaussianNoise(20)), (20, GaussianNoise([5, 50]))):
        noisy = torch.cat(list(restorations(same, noise, first, 0, sigma))) - torch.cat(first)
        assert float(noisy.std()) == pytest.approx(20 / 255, rel=4 * (2 * noisy.numel()) ** -0.5)  # standard errors


def test_what_has_no_such_noise_is_refused():
    with pytest.raises(ValueError, match="sigma is 20; the model was trained on Quantisation, which has none"):
        list(restorations(BLUR, built("quantise"), [textures(3, 1)[:1]], 0, 20))
    with pytest.raises(ValueError, match="nothing makes y of a clean picture"):
        list(restorations(BLUR, built("recorded"), [textures(3, 1)[:1]], 0))


def test_alpha_one_is_the_restorer(tmp_path, measurement):
    path = written(tmp_path / "dot.safetensors")
    method = Transported(BLUR, path, GaussianNoise(50), alpha=1)
    assert torch.equal(method.restore(measurement, 1, [0, 1]), BLUR.restore(measurement, 1, [0, 1]))
    full = method.at(0, measurement, 1, [0, 1])
    expected = open_transport(path, 3)(BLUR.restore(measurement, 1, [0, 1])[0], 0.0, [0, 1])
    torch.testing.assert_close(full[0], expected)
    assert not method.stochastic


def test_samples_are_transported_each_and_what_is_drawn_differs(tmp_path, measurement):
    drawn = Transported(BLUR, written(tmp_path / "still.safetensors", still=True), GaussianNoise(50))
    assert drawn.stochastic
    two = drawn.restore(measurement, 2, [0, 1])
    assert not torch.equal(two[0], two[1])
    torch.testing.assert_close(drawn.restore(measurement[1:], 1, [1]), two[:1, 1:])
    sampler = Transported(str(exported(tmp_path)), written(tmp_path / "dot.safetensors"), GaussianNoise(50))
    three = sampler.restore(measurement, 3, [0, 1])
    torch.testing.assert_close(sampler.restore(measurement[1:], 2, [1]), three[:2, 1:], atol=1e-5, rtol=0)
    torch.testing.assert_close(three[2], sampler.map(sampler.of.restore(measurement, 3, [0, 1])[2], 0.0, [0, 1], 3))


def test_a_model_of_a_range_is_told_the_level_of_noise_at_one(tmp_path, measurement):
    model = str(exported(tmp_path, degradation={"_target_": NOISE, "sigma": [5, 75]}, maps=1))
    method = Transported(model, written(tmp_path / "dot.safetensors"), GaussianNoise(50), alpha=1)
    y = GaussianNoise([5, 75]).at_levels(measurement.degraded, torch.full((2,), 50 / 255))
    torch.testing.assert_close(method.restore(measurement, 2, [0, 1]), pscgan.load(model).sample(y, 2, seed=[0, 1]))


def test_without_noise_the_result_explains_y(tmp_path):
    degradation, clean = built("sr4"), textures(3, 5)[:2]
    measurement = degradation(clean, Rng(0, "noise", [0, 1]))
    method = Transported(BLUR, written(tmp_path / "dot.safetensors"), degradation)
    (found,) = method.restore(measurement, 1, [0, 1])
    assert degradation.residual(found, measurement).max() < 1e-3  # grey levels: rounding of fp32


def test_an_evaluation_takes_it_and_sweeps_alpha(tmp_path, measurement):
    made, path = str(exported(tmp_path)), str(written(tmp_path / "dot.safetensors"))
    target = {"_target_": "pscgan.train.inference.transported.Transported", "_partial_": True}
    given = {"a": {**target, "of": made, "map": path, "alpha": 0.5}, "b": {**target, "of": made, "map": path}}
    opened = Methods(given, CPU)
    half, full = (method.restorer for method in opened.build(GaussianNoise(50)))
    assert set(opened.weights) == {"a", "b"}
    clean = textures(3, 5)[:2]
    found = TemperatureSweep([0.5], 10, 0, [0.0, 0.5, 1.0]).metrics(full, clean, measurement, [0, 1])
    assert list(found) == [("sigma_z", 0.5), ("alpha", 0.0), ("alpha", 0.5), ("alpha", 1.0)]
    for alpha, expected in (
        (0.5, half.restore(measurement, 1, [0, 1])),
        (1.0, full.of.restore(measurement, 1, [0, 1])),
    ):
        torch.testing.assert_close(expected, full.at(alpha, measurement, 1, [0, 1]))
    assert len({float(found["alpha", alpha].error) for alpha in (0.0, 0.5, 1.0)}) == 3
    with pytest.raises(ValueError, match=r"methods\.dot\.of must be given"):
        Methods(["dot"], CPU).build(GaussianNoise(50))
    with pytest.raises(ValueError, match=r"alpha must be a number in \[-1, 2\], got 3"):
        TemperatureSweep([], 10, 0, [3.0])
