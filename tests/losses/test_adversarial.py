"""Every adversarial objective: its formula on critics of known slope, and what holds for all of them."""

import pytest
import torch
from torch import nn

from pscgan.losses.adversarial import Hinge, Logistic, Relativistic, Wasserstein

from .critics import (
    NUM_IMAGES,
    SHAPE,
    LinearCritic,
    SmoothCritic,
    assert_derivative_in_parameters,
    batch,
    total,
    values,
)
from .scalar_world import normal

OBJECTIVES = (Wasserstein, Logistic, Relativistic, Hinge)
every_objective = pytest.mark.parametrize("objective", [make() for make in OBJECTIVES], ids=lambda o: type(o).__name__)


@every_objective
def test_gradient_of_the_critic(objective):
    assert_derivative_in_parameters(lambda critic: objective.critic_terms(critic, **batch()))


@every_objective
def test_gradient_of_the_generator(objective):
    critic, images = SmoothCritic(), batch()
    assert torch.autograd.gradcheck(
        lambda fake: total(objective.generator_terms(critic, **(images | {"fake": fake}))),
        images["fake"].requires_grad_(),
    )


@every_objective
def test_critic_phase_does_not_reach_the_generator(objective):
    critic, images = SmoothCritic(), batch()
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)
    total(objective.critic_terms(critic, **(images | {"fake": scale * images["fake"]}))).backward()
    assert scale.grad is None
    # the relativistic difference cancels what the condition adds and the last bias
    assert critic.hidden.weight.grad.norm() > 0


@every_objective
def test_generator_moves_towards_a_lower_objective_and_a_higher_score(objective):
    critic, images = SmoothCritic().requires_grad_(False), batch()
    before = total(objective.generator_terms(critic, **(images | {"fake": images["fake"].requires_grad_()})))
    (gradient,) = torch.autograd.grad(before, images["fake"])
    moved = images["fake"].detach() - 10 * gradient
    after = total(objective.generator_terms(critic, **(images | {"fake": moved})))
    assert after < before
    assert critic(moved, images["condition"]).mean() > critic(images["fake"], images["condition"]).mean()


@every_objective
def test_critic_step_widens_the_gap(objective):
    critic, images = LinearCritic(slope=0.1), batch()

    def gap():
        return (critic(images["clean"], images["condition"]) - critic(images["fake"], images["condition"])).mean()

    before = gap().item()
    objective.critic_terms(critic, **images)["adversarial"].value.backward()
    critic.w.data -= 0.1 * critic.w.grad
    assert gap() > before


@every_objective
def test_objective_is_fp32_under_autocast(objective):
    critic, images = SmoothCritic(torch.float32), {name: image.float() for name, image in batch().items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = objective.critic_terms(critic, **images)
        rough = objective.generator_terms(critic, **images)
    assert {value.dtype for value in [*values(terms), *values(rough)]} == {torch.float32}
    exact = objective.critic_terms(critic, **images)
    assert not torch.equal(terms["adversarial"].value, exact["adversarial"].value)  # autocast was at work


@every_objective
def test_critic_that_starts_at_zero_learns(objective):
    critic = SmoothCritic()
    nn.init.zeros_(critic.score.weight)
    total(objective.critic_terms(critic, **batch())).backward()
    assert all(parameter.grad.isfinite().all() for parameter in critic.parameters())
    assert critic.score.weight.grad.norm() > 0


@every_objective
def test_images_are_left_alone(objective):
    images, critic = batch(), SmoothCritic()
    objective.critic_terms(critic, **images)
    objective.generator_terms(critic, **images)
    assert all(torch.equal(image, batch()[name]) and not image.requires_grad for name, image in images.items())


@every_objective
def test_terms_carry_their_weights(objective):
    ((name, term),) = objective.generator_terms(SmoothCritic(), **batch()).items()
    assert (name, term.weight) == ("adversarial", 1e-3)
    ((name, term),) = objective.critic_terms(SmoothCritic(), **batch()).items()
    assert (name, term.weight) == ("adversarial", 1)


@pytest.mark.parametrize("make", OBJECTIVES)
@pytest.mark.parametrize("weight", [-1.0, float("nan")])
def test_a_weight_out_of_range_is_refused(make, weight):
    with pytest.raises(ValueError, match=f"generator_weight.*{weight}"):
        make(generator_weight=weight)


def scores(critic, images):
    return critic(images["clean"], images["condition"]), critic(images["fake"], images["condition"])


def cross_entropy(logits, is_clean: bool):
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, is_clean))


def test_wasserstein():
    critic, images = LinearCritic(slope=3.0), batch()
    D_clean, D_fake = scores(critic, images)
    (term,) = Wasserstein().critic_terms(critic, **images).values()
    assert torch.allclose(term.value, D_fake.mean() - D_clean.mean(), rtol=1e-12)
    generator = Wasserstein().generator_terms(critic, **images)["adversarial"].value
    assert torch.allclose(generator, -D_fake.mean(), rtol=1e-12)


def test_logistic():
    critic, images = LinearCritic(slope=3.0), batch()
    D_clean, D_fake = scores(critic, images)
    (term,) = Logistic().critic_terms(critic, **images).values()
    assert torch.allclose(term.value, cross_entropy(D_clean, True) + cross_entropy(D_fake, False), rtol=1e-12)
    generator = Logistic().generator_terms(critic, **images)["adversarial"].value
    assert torch.allclose(generator, cross_entropy(D_fake, True), rtol=1e-12)


def test_relativistic():
    critic, images = LinearCritic(slope=3.0), batch()
    D_clean, D_fake = scores(critic, images)
    (term,) = Relativistic().critic_terms(critic, **images).values()
    assert torch.allclose(term.value, cross_entropy(D_clean - D_fake, True), rtol=1e-12)
    generator = Relativistic().generator_terms(critic, **images)["adversarial"].value
    assert torch.allclose(generator, cross_entropy(D_clean - D_fake, False), rtol=1e-12)


def test_relativistic_does_not_depend_on_what_the_measurement_alone_says():
    terms = [Relativistic().critic_terms(LinearCritic(1.0, v), **batch()) for v in (0.0, 50.0)]
    assert torch.allclose(*(term["adversarial"].value for term in terms), rtol=1e-9)


def test_relativistic_generator_pulls_along_the_slope():
    """∂L/∂x̂ = −σ(Δ) w / B."""
    critic, images = LinearCritic(slope=3.0), batch()
    delta = torch.sub(*scores(critic, images)).detach()
    fake, clean = images["fake"].requires_grad_(), images["clean"].requires_grad_()
    Relativistic().generator_terms(critic, **images)["adversarial"].value.backward()
    expected = -delta.sigmoid().view(-1, 1, 1, 1) * critic.w.detach() / NUM_IMAGES
    assert torch.allclose(fake.grad, expected, rtol=1e-12)
    assert clean.grad is None


def many_images():
    """Enough for scores on every side of the margins."""
    return {name: normal(40 + i, 50, *SHAPE) for i, name in enumerate(("clean", "fake", "condition"))}


def margin_loss(scores, is_clean: bool):
    """max(0, 1 ∓ D), as torch has it for dissimilar pairs."""
    signed = scores if is_clean else -scores
    return torch.nn.functional.hinge_embedding_loss(signed, -torch.ones_like(signed), margin=1.0)


def test_hinge():
    critic, images = LinearCritic(slope=1.5), many_images()
    D_clean, D_fake = scores(critic, images)
    (term,) = Hinge().critic_terms(critic, **images).values()
    assert torch.allclose(term.value, margin_loss(D_clean, True) + margin_loss(D_fake, False), rtol=1e-12)
    assert torch.allclose(Hinge().generator_terms(critic, **images)["adversarial"].value, -D_fake.mean(), rtol=1e-12)


def test_hinge_pulls_at_images_within_the_margin_alone():
    """∂L/∂w = (−Σ x [D(x) < 1] + Σ x̂ [D(x̂) > −1]) / B; ∂L/∂x̂ = −w/B however high the score."""
    critic, images = LinearCritic(slope=1.5), many_images()
    D_clean, D_fake = scores(critic, images)
    pulled = [(images["clean"], D_clean < 1, -1), (images["fake"], D_fake > -1, 1)]
    assert all(within.any() and not within.all() for _, within, _ in pulled)
    Hinge().critic_terms(critic, **images)["adversarial"].value.backward()
    expected = sum(sign * image[within].sum(0) / 50 for image, within, sign in pulled)
    assert torch.allclose(critic.w.grad, expected, rtol=1e-12)
    fake = images["fake"].requires_grad_()
    Hinge().generator_terms(critic, **images)["adversarial"].value.backward()
    assert torch.allclose(fake.grad, (-critic.w / 50).expand_as(fake), rtol=1e-12)
