"""The slope of the critic from two values of it: what it is on average, and how far one direction is from that."""

from math import sqrt

import pytest
import torch
from torch._dynamo import lookup_backend

from pscgan.losses.gradient_penalty import gradient_norm, squared_difference

from .critics import SHAPE, LinearCritic, RadialCritic, SmoothCritic, batch
from .scalar_world import normal

NUM_DIRECTIONS = 20_000
SLOPE = 3.0
DIRECTIONS = normal(30, NUM_DIRECTIONS, *SHAPE)


def one_image(name: str):
    """The same image as often as there are directions."""
    return batch()[name][:1].expand(NUM_DIRECTIONS, *SHAPE)


def differences(critic, directions, std: float):
    with torch.no_grad():
        return squared_difference(critic, one_image("clean"), one_image("condition"), directions, std)


@pytest.mark.parametrize("std", [1e-3, 1.0])
def test_of_a_linear_critic_it_is_the_square_of_the_slope_times_chi_squared(std):
    """Expectation ‖∇D‖², variance 2‖∇D‖⁴, within four standard errors; a χ²₁ has fourth central moment 60."""
    critic = LinearCritic(SLOPE)
    found = differences(critic, DIRECTIONS, std)
    assert torch.allclose(found, (critic.w * DIRECTIONS).sum((1, 2, 3)).square(), rtol=1e-8)
    assert found.mean().item() == pytest.approx(SLOPE**2, rel=4 * sqrt(2 / NUM_DIRECTIONS))
    assert found.var().item() == pytest.approx(2 * SLOPE**4, rel=4 * sqrt((60 - 2**2) / 2**2 / NUM_DIRECTIONS))


def test_its_expectation_is_off_by_the_square_of_the_step():
    """For D = ‖x‖²/2 in d dimensions it is ‖x‖² + s² d(d + 2)/4."""
    std, x, d = 0.5, one_image("clean"), DIRECTIONS[0].numel()
    found = differences(RadialCritic(), DIRECTIONS, std)
    assert torch.allclose(
        found.sqrt(), ((DIRECTIONS * x).sum((1, 2, 3)) + std / 2 * DIRECTIONS.square().sum((1, 2, 3))).abs(), rtol=1e-9
    )
    expected = x[0].square().sum().item() + std**2 * d * (d + 2) / 4
    assert found.mean().item() == pytest.approx(expected, abs=4 * found.std().item() / sqrt(NUM_DIRECTIONS))


def test_of_a_smooth_critic_it_tends_to_the_square_of_the_slope():
    """The ratio of the means tends to 1, from opposite directions with a rest that falls by 4 as s falls by 2."""
    critic, both_ways = SmoothCritic(), torch.cat([DIRECTIONS, -DIRECTIONS])[::2]
    image, condition = (batch()[name][:1] for name in ("clean", "condition"))
    exact = gradient_norm(critic, image, condition).square().item()
    leaf = image.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(leaf, condition).sum(), leaf)
    limit = (gradient * both_ways).sum((1, 2, 3)).square().mean().item()
    off = [differences(critic, both_ways, std).mean().item() / limit - 1 for std in (4e-3, 2e-3, 1e-5)]
    assert off[0] / off[1] == pytest.approx(4, rel=0.05)
    assert abs(off[0]) > 1e-6
    assert abs(off[2]) < 1e-6
    assert limit == pytest.approx(exact, rel=4 * sqrt(2 / (NUM_DIRECTIONS / 2)))


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_it_runs_through_a_compiled_critic(backend):
    """Unlike an exact norm, which leaves the compiled graph."""
    graphs, images = [], batch()

    def counting(graph, inputs):
        graphs.append(graph)
        return lookup_backend(backend)(graph, inputs)

    def gradients(critic):
        squared_difference(critic, images["clean"], images["condition"], DIRECTIONS[:3], 0.01).mean().backward()
        return [parameter.grad for parameter in critic.parameters()]

    critic = SmoothCritic()
    critic.compile(backend=counting)
    compiled = gradients(critic)
    assert len(graphs) == 1
    for found, expected in zip(compiled, gradients(SmoothCritic()), strict=True):
        assert torch.allclose(found, expected, rtol=1e-9, atol=1e-15)
