"""A run in bf16 from its first batch to its result, on the CPU."""

import csv
import math

import pytest
import torch
from torch import nn

from pscgan.train import run as program
from pscgan.train.lightning_module import SamplerModule

from .test_resume import Killed, at, images_in, kill
from .tiny import LIGHTNING_SAYS, assert_same_run, config_of, run

pytestmark = LIGHTNING_SAYS
BF16 = ("precision=bf16", "images=16", "evaluation.every_images=8", "dataset.validation=2")


def weights(folder):
    state = torch.load(folder / "last.ckpt", weights_only=True)["gan_step"]
    return {name: tensor for name, tensor in state.items() if name.endswith("weight")}


def test_convolutions_run_in_bf16_and_a_run_that_was_killed_ends_with_the_same_bits(tmp_path, monkeypatch):
    dtypes, build = set(), program.build_training

    def build_watched(config):
        training = build(config)
        for layer in training.gan_step.generator.modules():
            if isinstance(layer, nn.Conv2d):
                layer.register_forward_hook(
                    lambda layer, inputs, output: dtypes.add((layer.weight.dtype, output.dtype))
                )
        return training

    with monkeypatch.context() as patch:
        patch.setattr(program, "build_training", build_watched)
        unbroken = run(tmp_path / "unbroken", *BF16)
    assert dtypes == {(torch.float32, torch.bfloat16)}
    with (unbroken / "metrics.csv").open() as file:
        values = [float(text) for row in csv.DictReader(file) for text in row.values() if text]
    assert len(values) > 20
    assert all(map(math.isfinite, values))
    trained = weights(unbroken)
    assert all(tensor.dtype == torch.float32 and tensor.isfinite().all() for tensor in trained.values())
    fresh = build(config_of(tmp_path / "fresh", *BF16)).gan_step.state_dict()
    assert not any(
        torch.equal(tensor, fresh[name]) for name, tensor in trained.items() if name.startswith("generator.")
    )
    with monkeypatch.context() as patch:
        at(patch, (SamplerModule, "training_step"), 12, kill)
        with pytest.raises(Killed):
            run(tmp_path / "run", *BF16)
    assert images_in(tmp_path / "run") == 8
    assert_same_run(run(tmp_path / "run", *BF16), unbroken)
