"""What holds for every adversarial objective."""

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from pscgan.losses.adversarial import Hinge, Logistic, Relativistic, Wasserstein
from pscgan.losses.gradient_penalty import R1R2Penalty, WassersteinGradientPenalty
from pscgan.losses.penalty import Terms
from pscgan.rng import Rng

from .critics import NUM_IMAGES, LinearCritic, SmoothCritic, batch

SLOPES = {
    "gradient_penalty": WassersteinGradientPenalty(),
    "one_sided": WassersteinGradientPenalty(sided="one"),
    "r1": R1R2Penalty(),
    "r2": R1R2Penalty(at="fake"),
    "both": R1R2Penalty(at="both"),
    "differences": R1R2Penalty(at="both", difference_std=0.01),
}
OBJECTIVES = (Wasserstein, Logistic, Relativistic, Hinge)
PAIRS = {
    f"{objective.__name__}-{name}": objective(slope=slope) for objective in OBJECTIVES for name, slope in SLOPES.items()
}
every_objective = pytest.mark.parametrize("objective", [make() for make in OBJECTIVES], ids=lambda o: type(o).__name__)
every_slope = pytest.mark.parametrize("slope", SLOPES.values(), ids=SLOPES)
every_pair = pytest.mark.parametrize("objective", PAIRS.values(), ids=PAIRS)


def price(slope, critic, images: dict[str, Tensor], images_seen: int = 0) -> Terms:
    rng = Rng(0, "interpolation", range(NUM_IMAGES))
    return slope(critic, **images, rng=rng, images_seen=images_seen)


def critic_terms(objective, critic, images: dict[str, Tensor], images_seen: int = 0) -> Terms:
    terms = objective.critic_terms(critic, **images)
    return terms | price(objective.slope, critic, images, images_seen)


def total(terms: Terms) -> Tensor:
    return sum(term.weight * term.value for term in terms.values())


def values(terms: Terms) -> list[Tensor]:
    return [term.value for term in terms.values()]


def assert_derivative_in_parameters(terms_of) -> None:
    critic = SmoothCritic()
    names, parameters = zip(*critic.named_parameters(), strict=True)

    def objective(*parameters):
        def stateless(image, condition):
            return functional_call(critic, dict(zip(names, parameters, strict=True)), (image, condition))

        return total(terms_of(stateless))

    assert torch.autograd.gradcheck(objective, parameters)


@every_objective
def test_gradient_of_the_critic(objective):
    assert_derivative_in_parameters(lambda critic: objective.critic_terms(critic, **batch()))


@every_slope
def test_gradient_of_the_price(slope):
    assert_derivative_in_parameters(lambda critic: price(slope, critic, batch()))


@every_objective
def test_gradient_of_the_generator(objective):
    critic, images = SmoothCritic(), batch()
    assert torch.autograd.gradcheck(
        lambda fake: total(objective.generator_terms(critic, **(images | {"fake": fake}))),
        images["fake"].requires_grad_(),
    )


@every_pair
def test_critic_phase_does_not_reach_the_generator(objective):
    critic, images = SmoothCritic(), batch()
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)
    total(critic_terms(objective, critic, images | {"fake": scale * images["fake"]})).backward()
    assert scale.grad is None
    assert all(parameter.grad.norm() > 0 for parameter in critic.parameters() if parameter.ndim > 1)


@every_slope
def test_price_is_blind_to_the_condition(slope):
    flat, steep = LinearCritic(slope=3.0, condition_slope=0.0), LinearCritic(slope=3.0, condition_slope=1e6)
    images = batch()
    images["condition"].requires_grad_()
    for expected, value in zip(values(price(slope, flat, images)), values(price(slope, steep, images)), strict=True):
        # differences cancel y's part, of the size of 1e6, to rounding
        assert torch.allclose(expected, value, rtol=1e-6 if slope is SLOPES["differences"] else 1e-12)
        of_v, of_y = torch.autograd.grad(value, [steep.v, images["condition"]], allow_unused=True)
        assert of_v is None or of_v.abs().max() < 1e-10
        assert of_y is None


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


@every_slope
def test_price_is_out_of_autocast(slope):
    critic, images = SmoothCritic(torch.float32), {name: image.float() for name, image in batch().items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = values(price(slope, critic, images))
    expected = values(price(slope, critic, images))
    assert all(torch.equal(*pair) and pair[0].dtype == torch.float32 for pair in zip(found, expected, strict=True))


@every_slope
def test_bf16_images_are_priced_in_fp32(slope):
    critic, images = SmoothCritic(torch.float32), {name: image.bfloat16() for name, image in batch().items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = values(price(slope, critic, images))
    assert {value.dtype for value in found} == {torch.float32}


@every_pair
def test_critic_that_starts_at_zero_learns(objective):
    critic = SmoothCritic()
    nn.init.zeros_(critic.score.weight)
    total(critic_terms(objective, critic, batch())).backward()
    assert all(parameter.grad.isfinite().all() for parameter in critic.parameters())
    assert critic.score.weight.grad.norm() > 0


@every_pair
def test_images_are_left_alone(objective):
    images, critic = batch(), SmoothCritic()
    critic_terms(objective, critic, images)
    objective.generator_terms(critic, **images)
    assert all(torch.equal(image, batch()[name]) and not image.requires_grad for name, image in images.items())


@every_objective
def test_terms_carry_their_weights(objective):
    ((name, term),) = objective.generator_terms(SmoothCritic(), **batch()).items()
    assert (name, term.weight) == ("adversarial", 1e-3)
    ((name, term),) = objective.critic_terms(SmoothCritic(), **batch()).items()
    assert (name, term.weight) == ("adversarial", 1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Wasserstein(generator_weight=-1.0), "generator_weight is -1.0; allowed is 0 or more"),
        (lambda: WassersteinGradientPenalty(weight=-1.0), "weight is -1.0; allowed is 0 or more"),
        (lambda: WassersteinGradientPenalty(sided="three"), "sided is 'three'; allowed are 'one' and 'two'"),
        (lambda: Logistic(generator_weight=float("nan")), "generator_weight is nan; allowed is 0 or more"),
        (lambda: R1R2Penalty(gamma=-1.0), "gamma is -1.0; allowed is 0 or more"),
        (lambda: R1R2Penalty(every_critic_steps=0), "every_critic_steps is 0; allowed is 1 or more"),
        (lambda: Relativistic(generator_weight=-1.0), "generator_weight is -1.0; allowed is 0 or more"),
        (lambda: R1R2Penalty(difference_std=0.0), "difference_std is 0.0"),
        (lambda: R1R2Penalty(final_gamma=2.0, fall_images=9), "final_gamma is 2.0; allowed is 0 up to gamma"),
        (lambda: R1R2Penalty(final_gamma=0.1), "allowed are both"),
        (lambda: R1R2Penalty(difference_std=float("nan")), "difference_std is nan; allowed is a number above 0"),
        (lambda: R1R2Penalty(at="both images"), "at is 'both images'; allowed are 'clean', 'fake' and 'both'"),
        (lambda: R1R2Penalty(final_gamma=-0.1, fall_images=9), "final_gamma is -0.1; allowed is 0 up to gamma"),
        (lambda: R1R2Penalty(final_gamma=0.1, fall_images=0), "fall_images is 0; allowed is 1 or more"),
        (lambda: R1R2Penalty(fall_images=9), "allowed are both"),
        (lambda: Hinge(generator_weight=-1.0), "generator_weight is -1.0; allowed is 0 or more"),
        (lambda: WassersteinGradientPenalty(every_critic_steps=0), "every_critic_steps is 0; allowed is 1 or more"),
    ],
)
def test_arguments_out_of_range(build, message):
    with pytest.raises(ValueError, match=message):
        build()
