"""Inversion where its solution is known, and what the critic's part of it is."""

import pytest
import torch
from torch import nn

from pscgan.losses.adversarial import Logistic, Relativistic
from pscgan.models.baselines.gan_inversion import GanInversion

from .denoiser_worlds import normal


def test_a_linear_generator_has_the_ridge_solution():
    """min ½ ‖A z − y‖² + ½ λz ‖z‖², of two images from three starts."""
    A, y, ridge = normal(0, 12, 5).double(), normal(1, 2, 12).double(), 0.7
    rule = GanInversion(restarts=3, steps=1500, lr=0.1, critic_weight=0, latent_weight=ridge)
    found = rule.invert(
        lambda z: (z[0].flatten(2) @ A.T).view(3, 2, 1, 3, 4),
        lambda x: 0.5 * (x.flatten(1) - y.repeat(3, 1)).square().sum(dim=1),
        None,
        [normal(2, 3, 2, 5, 1, 1).double()],
    )
    z = torch.linalg.solve(A.T @ A + ridge * torch.eye(5).double(), A.T @ y.T)
    torch.testing.assert_close(found.flatten(1), (A @ z).T, rtol=0, atol=1e-6)


def test_of_each_image_the_restart_that_ends_lowest_is_taken():
    """(z² − 1)² + z / 4 has its deeper valley left; one step of a small rate leaves the starts where they are."""
    starts = torch.tensor([[0.9, -0.9], [-0.9, 0.9], [0.0, 0.0]]).view(3, 2, 1, 1, 1)
    rule = GanInversion(restarts=3, steps=1, lr=1e-6, critic_weight=0, latent_weight=0)
    found = rule.invert(lambda z: z[0], lambda x: ((x.square() - 1).square() + x / 4).flatten(1).sum(1), None, [starts])
    torch.testing.assert_close(found.flatten(), torch.tensor([-0.9, -0.9]))


def test_the_published_search_is_nesterovs_and_keeps_z_in_its_box():
    """On ½ (z − 3)²; its momentum goes on where z is clipped."""
    z, velocity, rate, seen = 0.5, 0.0, 0.1, []
    rule = GanInversion(restarts=1, steps=6, lr=rate, critic_weight=0, latent_weight=0, published=True)
    found = rule.invert(
        lambda z: 1 * z[0],
        lambda x: (x - 3).square().flatten(1).sum(1) / 2,
        None,
        [torch.full((1, 1, 1, 1, 1), z).double()],
        lambda images: seen.append(images.item()),
    )
    expected = [z]
    for _ in range(6):
        gradient = z - 3
        velocity = 0.9 * velocity + gradient
        z = min(z - rate * (gradient + 0.9 * velocity), 1.0)
        expected.append(z)
    assert seen == pytest.approx(expected, abs=1e-12)
    assert found.item() == seen[-1] == 1.0


def test_the_prior_of_the_critic_is_minus_its_logit():
    score, rule = normal(0, 6).double(), GanInversion(critic_weight=1.0, latent_weight=0)
    images, D = torch.zeros(2, 3, 1, 1, 1).double(), torch.sigmoid(score)
    found = rule.energy(images, [], lambda x: torch.zeros(6).double(), lambda x: score)
    torch.testing.assert_close(found.flatten(), (1 - D).log() - D.log(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("objective", [Logistic(), Relativistic()])
def test_the_best_critic_of_a_logistic_objective_is_the_log_ratio_of_densities(objective):
    """On three states, each as often in the batch as it is likely; every clean one beside every fake one."""
    clean, fake = torch.tensor([0, 1, 1, 2, 2, 2]), torch.tensor([0, 0, 0, 1, 2, 2])
    D = (clean.bincount().double() / fake.bincount()).log().requires_grad_()
    pairs = torch.cartesian_prod(clean, fake)
    objective.critic_loss(D[pairs[:, 0]], D[pairs[:, 1]]).backward()
    assert D.grad.abs().max() < 1e-12


def test_weights_get_no_gradient_and_z_is_left_as_it_was():
    torch.manual_seed(0)
    generator, critic = nn.Linear(4, 9), nn.Linear(9, 1)
    start = normal(0, 2, 3, 4, 1, 1)
    before = start.clone()
    with torch.no_grad():
        found = GanInversion(restarts=2, steps=2).invert(
            lambda z: generator(z[0].flatten(2)).view(2, 3, 1, 3, 3),
            lambda x: x.flatten(1).abs().sum(dim=1),
            lambda x: critic(x.flatten(1))[:, 0],
            [start],
        )
    assert found.shape == (3, 1, 3, 3)
    assert not found.requires_grad
    assert all(p.grad is None for p in (*generator.parameters(), *critic.parameters()))
    assert torch.equal(start, before)


@pytest.mark.parametrize("arguments", [{"restarts": 0}, {"steps": 0}, {"lr": 0.0}, {"latent_weight": -1.0}])
def test_arguments_out_of_range_are_refused(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f"{name} must be "):
        GanInversion(**arguments)
