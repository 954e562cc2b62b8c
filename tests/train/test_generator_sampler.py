"""A generator as a restorer: faster ways give the same samples."""

import pytest
import torch

import pscgan
from pscgan.rng import Rng
from pscgan.train.sampling import InferenceConfig

from .export.exporting import exported


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return exported(tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def y():
    return torch.rand(2, 3, 21, 30, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("samples_per_pass", [2, 5, 100])
def test_samples_of_one_pass_are_those_of_many(samples_per_pass, file, y):
    one = pscgan.load(file).sample(y, 5, seed=1)
    together = pscgan.load(file, samples_per_pass=samples_per_pass).sample(y, 5, seed=1)
    torch.testing.assert_close(together, one, atol=1e-5, rtol=0)


def test_bf16_is_near_and_comes_as_fp32(file, y):
    exact, near = (pscgan.load(file, precision=p).sample(y, 3) for p in ("fp32", "bf16"))
    assert near.dtype == torch.float32
    error = (near - exact).abs().max()
    assert 0 < error < 0.02


def test_nothing_of_it_stays_behind(file, y):
    for sample in pscgan.load(file, precision="bf16").sample(y, 2):
        assert not torch.is_autocast_enabled("cpu")
        assert not sample.requires_grad
    assert torch.is_grad_enabled()


@pytest.mark.slow
def test_compiled_is_the_same(file, y):
    exact = pscgan.load(file).sample(y, 3)
    torch.testing.assert_close(pscgan.load(file, compile=True).sample(y, 3), exact, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"samples_per_pass": 0}, "samples_per_pass must be >= 1, got 0"),
        ({"precision": "fp8"}, "precision .* fp8"),
    ],
)
def test_what_is_not_allowed_is_named(arguments, said):
    with pytest.raises(ValueError, match=said):
        InferenceConfig(**arguments)


@pytest.mark.gpu
@pytest.mark.parametrize("model", ["bundled:demo", "bundled:jpeg"])
@pytest.mark.parametrize(
    ("options", "allowed"),
    [({}, 5e-3), ({"samples_per_pass": 3}, 5e-3), ({"precision": "bf16"}, 0.1), ({"compile": True}, 5e-3)],
)
def test_a_gpu_gives_the_samples_of_the_cpu(model, options, allowed):
    """z is drawn on the CPU for both; convolutions of a GPU may round to TF32."""
    on_cpu, on_gpu = pscgan.load(model), pscgan.load(model, "cuda", **options)
    clean = torch.rand(2, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    measurement = on_cpu.degradation(clean, Rng(0, "y", [0, 1]))
    drawn, expected = (sampler.sample(measurement, 3, seed=[1, 2]) for sampler in (on_gpu, on_cpu))
    assert drawn.is_cuda
    assert (drawn.cpu() - expected).abs().max() < allowed
    spread = on_gpu.std(measurement, 3, seed=[1, 2])
    assert (spread.cpu() - on_cpu.std(measurement, 3, seed=[1, 2])).abs().max() < allowed
