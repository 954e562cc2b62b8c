"""What only a GPU can show, in minutes: ``uv run pytest -m gpu``. Samples are compared in test_generator_sampler.py."""

import contextlib
import math
import warnings

import pytest
import torch
import torch.distributed as dist
from torch import nn

import pscgan
from pscgan.data.jpeg import codec
from pscgan.data.jpeg.coefficients import SAMPLINGS
from pscgan.data.jpeg.quantisation import tables_of_quality
from pscgan.rng import Rng
from pscgan.scripts.benchmarks import throughput
from pscgan.train import batch as batch_module
from pscgan.train.build import build_training
from pscgan.train.distributed import collectives
from pscgan.train.export.export import export

from .tiny import LIGHTNING_SAYS, config_of, result, run

pytestmark = [pytest.mark.gpu, *LIGHTNING_SAYS]
DEVICE = "cuda"
PRECISIONS = ["fp32", "bf16"]
PENALTIES = ["logistic", "wasserstein", "relativistic_fd"]  # R1, that of WGAN-GP, R1 and R2 by finite differences
SGD = {"_target_": "torch.optim.SGD", "_partial_": True, "lr": 1.0}  # a step is the gradient


class DrawnOnCpu(Rng):
    """The same numbers for any device."""

    def __init__(self, seed, stream, numbers, device="cpu"):
        super().__init__(seed, stream, numbers)
        self.of = device

    def __getitem__(self, images):
        part = DrawnOnCpu(0, "", (), self.of)
        part.generators = self.generators[images]
        return part

    def _each(self, draw):
        return super()._each(draw).to(self.of)


def training_on(device, folder, *overrides, optimizer=None):
    """The step of a tiny run that has not begun."""
    config = config_of(folder, *overrides)
    if optimizer:
        config.generator_optimizer = config.critic_optimizer = optimizer
    training = build_training(config)
    training.gan_step.to(device)
    return training.gan_step


def images(device, count=4):
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(0)).to(device)


def autocast(precision):
    return torch.autocast(DEVICE, torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()


@pytest.fixture
def without_tf32():
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_run_trains_resumes_and_its_model_works_on_both_devices(precision, tmp_path):
    options = ("trainer=gpu", f"precision={precision}")
    run(tmp_path, *options, "images=32")
    folder = run(tmp_path, *options, "images=48", "allow_changed_config=true")
    scores = result(folder)
    assert scores["images_seen"] == 48
    assert scores["nonfinite_steps"] == 0
    assert all(math.isfinite(score) for score in scores.values())
    noisy = images("cpu", 1)
    drawn, expected = (pscgan.load(folder, device).sample(noisy, 2) for device in (DEVICE, "cpu"))
    assert drawn.device.type == DEVICE
    torch.testing.assert_close(drawn.cpu(), expected, atol=5e-3, rtol=0)


@pytest.mark.usefixtures("without_tf32")
@pytest.mark.parametrize("adversarial", PENALTIES)
def test_a_step_changes_the_weights_as_on_the_cpu(adversarial, tmp_path, monkeypatch):
    """Forward, both backward passes and the double backward of gradient penalties."""
    monkeypatch.setattr(batch_module, "Rng", DrawnOnCpu)
    steps = {
        device: training_on(device, tmp_path / device, f"adversarial={adversarial}", optimizer=SGD)
        for device in ("cpu", DEVICE)
    }
    before = {name: value.clone() for name, value in steps["cpu"].state_dict().items() if torch.is_tensor(value)}
    for device, step in steps.items():
        step.train_batch(images(device), range(4))
    moved = 0
    for (name, on_cpu), on_gpu in zip(steps["cpu"].named_parameters(), steps[DEVICE].parameters(), strict=True):
        change, expected = on_gpu.detach().cpu() - before[name], on_cpu.detach() - before[name]
        moved += bool(expected.any())
        torch.testing.assert_close(change, expected, atol=1e-3 * float(expected.abs().max()) + 1e-7, rtol=1e-3)
    assert moved > 10


@pytest.mark.parametrize("adversarial", PENALTIES)
def test_gradients_of_penalties_under_bf16_are_finite(adversarial, tmp_path):
    step = training_on(DEVICE, tmp_path, f"adversarial={adversarial}")
    with autocast("bf16"):
        for first in (0, 4, 8):
            step.train_batch(images(DEVICE), range(first, first + 4))
    assert step.progress.nonfinite_steps == 0
    assert all(parameter.isfinite().all() for parameter in step.parameters())


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_host_waits_once_an_optimiser_step(precision, tmp_path):
    step = training_on(DEVICE, tmp_path, "adversarial=wasserstein")
    numbers, clean = iter(range(0, 40, 4)), images(DEVICE)
    with autocast(precision):
        step.train_batch(clean, range(next(numbers), 4))
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("warn")
        try:
            with warnings.catch_warnings(record=True) as waits:
                warnings.simplefilter("always")
                step.train_batch(clean, range(4, 8))
        finally:
            torch.cuda.set_sync_debug_mode("default")
    said = [str(wait.message) for wait in waits if "synchroniz" in str(wait.message)]
    assert len(said) <= len(step.networks), said


@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:0"])
def test_jpeg_is_as_exact_as_on_the_cpu(sampling):
    clean = (255 * images("cpu")).round()
    found = {}
    for device in ("cpu", DEVICE):
        tables = tables_of_quality(torch.tensor([10, 50, 75, 95]), 3).to(device)
        coded = codec.encode(clean.to(device), tables, SAMPLINGS[sampling])
        found[device] = [codec.decode(coded).cpu(), *(levels.cpu() for levels in coded.levels)]
    assert all(torch.equal(*pair) for pair in zip(found["cpu"], found[DEVICE], strict=True))


def test_gradients_travel_over_nccl(monkeypatch):
    """One process is enough to see that buckets of device tensors are reduced and come back whole."""
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    dist.init_process_group("cpu:gloo,cuda:nccl", store=store, rank=0, world_size=1)
    monkeypatch.setattr(collectives, "world_size", lambda: 2)
    try:
        network = nn.Linear(3, 3).to(DEVICE)
        network(torch.ones(2, 3, device=DEVICE)).sum().backward()
        expected = [parameter.grad.clone() for parameter in network.parameters()]
        collectives.sum_over_ranks(network.parameters())
        assert all(torch.equal(p.grad, gradient) for p, gradient in zip(network.parameters(), expected, strict=True))
    finally:
        dist.destroy_process_group()


def test_ranks_on_all_gpus_train(tmp_path):
    """``trainer=ddp`` with the GPUs there are; one of them is one process."""
    folder = run(tmp_path, "trainer=ddp", "precision=bf16", f"trainer.devices={min(2, torch.cuda.device_count())}")
    assert result(folder)["images_seen"] == 48


def test_what_was_trained_here_is_exported_and_read(tmp_path):
    folder = run(tmp_path / "run", "trainer=gpu", "precision=bf16")
    files = export(folder, tmp_path / "made")
    assert {".safetensors", ".pt2", ".onnx"} <= {file.suffix for file in files}
    y = images("cpu", 1)
    exported = pscgan.load(tmp_path / "made", DEVICE).sample(y, 2)
    torch.testing.assert_close(exported, pscgan.load(folder, DEVICE).sample(y, 2), atol=5e-3, rtol=0)


def test_throughput_is_measured_beside_the_baseline(capsys):
    throughput.main(["experiment=demo", "--rounds", "2", "--against", "experiment=demo", "baseline=mmse"])
    assert "train images/s" in capsys.readouterr().out
