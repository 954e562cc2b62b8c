"""Models that are evaluated compute as the evaluation asks."""

import pytest
import torch

import pscgan
from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.degradations.quantisation import Quantisation
from pscgan.data.measurement import Measurement
from pscgan.rng import Rng
from pscgan.train.evaluation.methods import Methods
from pscgan.train.evaluation.naming import named_values

from ..export.exporting import exported

CPU = torch.device("cpu")


def test_samples_per_pass_reaches_the_restorer_and_leaves_the_samples(tmp_path):
    model = str(exported(tmp_path))
    one, few = Methods([model], CPU), Methods([model], CPU, samples_per_pass=3)
    methods = [opened.build(opened.loaded["made"].degradation)[0] for opened in (one, few)]
    assert [method.restorer.config.samples_per_pass for method in methods] == [1, 3]
    y = Measurement(torch.rand(2, 3, 20, 24, generator=torch.Generator().manual_seed(0)))
    samples = [method.restorer.restore(y, 4, [0, 1]) for method in methods]
    torch.testing.assert_close(*samples)


def test_samples_per_pass_below_1_are_refused(tmp_path):
    with pytest.raises(ValueError, match="samples_per_pass"):
        Methods([str(exported(tmp_path))], CPU, samples_per_pass=0)


@pytest.mark.parametrize("name", ["run\udcff", "a\nb", ".hidden", "a/b", ""])
def test_a_name_that_no_folder_or_page_can_have_is_refused(name):
    with pytest.raises(ValueError, match="name of a method"):
        named_values({name: "degraded"})


def test_a_model_of_any_level_is_told_that_of_an_evaluation_at_one():
    noise, clean = GaussianNoise(50), torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    at_50 = noise(clean, Rng(0, "noise", [0]))
    (method,) = Methods(["bundled:denoiser"], CPU).build(noise)
    model = pscgan.load("bundled:denoiser")
    want = model.sample(model.degradation.measure(at_50.degraded, sigma=50), k=1)
    torch.testing.assert_close(method.restorer.restore(at_50, 1, [0]), want)


def test_a_model_that_lacks_the_maps_of_another_degradation_is_named():
    with pytest.raises(ValueError, match="takes 1 condition maps"):
        Methods(["bundled:denoiser"], CPU).build(Quantisation(5))
