"""A generator that unfolds is told A wherever it is used, and what has none is refused before any work."""

from functools import partial

import pytest
import torch

import pscgan
from pscgan.data.degradation import LinearDegradation
from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.models.unfolded import Unfolded
from pscgan.rng import Rng
from pscgan.train.data_step import data_step
from pscgan.train.export.export import export
from pscgan.train.inference.windows import Window
from pscgan.train.restore.open_image import ImageOpener
from pscgan.train.restore.tiling import Tiling
from pscgan.train.sampling import GeneratorSampler, ProjectedDecoder

from ..data.test_degradations import YAMLS, built
from .restore.pictures import png
from .tiny import LIGHTNING_SAYS, run

pytestmark = LIGHTNING_SAYS
UNFOLDED = ("generator=unfolded", "generator.levels=2", "images=16", "evaluation.every_images=16")


def rng(*numbers):
    return Rng(0, "data step", numbers)


def measured(degradation, size=(12, 12), channels=3):
    return degradation(rng(1, 2).rand(channels, *size), rng(1, 2))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Of a border that is periodic, and of samples that are projected."""
    return {
        task: run(tmp_path_factory.mktemp(task), f"degradation={task}", *UNFOLDED) for task in ("blur_gaussian", "sr4")
    }


@pytest.mark.parametrize("yaml", YAMLS)
def test_the_step_of_a_linear_degradation_has_gradients_and_another_is_refused(yaml):
    """Also after an inference, which may have filled caches."""
    degradation, generator = built(yaml), Unfolded(3, 3, width=4, levels=2)
    if not isinstance(degradation, LinearDegradation):
        for made in (GeneratorSampler, partial(ProjectedDecoder, project=True)):
            with pytest.raises(ValueError, match=type(degradation).__name__):
                made(generator, degradation)
        return
    clean = rng(1, 2).rand(3, 16, 16).double()
    step = data_step(degradation, degradation(clean, rng(1, 2)))
    x, beta = rng(5, 6).rand(3, 16, 16).double(), torch.tensor(50.0, dtype=torch.float64)
    with torch.inference_mode():
        step(x, beta)
    assert torch.autograd.gradcheck(step, (x.requires_grad_(), beta.requires_grad_()), fast_mode=True)


def test_of_white_noise_it_is_the_mean_of_x_and_y_by_their_variances():
    degradation = GaussianNoise([10, 100])
    measurement, beta, x = measured(degradation), torch.tensor(30.0), rng(5, 6).rand(3, 12, 12)
    weight = measurement.params["sigma"].view(-1, 1, 1, 1) ** -2
    expected = (weight * measurement.degraded + beta * x) / (weight + beta)
    torch.testing.assert_close(data_step(degradation, measurement)(x, beta), expected)


def test_of_white_noise_gradients_reach_y_as_an_attack_needs_them():
    degradation, x = GaussianNoise(50), rng(5, 6).rand(3, 12, 12)
    y = rng(3, 4).rand(3, 12, 12).requires_grad_()
    step = data_step(degradation, degradation.measure(y))
    (gradient,) = torch.autograd.grad(step(x, torch.tensor(26.01)).sum(), y)  # as much as σ⁻²
    torch.testing.assert_close(gradient, torch.full_like(gradient, 0.5))


def test_it_is_in_fp32_under_autocast():
    degradation = built("sr4_bicubic.yaml")
    step, beta, x = data_step(degradation, measured(degradation)), torch.tensor(30.0), rng(5, 6).rand(3, 12, 12)
    with torch.autocast("cpu", torch.bfloat16):
        found = step(x.bfloat16(), beta)
    torch.testing.assert_close(found, step(x.bfloat16().float(), beta), rtol=0, atol=0)


def test_an_export_gives_the_samples_of_its_run_which_explain_y(runs, tmp_path):
    for task, folder in runs.items():
        trained, loaded = (pscgan.load(path) for path in (folder, export(folder, tmp_path / f"{task}.safetensors")[0]))
        measurement = measured(loaded.degradation, size=(20, 28))
        samples = loaded.sample(measurement, 3, seed=4)
        assert torch.equal(samples, trained.sample(measurement, 3, seed=4))
        assert samples.shape == (3, 2, 3, 20, 28)
        if task == "sr4":
            assert loaded.degradation.residual(samples[2], measurement).max() < 1e-3


def test_graphs_and_images_alone_are_refused(runs, tmp_path):
    for out in ("model.onnx", "model.pt2", "folder"):
        with pytest.raises(ValueError, match="data step"):
            export(runs["sr4"], tmp_path / out)
    with pytest.raises(ValueError, match="Measurement"):
        pscgan.load(runs["sr4"]).sample(torch.rand(3, 16, 16), 1)


@pytest.mark.parametrize("task", ["blur_gaussian", "sr4"])
def test_a_picture_is_one_tile_with_the_samples_of_its_measurement(runs, tmp_path, task):
    sampler = pscgan.load(runs[task])
    y = ImageOpener(sampler, degrade=True, seed=1).open(png(tmp_path / "x.png", (144, 96)))
    tiling, whole = Tiling(sampler, 64), Window(0, 0, y.info.height, y.info.width)
    assert tiling.windows(y) == [whole]
    samples = torch.stack(list(tiling.draw(y, whole, 2, seed=3)))
    torch.testing.assert_close(samples, sampler.sample(y.measurement(whole), 2, seed=3), rtol=0, atol=1e-6)
