"""The average of the generator."""

import pytest
import torch
from torch import nn

from pscgan.train.ema import Ema


def linear(value):
    layer = nn.Linear(3, 2)
    nn.init.constant_(layer.weight, value)
    nn.init.constant_(layer.bias, value)
    return layer


def test_a_constant_target_is_half_reached_after_one_halflife():
    ema, target = Ema(halflife_images=1000, rampup=1e9), linear(1.0)
    ema.start(linear(0.0))
    for step in range(1, 101):
        ema.update(target, new_images=10, images_seen=10 * step)
    assert torch.allclose(ema.average.weight, torch.full((2, 3), 0.5), atol=1e-5)


def test_does_not_depend_on_the_batch_size():
    assert Ema(500, 1e9).kept(20, 20) == pytest.approx(Ema(500, 1e9).kept(10, 20) ** 2)


def test_rampup_shortens_the_halflife_at_first():
    ema = Ema(halflife_images=1000, rampup=0.05)
    assert ema.kept(10, images_seen=200) == pytest.approx(0.5)
    assert ema.kept(10, images_seen=10**9) == pytest.approx(0.5**0.01)


def test_zero_halflife_copies():
    ema, generator = Ema(halflife_images=0), linear(3.0)
    ema.start(linear(0.0))
    ema.update(generator, 4, 4)
    assert torch.equal(ema.average.weight, generator.weight)


def test_buffers_are_copied_and_the_average_never_trains():
    generator = nn.BatchNorm1d(2)
    ema = Ema(1000)
    ema.start(generator)
    generator.running_mean.fill_(7.0)
    ema.train()
    ema.update(generator, 1, 1)
    assert torch.equal(ema.average.running_mean, torch.full((2,), 7.0))
    assert not ema.average.training
    assert not any(parameter.requires_grad for parameter in ema.average.parameters())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [({"halflife_images": -1}, "halflife_images .* got -1"), ({"halflife_images": 1, "rampup": 0}, "rampup .* got 0")],
)
def test_bad_arguments_are_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        Ema(**arguments)
