"""Each adversarial objective against its formula, on critics whose slope is known."""

import pytest
import torch

from pscgan.losses.adversarial import Hinge, Logistic, Relativistic, Wasserstein
from pscgan.losses.gradient_penalty import R1R2Penalty, WassersteinGradientPenalty, gradient_norm
from pscgan.rng import Rng

from .critics import NUM_IMAGES, SHAPE, LinearCritic, RadialCritic, batch
from .scalar_world import normal
from .test_adversarial import critic_terms, price


def scores(critic, images):
    return critic(images["clean"], images["condition"]), critic(images["fake"], images["condition"])


def cross_entropy(logits, is_clean: bool):
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, is_clean))


@pytest.mark.parametrize(("sided", "slope", "penalty"), [("two", 3.0, 4.0), ("two", 0.25, 0.5625), ("one", 3.0, 4.0)])
def test_wasserstein(sided, slope, penalty):
    critic, images = LinearCritic(slope), batch()
    D_clean, D_fake = scores(critic, images)
    objective = Wasserstein(slope=WassersteinGradientPenalty(weight=7.0, sided=sided))
    terms = critic_terms(objective, critic, images)
    assert torch.allclose(terms["adversarial"].value, D_fake.mean() - D_clean.mean(), rtol=1e-12)
    assert terms["gradient_penalty"].value.item() == pytest.approx(penalty, rel=1e-12)
    assert terms["gradient_penalty"].weight == 7
    assert torch.allclose(objective.generator_terms(critic, **images)["adversarial"].value, -D_fake.mean(), rtol=1e-12)


def test_one_sided_lets_flat_critics_be():
    terms = critic_terms(Wasserstein(slope=WassersteinGradientPenalty(sided="one")), LinearCritic(slope=0.25), batch())
    assert terms["gradient_penalty"].value == 0


def test_wasserstein_penalises_between_clean_and_fake():
    images = batch()
    epsilon = Rng(0, "interpolation", range(NUM_IMAGES)).rand(1, 1, 1)
    between = images["fake"] + epsilon * (images["clean"] - images["fake"])
    expected = (between.flatten(1).norm(dim=1) - 1).square().mean()
    terms = critic_terms(Wasserstein(slope=WassersteinGradientPenalty()), RadialCritic(), images)
    assert torch.allclose(terms["gradient_penalty"].value, expected, rtol=1e-12)
    assert epsilon.unique().numel() == NUM_IMAGES


def test_logistic():
    critic, images = LinearCritic(slope=3.0), batch()
    D_clean, D_fake = scores(critic, images)
    terms = critic_terms(Logistic(slope=R1R2Penalty(gamma=0.5)), critic, images)
    expected = cross_entropy(D_clean, True) + cross_entropy(D_fake, False)
    assert torch.allclose(terms["adversarial"].value, expected, rtol=1e-12)
    assert terms["r1"].value.item() == pytest.approx(9.0, rel=1e-12)
    assert terms["r1"].weight == 0.5 / 2
    generator = Logistic().generator_terms(critic, **images)["adversarial"].value
    assert torch.allclose(generator, cross_entropy(D_fake, True), rtol=1e-12)


def test_relativistic():
    critic, images = LinearCritic(slope=3.0), batch()
    D_clean, D_fake = scores(critic, images)
    terms = critic_terms(Relativistic(slope=R1R2Penalty(gamma=0.5, at="both")), critic, images)
    assert torch.allclose(terms["adversarial"].value, cross_entropy(D_clean - D_fake, True), rtol=1e-12)
    assert {name: term.weight for name, term in terms.items()} == {"adversarial": 1, "r1": 0.25, "r2": 0.25}
    assert terms["r1"].value.item() == terms["r2"].value.item() == pytest.approx(9.0, rel=1e-12)
    generator = Relativistic().generator_terms(critic, **images)["adversarial"].value
    assert torch.allclose(generator, cross_entropy(D_clean - D_fake, False), rtol=1e-12)


def test_relativistic_does_not_depend_on_what_the_measurement_alone_says():
    images = batch()
    values = [
        critic_terms(Relativistic(slope=R1R2Penalty()), LinearCritic(1.0, v), images)["adversarial"].value
        for v in (0.0, 50.0)
    ]
    assert torch.allclose(*values, rtol=1e-9)


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


@pytest.mark.parametrize(
    ("at", "norms"),
    [("clean", {"r1": "clean"}), ("fake", {"r2": "fake"}), ("both", {"r1": "clean", "r2": "fake"})],
)
def test_zero_centred_prices_sit_on_the_images(at, norms):
    """γ/2 E ‖∇D‖², here of D = ‖x‖²/2."""
    images = batch()
    terms = price(R1R2Penalty(gamma=3.0, at=at), RadialCritic(), images)
    assert terms.keys() == norms.keys()
    for name, where in norms.items():
        assert torch.allclose(terms[name].value, images[where].square().sum((1, 2, 3)).mean(), rtol=1e-12)
        assert terms[name].weight == 1.5


def test_differences_at_clean_and_fake_take_directions_of_their_own():
    critic, rng = LinearCritic(slope=3.0), Rng(0, "interpolation", range(NUM_IMAGES))
    terms = price(R1R2Penalty(at="both", difference_std=0.1), critic, batch())
    for name in ("r1", "r2"):
        expected = (critic.w * rng.randn(*SHAPE)).sum((1, 2, 3)).square().mean()
        assert torch.allclose(terms[name].value, expected, rtol=1e-9)
    assert terms["r1"].value != terms["r2"].value


def test_gamma_falls_by_half_a_cosine_and_stays():
    slope = R1R2Penalty(gamma=2.0, final_gamma=0.2, fall_images=100)
    quarter = 0.2 + 1.8 * (1 + 0.5**0.5) / 2
    expected = [2.0, quarter, 1.1, 2.2 - quarter, 0.2, 0.2]
    assert [slope.gamma_after(t) for t in (0, 25, 50, 75, 100, 1000)] == pytest.approx(expected)
    assert price(slope, RadialCritic(), batch(), images_seen=50)["r1"].weight == pytest.approx(1.1 / 2)
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
