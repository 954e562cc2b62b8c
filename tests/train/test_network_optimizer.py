"""A network's optimiser: options come from the config, moments from the checkpoint, every group has its own rate."""

import copy

import pytest
import torch
from torch import nn

from pscgan.train.network_optimizer import NetworkOptimizer

OPTIONS = {"lr": 0.01, "betas": (0.9, 0.999), "weight_decay": 0.0, "eps": 1e-8}
CHANGED = {"lr": 0.02, "betas": (0.5, 0.9), "weight_decay": 0.1, "eps": 1e-3}


def network_optimizer(**options):
    module = nn.Linear(2, 1, bias=False)
    nn.init.ones_(module.weight)
    return NetworkOptimizer(module, torch.optim.AdamW(module.parameters(), **(OPTIONS | options)))


def step(one, gradient, factor=1.0):
    (parameter,) = one.network.parameters()
    parameter.grad = torch.full_like(parameter, gradient)
    return one.step(factor)


@pytest.mark.parametrize("name", CHANGED)
def test_an_option_changed_before_continuing_takes_effect(name):
    """The same as if the option had been changed in the running optimiser, and not the same as without the change."""
    before = network_optimizer()
    step(before, 1.0)
    kept, changed = network_optimizer(), network_optimizer(**{name: CHANGED[name]})
    for other in (kept, changed):
        other.network.load_state_dict(before.network.state_dict())
        other.load_state_dict(copy.deepcopy(before.state_dict()))
    assert changed.optimizer.param_groups[0][name] == CHANGED[name]
    before.optimizer.param_groups[0][name] = CHANGED[name]
    if name == "lr":
        before._peak_rates = [CHANGED["lr"]]
    for one in (before, kept, changed):
        step(one, 0.3)
    assert torch.equal(changed.network.weight, before.network.weight)
    assert not torch.equal(changed.network.weight, kept.network.weight)


def test_without_a_change_it_continues_bit_for_bit():
    unbroken, first, second = network_optimizer(), network_optimizer(), network_optimizer()
    for gradient in (1.0, -0.5):
        step(unbroken, gradient)
        step(first, gradient)
    second.network.load_state_dict(first.network.state_dict())
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for one in (unbroken, second):
        step(one, 0.3)
    assert torch.equal(unbroken.network.weight, second.network.weight)


@pytest.mark.parametrize("stored", [torch.contiguous_format, torch.channels_last])
def test_moments_stored_in_either_layout_of_memory_continue_alike(stored):
    """Fused Adam goes by places in memory, in which weight and moments must agree."""
    gradients = torch.randn(3, 4, 3, 2, 2, generator=torch.Generator().manual_seed(0))

    def at(layout):
        module = nn.Conv2d(3, 4, 2, bias=False).to(memory_format=layout)
        nn.init.ones_(module.weight)
        return NetworkOptimizer(module, torch.optim.Adam(module.parameters(), lr=0.1, fused=True))

    def steps(one, gradients):
        for gradient in gradients:
            one.network.weight.grad = torch.empty_like(one.network.weight).copy_(gradient)
            one.step(1.0)

    unbroken, first, second = at(torch.channels_last), at(stored), at(torch.channels_last)
    steps(unbroken, gradients)
    steps(first, gradients[:2])
    second.network.load_state_dict(first.network.state_dict())
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    steps(second, gradients[2:])
    assert torch.equal(unbroken.network.weight, second.network.weight)


def test_groups_of_different_rates_keep_their_ratio():
    network = nn.ModuleDict({"slow": nn.Linear(1, 1, bias=False), "fast": nn.Linear(1, 1, bias=False)})
    groups = [{"params": network["slow"].parameters()}, {"params": network["fast"].parameters(), "lr": 0.3}]
    one = NetworkOptimizer(network, torch.optim.SGD(groups, lr=0.1))
    before = [parameter.item() for parameter in network.parameters()]
    for factor in (1.0, 0.5):
        for parameter in network.parameters():
            parameter.grad = torch.ones_like(parameter)
        one.step(factor)
    moved = [start - parameter.item() for start, parameter in zip(before, network.parameters(), strict=True)]
    assert moved == [pytest.approx(0.15, rel=1e-5), pytest.approx(0.45, rel=1e-5)]


def test_a_gradient_that_is_not_finite_changes_nothing():
    one = network_optimizer()
    step(one, 1.0)
    weight, moment = one.network.weight.detach().clone(), one.state_dict()[0]["exp_avg"].clone()
    assert step(one, float("nan")) is None
    assert torch.equal(one.network.weight, weight)
    assert torch.equal(one.state_dict()[0]["exp_avg"], moment)
    assert one.network.weight.grad is None
