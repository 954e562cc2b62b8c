"""A loaded sampler as an object of Python: copied, sent, shared, under any setting, its samples are the same."""

import copy
import pickle
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context

import numpy as np
import pytest
import torch
from torch import multiprocessing as torch_multiprocessing

import pscgan
from pscgan.data.measurement import Measurement
from pscgan.rng import Rng
from pscgan.train.export.export import export

from ...torch_defaults import OTHERS, torch_default
from ..tiny import LIGHTNING_SAYS, run

pytestmark = LIGHTNING_SAYS


@pytest.fixture(scope="module")
def y():
    return torch.rand(2, 3, 20, 24, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """One of each kind of name."""
    folder = run(tmp_path_factory.mktemp("run"), "images=16")
    file = export(folder, folder / "model.safetensors")[0]
    return {"run": folder, "checkpoint": folder / "last.ckpt", "export": file, "bundled": "bundled:demo"}


@pytest.fixture(scope="module", params=["run", "checkpoint", "export", "bundled"])
def sampler(request, models):
    return pscgan.load(models[request.param])


@pytest.fixture(scope="module")
def demo():
    return pscgan.load("bundled:demo")


def saved(sampler):
    return pickle.loads(pickle.dumps(sampler))


@pytest.mark.parametrize("copied", [saved, copy.deepcopy, copy.copy])
def test_a_copy_gives_the_same_samples(sampler, copied, y):
    assert torch.equal(copied(sampler).sample(y, 2, seed=3), sampler.sample(y, 2, seed=3))


@pytest.mark.parametrize("copied", [saved, copy.deepcopy])
def test_a_deep_copy_has_weights_of_its_own(sampler, copied, y):
    expected, other = sampler.sample(y, 2, seed=3), copied(sampler)
    for weight in other.generator.parameters():
        weight.zero_()
    assert torch.equal(sampler.sample(y, 2, seed=3), expected)
    assert not torch.equal(other.sample(y, 2, seed=3), expected)


def test_how_it_computes_is_copied():
    sampler = saved(pscgan.load("bundled:demo", samples_per_pass=3, precision="bf16"))
    assert (sampler.restorer.config.samples_per_pass, sampler.restorer.config.precision) == (3, "bf16")


def test_a_model_of_deepinv_is_copied(demo, y):
    pytest.importorskip("deepinv")
    from pscgan.train.inference.deepinv import MmseDenoiser

    denoiser = MmseDenoiser(demo, k=2)
    for other in (saved(denoiser), copy.deepcopy(denoiser)):
        assert torch.equal(other(y, 50 / 255), denoiser(y, 50 / 255))


@pytest.mark.parametrize("other", OTHERS, ids=str)
@pytest.mark.parametrize("name", ["bundled:demo", "bundled:jpeg"])
def test_defaults_of_torch_change_nothing(name, other, y):
    def draw(sampler):
        measurement = sampler.degradation(y, Rng(0, "y", [0, 1]))
        return [sampler.sample(measurement, 2, seed=3), sampler.mean(measurement, 2), sampler.std(measurement, 2)]

    before = pscgan.load(name)
    expected = draw(before)
    with torch_default(other):
        found = [draw(before), draw(pscgan.load(name))]
    for samples in found:
        assert [tensor.dtype for tensor in samples] == 3 * [torch.float32]
        assert all(map(torch.equal, samples, expected))


@pytest.mark.parametrize("name", ["bundled:demo", "bundled:nothing"])
def test_a_default_is_as_it_was_after_loading(name):
    with torch_default(torch.float64):
        with suppress(ValueError):
            pscgan.load(name)
        assert torch.get_default_dtype() == torch.float64


CONTEXTS = {
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "inference_mode": torch.inference_mode,
    "enable_grad": torch.enable_grad,
    "no_grad": torch.no_grad,
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_a_context_changes_nothing(name, demo, y):
    expected = demo.sample(y, 2, seed=3), demo.mean(y, 2), demo.std(y, 2)
    with CONTEXTS[name]():
        sampler, grad = pscgan.load("bundled:demo"), torch.is_grad_enabled()
        for found in (demo, sampler):
            samples = found.sample(y.clone().requires_grad_(), 2, seed=3), found.mean(y, 2), found.std(y, 2)
            assert all(map(torch.equal, samples, expected))
        assert torch.is_grad_enabled() == grad
    assert not sampler.sample(y.clone().requires_grad_(), 1).requires_grad
    given = y.clone().requires_grad_()
    sampler.restorer.restore(Measurement(given), 1, [0, 1]).sum().backward()  # not kept from gradients for good
    assert given.grad.any()


def test_global_generators_are_neither_read_nor_moved(demo, y):
    expected = demo.sample(y, 2, seed=3)
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002  the global one
    random.seed(1)
    states = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    assert torch.equal(pscgan.load("bundled:demo").sample(y, 2, seed=3), expected)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (np.random.get_state()[1].tolist(), random.getstate()) == states[1:]  # noqa: NPY002


WHOLE = [np.int64(2), np.int32(2), np.uint8(2), np.array(2), torch.tensor(2), torch.tensor(2, dtype=torch.int32)]


@pytest.mark.parametrize("two", WHOLE, ids=repr)
def test_every_kind_of_whole_number_is_one(two, demo, y):
    assert torch.equal(demo.sample(y, two, seed=two), demo.sample(y, 2, seed=2))
    assert torch.equal(demo.mean(y, two, seed=[two, two]), demo.mean(y, 2, seed=2))


@pytest.mark.parametrize("wrong", [None, True, np.True_, torch.tensor(True), 2.0, "2", b"2", torch.tensor(2.0)])
def test_what_is_no_whole_number_is_refused(wrong, demo, y):
    with pytest.raises(ValueError, match="k must be a whole number >= 1"):
        demo.sample(y, wrong)
    for seed in (wrong, [0, wrong]):
        with pytest.raises(ValueError, match="seed must be a whole number"):
            demo.mean(y, 2, seed)


@pytest.mark.parametrize("seeds", [(1, 2), range(1, 3), np.array([1, 2]), torch.tensor([1, 2])], ids=repr)
def test_seeds_come_in_any_sequence(seeds, demo, y):
    assert torch.equal(demo.sample(y, 1, seed=seeds), demo.sample(y, 1, seed=[1, 2]))


@pytest.mark.parametrize("sigma_z", [None, "1", torch.ones(2), -1, float("nan")])
def test_a_sigma_z_that_is_no_number_is_refused(sigma_z, demo, y):
    with pytest.raises(ValueError, match="sigma_z must be a number"):
        demo.sample(y, 1, sigma_z=sigma_z)


class Subclass(torch.Tensor):
    """As torchvision and others have."""


def test_storage_of_an_image_makes_no_difference(demo, y):
    expected = demo.sample(y, 2, seed=3)
    ways = [
        y.to(memory_format=torch.channels_last),
        y.mT.contiguous().mT,
        y.flip(-1).contiguous().flip(-1),
        y.double(),
        y.as_subclass(Subclass),
        torch.nn.Parameter(y),
        Measurement(y.double()),
    ]
    for image in ways:
        samples = demo.sample(image, 2, seed=3)
        assert type(samples) is torch.Tensor
        assert torch.equal(samples, expected)
    assert demo.sample(y.half(), 2, seed=3).dtype == torch.float32


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (torch.zeros(3, 8, 8).to_sparse(), "dense tensor .*sparse"),
        (torch.zeros(3, 8, 8, device="meta"), "dense tensor .* meta"),
        (torch.zeros(3, 8, 8, dtype=torch.complex64), "float or uint8, got torch.complex64"),
        (Measurement(torch.full((1, 3, 8, 8), torch.nan)), "not finite"),
        (Measurement(torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)), r"maps of shape \(1, 1, 8, 8\); .* None"),
    ],
)
def test_what_cannot_be_computed_with_is_refused(image, words, demo):
    with pytest.raises(ValueError, match=words):
        demo.sample(image, 1)


def test_threads_share_it(demo, y):
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda seed: demo.sample(y, 2, seed=seed), range(8)))
    assert all(torch.equal(samples, demo.sample(y, 2, seed=seed)) for seed, samples in enumerate(drawn))


def first_sample(sampler, y):
    return sampler.sample(y, 1, seed=3).numpy()


@pytest.mark.integration
@pytest.mark.parametrize("method", ["spawn", "fork"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_processes_are_given_it(method, demo, y):
    for multiprocessing in (get_context(method), torch_multiprocessing.get_context(method)):
        with multiprocessing.Pool(1) as pool:
            assert np.array_equal(pool.apply(first_sample, (demo, y)), first_sample(demo, y))
