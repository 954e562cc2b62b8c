"""Lazy gradient penalties: when they are due, what they weigh, and what becomes of Adam."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

from pscgan.losses.adversarial import Logistic
from pscgan.losses.gradient_penalty import R1R2Penalty
from pscgan.losses.penalty import Term
from pscgan.train.network_optimizer import NotFinite, scale_adam_for_lazy_regularization
from pscgan.train.schedule import Schedule

from .test_gan_step import BATCH, clean_images, make_gan_step, sgd, train, weights

K = 3


class Offset(nn.Module):
    """D(x, y) = w."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(()))

    def forward(self, image, condition):
        return self.w.expand(len(image))


class CountingPenalty:
    """0.5 D, and the critic's clock whenever it is asked for."""

    def __init__(self, every_critic_steps, value=1.0):
        self.every_critic_steps, self.value, self.steps, self.gan_step = every_critic_steps, value, [], None

    def __call__(self, critic, clean, fake, condition, rng, images_seen):
        assert len(rng) == len(clean) == len(fake) == len(condition)
        assert images_seen == self.gan_step.progress.images_seen
        self.steps.append(self.gan_step.progress.critic_steps)
        return {"penalty": Term(self.value * critic(clean, condition).mean(), 0.5)}


class OnlyAPenalty:
    """An objective that leaves all to the gradient penalty."""

    def __init__(self, gradient_penalty):
        self.gradient_penalty = gradient_penalty

    def critic_terms(self, critic, clean, fake, condition):
        return {"adversarial": Term(0 * critic(clean, condition).mean())}

    def generator_terms(self, critic, clean, fake, condition):
        return {"adversarial": Term(0 * fake.mean())}


def penalised(penalty, **arguments):
    penalty.gan_step = make_gan_step(critic=Offset(), adversarial=OnlyAPenalty(penalty), **arguments)
    return penalty.gan_step


@pytest.mark.parametrize("micro_batch", [None, 3])
@pytest.mark.parametrize("every", [1, 2, K])
def test_a_penalty_is_due_at_its_steps_and_keeps_its_mean_weight(every, micro_batch):
    """Six steps of gradient 0.5 at rate 0.1, whatever the interval."""
    penalty = CountingPenalty(every)
    gan_step = train(penalised(penalty, micro_batch=micro_batch), 6)
    parts = 1 if micro_batch is None else 2
    assert penalty.steps == [step for step in range(0, 6, every) for _ in range(parts)]
    assert gan_step.critic.w.item() == pytest.approx(-0.1 * 6 * 0.5, rel=1e-6)


def test_a_penalty_that_is_not_lazy_shares_the_step():
    alone = {"critic/gradient_norm"}
    for every, names in ((1, alone), (2, alone | {"critic/gradient_penalty_gradient_norm"})):
        logged = train(penalised(CountingPenalty(every)), 2).means.pop()
        assert {name for name in logged if name.startswith("critic/") and name.endswith("norm")} == names


def test_a_penalty_that_is_never_finite_ends_the_run():
    gan_step = penalised(CountingPenalty(2, value=float("nan")), nonfinite_limit=2)
    with pytest.raises(NotFinite, match="2 steps of the gradient_penalty_critic"):
        train(gan_step, 5)
    assert gan_step.progress.consecutive_nonfinite["critic"] == 0


@pytest.mark.parametrize("make", [torch.optim.Adam, torch.optim.AdamW, torch.optim.NAdam])
def test_adam_is_corrected_by_k_over_k_plus_1(make):
    optimizer = make([nn.Parameter(torch.zeros(2))], lr=0.02, betas=(0.9, 0.99))
    scale_adam_for_lazy_regularization(optimizer, 16)
    for options in (optimizer.defaults, optimizer.param_groups[0]):
        assert options["lr"] == pytest.approx(0.02 * 16 / 17, rel=1e-12)
        assert options["betas"] == pytest.approx((0.9 ** (16 / 17), 0.99 ** (16 / 17)), rel=1e-12)


def test_adam_without_lazy_steps_is_left_alone():
    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(2))], lr=0.02, betas=(0.0, 0.99))
    before = copy.deepcopy((optimizer.defaults, optimizer.state_dict()))
    scale_adam_for_lazy_regularization(optimizer, 1)
    assert (optimizer.defaults, optimizer.state_dict()) == before


def interval(make_optimizer, objective, price, correct: bool):
    """Where one parameter is after k steps and a lazy one of k times the price, or after k steps of their sum."""
    w = nn.Parameter(torch.zeros((), dtype=torch.float64))
    optimizer = make_optimizer([w])
    if correct:
        scale_adam_for_lazy_regularization(optimizer, K)
    for slope in [objective] * K + [K * price] if correct else [objective + price] * K:
        w.grad = torch.full_like(w, slope)
        optimizer.step()
    return w.item()


def test_sgd_needs_no_correction():
    """k + 1 steps along the parts lead as far as k along their sum."""
    separate, summed = (interval(sgd, 0.3, 0.7, correct) for correct in (True, False))
    assert separate == pytest.approx(summed, rel=1e-12)
    assert summed == pytest.approx(-0.1 * K)


def test_adam_moves_as_far_in_k_plus_1_corrected_steps_as_in_k():
    """A steady gradient, however small: k steps of the rate, by Adam as it is and as it is corrected."""

    def adam(parameters):
        return torch.optim.Adam(parameters, lr=0.1, eps=0.0)

    separate, summed = (interval(adam, 0.3, 0.3 / K, correct) for correct in (True, False))
    assert separate == pytest.approx(summed, rel=1e-6)
    assert summed == pytest.approx(-0.1 * K)


class Recorder(Logistic):
    """The logistic objective, keeping what the critic is shown."""

    def critic_terms(self, critic, clean, fake, condition):
        self.shown = [*getattr(self, "shown", []), (clean, fake, condition)]
        return super().critic_terms(critic, clean, fake, condition)


def test_the_critic_moves_as_in_a_loop_by_hand():
    """Logistic loss, lazy R1 in a step of its own, Adam with lr 0.01 k/(k+1) and β^(k/(k+1)), falling rate."""
    gamma, lr, betas, c = 2.0, 0.01, (0.5, 0.9), K / (K + 1)
    schedule = Schedule(images=100, floor=0.1)
    recorder = Recorder(gradient_penalty=R1R2Penalty(gamma, every_critic_steps=K))
    gan_step = make_gan_step(
        adversarial=recorder,
        critic_optimizer=lambda parameters: torch.optim.Adam(parameters, lr=lr, betas=betas),
        schedule=schedule,
    ).double()
    critic = copy.deepcopy(gan_step.critic)
    for _ in range(2 * K):
        clean, numbers = clean_images(gan_step.progress.images_seen)
        gan_step.train_batch(clean.double(), numbers)

    optimizer = torch.optim.Adam(critic.parameters(), lr=lr, betas=[beta**c for beta in betas])

    def step(loss, images_seen):
        optimizer.param_groups[0]["lr"] = lr * c * schedule(images_seen)
        optimizer.zero_grad(
            set_to_none=False
        )  # every parameter takes every step, those without a part in it by momentum
        loss.backward()
        optimizer.step()

    for number, (x, fake, y) in enumerate(recorder.shown):
        step((softplus(-critic(x, y)) + softplus(critic(fake, y))).mean(), number * BATCH)
        if number % K == 0:
            leaf = x.clone().requires_grad_()
            (gradient,) = torch.autograd.grad(critic(leaf, y).sum(), leaf, create_graph=True)
            step(K * gamma / 2 * gradient.square().sum((1, 2, 3)).mean(), number * BATCH)
    assert len(recorder.shown) == 2 * K
    assert torch.allclose(weights(gan_step.critic), weights(critic), rtol=1e-9, atol=1e-12)
