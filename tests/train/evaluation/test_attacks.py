"""Attacks on linear restorers, whose worst perturbation is known."""

import math

import pytest
import torch

from pscgan.data.measurement import Measurement
from pscgan.rng import Rng, key
from pscgan.train.evaluation.attacks import (
    AdamAttack,
    Ifgsm,
    NotDifferentiableError,
    Pgd,
    SquaredChange,
    euclidean_budget,
    largest_budget,
)
from pscgan.train.evaluation.methods import Degraded, Deterministic

from .wiener import Wiener, field

ATTACKS = [Ifgsm(samples=2), Pgd(samples=2), AdamAttack(samples=2)]
BY_NAME = pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: type(attack).__name__)


def perturbation(attack, restorer, measurement, ai_psnr=40.0, numbers=None, seed=0):
    numbers = range(len(measurement)) if numbers is None else numbers
    seeds = [key(seed, "latent", number) for number in numbers]
    attacked = attack(restorer, measurement, seeds, Rng(seed, "start", numbers), ai_psnr)
    return attacked.degraded - measurement.degraded


def one_output(seed=0):
    """One value, w · y, of images of 1 x 4 x 4, shown at every pixel."""
    w = torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return w, Deterministic(lambda seen: (seen.degraded * w).sum(dim=(1, 2, 3), keepdim=True).expand(-1, 1, 4, 4))


def images_of(images, size=4):
    return Measurement(torch.rand(images, 1, size, size, generator=torch.Generator().manual_seed(1)).double())


def test_budgets_are_those_of_the_paper():
    assert euclidean_budget(3 * 64 * 64, 32.94) == pytest.approx(2.5, rel=1e-3)
    d = torch.full((3 * 64 * 64,), largest_budget(34.0), dtype=torch.float64)
    assert -10 * float(d.square().mean().log10()) == pytest.approx(34)
    assert d.norm() == pytest.approx(euclidean_budget(len(d), 34.0))


@BY_NAME
@pytest.mark.parametrize("ai_psnr", [20.0, 45.0])
def test_the_budget_is_kept_and_used(attack, ai_psnr):
    world, _, measurement = field(3)
    d = perturbation(attack, Wiener(world), measurement, ai_psnr)
    reached = -10 * d.square().mean(dim=(1, 2, 3)).log10()
    assert reached.min() >= ai_psnr - 1e-9
    assert reached.max() <= ai_psnr + 1
    if isinstance(attack, Ifgsm):
        assert d.abs().max() <= largest_budget(ai_psnr) * (1 + 1e-9)


@pytest.mark.parametrize(("size", "sigma", "steps"), [(8, 50, 20), (16, 25, 80)])
def test_pgd_finds_the_largest_singular_value_of_the_wiener_filter(size, sigma, steps):
    """The next ones are 0.92 and 0.993 of it."""
    world, _, measurement = field(3, size, sigma)
    d = perturbation(Pgd(steps, samples=2), Wiener(world), measurement)
    epsilon = euclidean_budget(size**2, 40.0)
    gained = (d.flatten(1) @ world.gain.T).norm(dim=1)
    assert gained.min() >= 0.99 * epsilon * torch.linalg.matrix_norm(world.gain, 2)


def test_pgd_points_along_the_first_right_singular_vector():
    """Singular values 2, 1, 1 ...: alone on top, so the direction is known up to its sign."""
    u = torch.linalg.qr(torch.randn(16, 16, generator=torch.Generator().manual_seed(2), dtype=torch.float64)).Q
    W = u @ torch.diag(torch.tensor([2.0] + [1.0] * 15, dtype=torch.float64)) @ u.roll(3, 1).T
    restorer = Deterministic(lambda seen: (seen.degraded.double().flatten(1) @ W.T).view_as(seen.degraded))
    d = perturbation(Pgd(steps=20), restorer, images_of(4)).flatten(1)
    assert torch.all((d @ u.roll(3, 1)[:, 0]).abs() >= 0.999 * euclidean_budget(16, 40.0))


def test_signs_reach_the_corner_of_the_cube():
    """|w · d| is at most ε Σ |w|."""
    w, restorer = one_output()
    d = perturbation(Ifgsm(), restorer, images_of(5))
    assert torch.allclose((d * w).sum(dim=(1, 2, 3)).abs(), largest_budget(40.0) * w.abs().sum().expand(5))


def test_in_the_ball_one_output_is_moved_most_along_its_gradient():
    w, restorer = one_output()
    gained = (perturbation(Pgd(), restorer, images_of(5)) * w).sum(dim=(1, 2, 3)).abs()
    assert torch.allclose(gained, euclidean_budget(16, 40.0) * w.norm().expand(5), rtol=1e-6)


def test_adam_ends_at_the_signs():
    """Its steps are of equal size in every value: ε Σ |w| / √n in place of ε ‖w‖."""
    w, restorer = one_output()
    gained = (perturbation(AdamAttack(), restorer, images_of(5)) * w).sum(dim=(1, 2, 3)).abs()
    assert torch.allclose(gained, euclidean_budget(16, 40.0) * w.abs().sum().expand(5) / 4, rtol=0.01)


@BY_NAME
def test_a_function_of_the_generators_and_of_each_image_alone(attack):
    world, _, measurement = field(3)
    restorer = Bent(world)
    whole = perturbation(attack, restorer, measurement)
    assert torch.equal(whole, perturbation(attack, restorer, measurement))
    assert not torch.allclose(whole, perturbation(attack, restorer, measurement, seed=1))
    for b in range(3):
        alone = perturbation(attack, restorer, measurement[b : b + 1], numbers=[b])
        assert torch.allclose(alone, whole[b : b + 1], atol=1e-12)


class Bent(Wiener):
    """Not linear: the worst d depends on y and z."""

    def restore(self, measurement, num_samples, seeds, sigma_z=1.0):
        return super().restore(measurement, num_samples, seeds, sigma_z).mul(9).sin()


def test_z_is_held():
    """Were it not, the change at d = 0 would be that of z."""
    world, _, measurement = field(2)
    drawn = []

    class Spy(Wiener):
        def restore(self, *arguments):
            drawn.append(super().restore(*arguments))
            return drawn[-1]

    change = SquaredChange(Spy(world), measurement, range(2), samples=3)
    assert not change.gradient(torch.zeros_like(measurement.degraded)).any()
    assert len(drawn[0]) == 3
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.allclose(drawn[0][0], drawn[0][1])


def test_the_gradient_is_that_of_a_closed_form():
    """Of ‖W d‖²: 2 Wᵀ W d."""
    world, _, measurement = field(2)
    change = SquaredChange(Wiener(world), measurement, range(2), samples=3)
    d = 0.01 * torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    expected = 2 * d.flatten(1) @ (world.gain.T @ world.gain)
    assert torch.allclose(change.gradient(d).flatten(1), expected, rtol=1e-9, atol=1e-12)


def test_a_restorer_that_ignores_z_is_drawn_once():
    seen = []

    class Spy(Degraded):
        def restore(self, measurement, num_samples, seeds, sigma_z=1.0):
            seen.append(num_samples)
            return super().restore(measurement, num_samples, seeds)

    perturbation(Pgd(steps=1, samples=10), Spy(), images_of(2))
    assert set(seen) == {1}


def test_only_y_moves():
    world, _, measurement = field(2)
    maps = torch.rand(2, 1, 8, 8)
    given = Measurement(measurement.degraded, maps, measurement.params)
    attacked = Pgd(steps=1)(Wiener(world), given, range(2), Rng(0, "start", range(2)), ai_psnr=20.0)
    assert attacked.maps is maps
    assert attacked.params is measurement.params
    assert attacked.degraded.min() < 0 or attacked.degraded.max() > 1  # not clipped


@torch.no_grad()
def frozen(measurement):
    return 0.5 * measurement.degraded


UNDIFFERENTIABLE = {
    "no graph": frozen,
    "rounded": lambda seen: (255 * seen.degraded).round() / 255,
    "8 bit": lambda seen: (255 * seen.degraded).to(torch.uint8) / 255,
    "detached": lambda seen: seen.degraded.detach() * torch.ones(1, requires_grad=True),
}


@BY_NAME
@pytest.mark.parametrize("name", UNDIFFERENTIABLE)
def test_a_restorer_without_a_gradient_is_refused_by_name(attack, name):
    with pytest.raises(NotDifferentiableError, match="Deterministic"):
        perturbation(attack, Deterministic(UNDIFFERENTIABLE[name]), images_of(2), ai_psnr=30.0)


@BY_NAME
def test_a_restorer_that_ignores_y_is_left_as_it_is(attack):
    d = perturbation(attack, Deterministic(lambda seen: 0.5 + 0 * seen.degraded), images_of(2))
    assert d.isfinite().all()


def test_gradients_are_found_under_no_grad():
    world, _, measurement = field(1)
    with torch.no_grad():
        d = perturbation(Pgd(samples=2), Wiener(world), measurement)
    assert math.isclose(d.norm(), euclidean_budget(64, 40.0), rel_tol=1e-6)


@pytest.mark.parametrize("kind", [Ifgsm, Pgd, AdamAttack])
def test_bad_arguments_are_refused_by_name(kind):
    for name in ("steps", "samples"):
        with pytest.raises(ValueError, match=f"{name} must be >= 1, got 0"):
            kind(**{name: 0})
    step = "learning_rate" if kind is AdamAttack else "relative_step"
    with pytest.raises(ValueError, match=f"{step} must be >= 0, got -1"):
        kind(**{step: -1})
