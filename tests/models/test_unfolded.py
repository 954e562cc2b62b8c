"""Without its network an unfolded generator is proximal steps; z has its place in the last round."""

import pytest
import torch
from torch import nn

from pscgan.models.unfolded import Unfolded
from pscgan.rng import Rng


def unfolded(**arguments):
    """Of grey images, in float64, with weights that leave nothing at its start."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = Unfolded(1, 1, **{"width": 4, "levels": 2, "rounds": 3, **arguments}).double().eval()
        for parameter in generator.network.parameters():
            parameter.data.add_(0.05 * torch.randn_like(parameter))
    return generator


def matrix():
    """A of few rows, for images of 4 x 6."""
    return torch.randn(9, 24, generator=torch.Generator().manual_seed(1), dtype=torch.float64) / 5


def proximal(x, beta):
    """By dense algebra, of y = 1 in every value and σ = 0.1: (AᵀA/σ² + β)⁻¹ (Aᵀy/σ² + βx)."""
    A, y = matrix(), torch.ones(9, dtype=torch.float64)
    left = A.T @ A / 0.01 + beta * torch.eye(24, dtype=torch.float64)
    return torch.linalg.solve(left, (A.T @ y / 0.01 + beta * x.flatten(1)).mT).mT.reshape(x.shape)


def shown(images=2):
    return Rng(0, "y", range(images)).rand(1, 4, 6).double()


class Told(nn.Module):
    """x̂ of y by a generator without z."""

    def __init__(self, generator):
        super().__init__()
        self.generator = generator

    def forward(self, y):
        return self.generator.decode(self.generator.encode(y, proximal), [])[0]


@pytest.mark.parametrize("rounds", [1, 3])
def test_where_the_network_changes_nothing_rounds_are_proximal_steps(rounds):
    generator = unfolded(rounds=rounds, latent_channels=0)
    for parameter in generator.network.out.parameters():
        nn.init.zeros_(parameter)
    generator.log_beta.data += torch.linspace(-0.1, 0.2, rounds)
    x = shown()
    for beta in generator.beta:
        x = proximal(x, beta)
    torch.testing.assert_close(Told(generator)(shown()), x, rtol=0, atol=1e-12)


def test_it_starts_as_little_but_proximal_steps():
    generator = Unfolded(1, 1, rounds=2).double()
    x = proximal(proximal(shown(), generator.beta[0]), generator.beta[1])
    z = generator.draw_latent(2, 4, 6, Rng(0, "z", range(2)))
    samples = generator.decode(generator.encode(shown(), proximal), z)
    assert (samples[0] - samples[1]).abs().max() > 0
    assert (samples - x).abs().max() < 0.1


def test_gradients_reach_beta_of_every_round_and_the_condition():
    told = Told(unfolded(latent_channels=0))

    def restored(log_beta, y):
        return torch.func.functional_call(told, {"generator.log_beta": log_beta}, (y,))

    beta, y = told.generator.log_beta.detach().clone().requires_grad_(), shown().requires_grad_()
    assert torch.autograd.gradcheck(restored, (beta, y))
    (gradient,) = torch.autograd.grad(restored(beta, y).square().sum(), beta)
    assert (gradient != 0).all()


def test_the_step_is_taken_once_a_round_whatever_the_number_of_samples():
    generator, betas = unfolded(rounds=3), []

    def step(x, beta):
        betas.append(beta.item())
        return proximal(x, beta)

    generator.requires_grad_(False)
    z = generator.draw_latent(5, 4, 6, Rng(0, "z", range(2)))
    samples = generator.decode(generator.encode(shown(), step), z)
    assert samples.shape == (5, 2, 1, 4, 6)
    assert betas == generator.beta.tolist()
    alone = generator.decode(generator.encode(shown(), proximal), [maps[3:4] for maps in z])
    torch.testing.assert_close(alone[0], samples[3], rtol=0, atol=1e-12)
    assert (samples[0] - samples[1]).abs().max() > 1e-3


def test_without_a_step_it_is_refused():
    with pytest.raises(ValueError, match="data step"):
        unfolded().encode(shown())
    with pytest.raises(ValueError, match="rounds"):
        unfolded(rounds=0)
