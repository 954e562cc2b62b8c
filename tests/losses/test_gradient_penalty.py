"""Gradient penalties: their formulas on critics of known slope, exact and by finite differences."""

from math import sqrt

import pytest
import torch
from torch import nn
from torch._dynamo import lookup_backend

from pscgan.losses.gradient_penalty import R1R2Penalty, WassersteinGradientPenalty, gradient_norm, squared_difference
from pscgan.rng import Rng

from .critics import (
    NUM_IMAGES,
    SHAPE,
    LinearCritic,
    RadialCritic,
    SmoothCritic,
    assert_derivative_in_parameters,
    batch,
    penalty_terms,
    total,
    values,
)
from .scalar_world import normal

PENALTIES = {
    "two_sided": WassersteinGradientPenalty(),
    "one_sided": WassersteinGradientPenalty(sided="one"),
    "r1": R1R2Penalty(),
    "r2": R1R2Penalty(apply_to="fake"),
    "both": R1R2Penalty(apply_to="both"),
    "differences": R1R2Penalty(apply_to="both", difference_std=0.01),
}
every_penalty = pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)


@every_penalty
def test_gradient_of_the_penalty(penalty):
    assert_derivative_in_parameters(lambda critic: penalty_terms(penalty, critic, batch()))


@every_penalty
def test_penalty_is_blind_to_the_condition(penalty):
    flat, steep = LinearCritic(slope=3.0, condition_slope=0.0), LinearCritic(slope=3.0, condition_slope=1e6)
    images = batch()
    images["condition"].requires_grad_()
    for expected, value in zip(
        values(penalty_terms(penalty, flat, images)), values(penalty_terms(penalty, steep, images)), strict=True
    ):
        # differences cancel y's part, of the size of 1e6, to rounding
        assert torch.allclose(expected, value, rtol=1e-6 if penalty is PENALTIES["differences"] else 1e-12)
        of_v, of_y = torch.autograd.grad(value, [steep.v, images["condition"]], allow_unused=True)
        assert of_v is None or of_v.abs().max() < 1e-10
        assert of_y is None


@every_penalty
def test_penalty_is_out_of_autocast(penalty):
    critic, images = SmoothCritic(torch.float32), {name: image.float() for name, image in batch().items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = values(penalty_terms(penalty, critic, images))
    expected = values(penalty_terms(penalty, critic, images))
    assert all(torch.equal(*pair) and pair[0].dtype == torch.float32 for pair in zip(found, expected, strict=True))


@every_penalty
def test_bf16_images_are_penalised_in_fp32(penalty):
    critic, images = SmoothCritic(torch.float32), {name: image.bfloat16() for name, image in batch().items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = values(penalty_terms(penalty, critic, images))
    assert {value.dtype for value in found} == {torch.float32}


@every_penalty
def test_no_gradient_reaches_the_generator(penalty):
    critic, images = SmoothCritic(), batch()
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)
    total(penalty_terms(penalty, critic, images | {"fake": scale * images["fake"]})).backward()
    assert scale.grad is None
    assert all(parameter.grad.norm() > 0 for parameter in critic.parameters() if parameter.ndim > 1)


@every_penalty
def test_critic_that_starts_at_zero_has_finite_gradients(penalty):
    critic = SmoothCritic()
    nn.init.zeros_(critic.score.weight)
    total(penalty_terms(penalty, critic, batch())).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in critic.parameters())


@every_penalty
def test_images_are_left_alone(penalty):
    images = batch()
    penalty_terms(penalty, SmoothCritic(), images)
    assert all(torch.equal(image, batch()[name]) and not image.requires_grad for name, image in images.items())


@pytest.mark.parametrize(
    ("sided", "slope", "value"), [("two", 3.0, 4.0), ("two", 0.25, 0.5625), ("one", 3.0, 4.0), ("one", 0.25, 0.0)]
)
def test_wgan_gp(sided, slope, value):
    (term,) = penalty_terms(WassersteinGradientPenalty(7.0, sided), LinearCritic(slope), batch()).values()
    assert term.value.item() == pytest.approx(value, rel=1e-12)
    assert term.weight == 7


def test_wgan_gp_lies_between_clean_and_fake():
    images = batch()
    epsilon = Rng(0, "interpolation", range(NUM_IMAGES)).rand(1, 1, 1)
    between = images["fake"] + epsilon * (images["clean"] - images["fake"])
    expected = (between.flatten(1).norm(dim=1) - 1).square().mean()
    terms = penalty_terms(WassersteinGradientPenalty(), RadialCritic(), images)
    assert torch.allclose(terms["gradient_penalty"].value, expected, rtol=1e-12)
    assert epsilon.unique().numel() == NUM_IMAGES


@pytest.mark.parametrize(
    ("apply_to", "norms"),
    [("clean", {"r1": "clean"}), ("fake", {"r2": "fake"}), ("both", {"r1": "clean", "r2": "fake"})],
)
def test_r1_and_r2(apply_to, norms):
    """γ/2 E ‖∇D‖², here of D = ‖x‖²/2."""
    images = batch()
    terms = penalty_terms(R1R2Penalty(gamma=3.0, apply_to=apply_to), RadialCritic(), images)
    assert terms.keys() == norms.keys()
    for name, where in norms.items():
        assert torch.allclose(terms[name].value, images[where].square().sum((1, 2, 3)).mean(), rtol=1e-12)
        assert terms[name].weight == 1.5


def test_differences_at_clean_and_fake_take_directions_of_their_own():
    critic, rng = LinearCritic(slope=3.0), Rng(0, "interpolation", range(NUM_IMAGES))
    terms = penalty_terms(R1R2Penalty(apply_to="both", difference_std=0.1), critic, batch())
    for name in ("r1", "r2"):
        expected = (critic.w * rng.randn(*SHAPE)).sum((1, 2, 3)).square().mean()
        assert torch.allclose(terms[name].value, expected, rtol=1e-9)
    assert terms["r1"].value != terms["r2"].value


def test_gamma_decays_by_half_a_cosine_and_stays():
    penalty = R1R2Penalty(gamma=2.0, final_gamma=0.2, decay_images=100)
    quarter = 0.2 + 1.8 * (1 + 0.5**0.5) / 2
    expected = [2.0, quarter, 1.1, 2.2 - quarter, 0.2, 0.2]
    assert [penalty.gamma_after(t) for t in (0, 25, 50, 75, 100, 1000)] == pytest.approx(expected)
    assert penalty_terms(penalty, RadialCritic(), batch(), images_seen=50)["r1"].weight == pytest.approx(1.1 / 2)
    assert R1R2Penalty(gamma=2.0).gamma_after(10**9) == 2


def test_penalty_of_a_compiled_critic_is_eager():
    """torch.compile cannot differentiate twice."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    critic, images = LinearCritic(slope=3.0), batch()
    critic.compile(backend=backend)
    gradient_norm(critic, images["clean"], images["condition"]).sum().backward()
    assert not graphs
    critic(images["clean"], images["condition"])
    assert len(graphs) == 1


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
def test_difference_of_a_linear_critic_is_the_square_of_the_slope_times_chi_squared(std):
    """Expectation ‖∇D‖², variance 2‖∇D‖⁴, within four standard errors; a χ²₁ has fourth central moment 60."""
    critic = LinearCritic(SLOPE)
    found = differences(critic, DIRECTIONS, std)
    assert torch.allclose(found, (critic.w * DIRECTIONS).sum((1, 2, 3)).square(), rtol=1e-8)
    assert found.mean().item() == pytest.approx(SLOPE**2, rel=4 * sqrt(2 / NUM_DIRECTIONS))
    assert found.var().item() == pytest.approx(2 * SLOPE**4, rel=4 * sqrt((60 - 2**2) / 2**2 / NUM_DIRECTIONS))


def test_expectation_of_a_difference_is_off_by_the_square_of_the_step():
    """For D = ‖x‖²/2 in d dimensions it is ‖x‖² + s² d(d + 2)/4."""
    std, x, d = 0.5, one_image("clean"), DIRECTIONS[0].numel()
    found = differences(RadialCritic(), DIRECTIONS, std)
    assert torch.allclose(
        found.sqrt(), ((DIRECTIONS * x).sum((1, 2, 3)) + std / 2 * DIRECTIONS.square().sum((1, 2, 3))).abs(), rtol=1e-9
    )
    expected = x[0].square().sum().item() + std**2 * d * (d + 2) / 4
    assert found.mean().item() == pytest.approx(expected, abs=4 * found.std().item() / sqrt(NUM_DIRECTIONS))


def test_difference_of_a_smooth_critic_tends_to_the_square_of_the_slope():
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
def test_difference_runs_through_a_compiled_critic(backend):
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


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: WassersteinGradientPenalty(weight=-1.0), "weight.*-1"),
        (lambda: WassersteinGradientPenalty(sided="three"), "sided.*three"),
        (lambda: WassersteinGradientPenalty(every_critic_steps=0), "every_critic_steps.*0"),
        (lambda: R1R2Penalty(gamma=-1.0), "gamma.*-1"),
        (lambda: R1R2Penalty(every_critic_steps=0), "every_critic_steps.*0"),
        (lambda: R1R2Penalty(difference_std=0.0), "difference_std.*0"),
        (lambda: R1R2Penalty(difference_std=float("nan")), "difference_std.*nan"),
        (lambda: R1R2Penalty(apply_to="both images"), "apply_to.*both images"),
        (lambda: R1R2Penalty(final_gamma=2.0, decay_images=9), "final_gamma.*2"),
        (lambda: R1R2Penalty(final_gamma=-0.1, decay_images=9), "final_gamma.*-0.1"),
        (lambda: R1R2Penalty(final_gamma=0.1, decay_images=0), "decay_images.*0"),
        (lambda: R1R2Penalty(final_gamma=0.1), "decay_images.*None"),
        (lambda: R1R2Penalty(decay_images=9), "final_gamma.*None and 9"),
    ],
)
def test_arguments_out_of_range(make, named):
    with pytest.raises(ValueError, match=named):
        make()
