"""Each part of the objective once on pretend images, so that what cannot work is refused before the first step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..data.degradation import channels_read, measure
from ..data.measurement import Measurement
from ..losses.penalty import GeneratorPenalty, PenaltySchedule, Terms
from ..rng import Rng
from .gan_step import CriticBatch, GANStep, critic_condition

IMAGES = 2


def sanity_check(game: GANStep, channels: int, crop: int) -> None:
    """Evaluate every penalty, both adversarial objectives and the gradient penalty on random numbers as restorations.

    The generator is not run. Weights, what of them is trained, buffers and random streams are left as they are.

    Args:
        game: as it will be played, before its first batch or after any.
        channels: of the images.
        crop: their height and width in pixels.

    Raises:
        ValueError: naming the part of the config, if it refuses images of this size, or its value is not a finite
            scalar with a gradient.
    """
    numbers = range(IMAGES)
    images = Rng(game.seed, "rehearsal clean", numbers).rand(channels_read(channels, game.degradation), crop, crop)
    with _unchanged(nn.ModuleList([game.penalties] + ([] if game.critic is None else [game.critic]))):
        clean, measurement = measure(game.degradation, images, Rng(game.seed, "rehearsal degradation", numbers))
        for name, penalty in game.penalties.items():
            if isinstance(penalty, PenaltySchedule):
                with _named(f"penalty.{name}"):
                    _require_usable(
                        _value(penalty, _samples(game, clean, penalty.samples_per_image), clean, measurement)
                    )
        _rehearse_critic(game, clean, measurement)


def _rehearse_critic(game: GANStep, clean: Tensor, measurement: Measurement) -> None:
    """Both sides of the adversarial objective, and the gradient penalty of the critic."""
    if game.critic is None or game.adversarial is None:
        return
    critic, adversarial = game.critic.requires_grad_(True), game.adversarial
    gradient_penalty = adversarial.gradient_penalty
    with _named("critic"):
        fake, other = _samples(game, clean, 2)
        condition = critic_condition(measurement, CriticBatch(fake, other.detach() if game.paired else None))
        _require_sight(game, fake.detach(), condition)
        _require_usable(_sum(adversarial.generator_terms(critic, clean, fake, condition)))
        _require_usable(_sum(adversarial.critic_terms(critic, clean, fake.detach(), condition)))
    if gradient_penalty is not None:
        with _named("adversarial.gradient_penalty"):
            rng = Rng(game.seed, "rehearsal slope", range(len(clean)))
            terms = gradient_penalty(critic, clean, fake.detach(), condition, rng, game.clock.times.images_seen)
            _require_usable(_sum(terms))


def _sum(terms: Terms) -> Tensor:
    return torch.stack([term.value for term in terms.values()]).sum()


def _samples(game: GANStep, clean: Tensor, num_samples: int) -> Tensor:
    """Random numbers in the place of K samples of each image, (K, B, C, H, W), which take a gradient."""
    rng = Rng(game.seed, "rehearsal samples", range(len(clean)))
    return rng.rand(num_samples, *clean.shape[1:]).movedim(1, 0).requires_grad_()


def _value(penalty: PenaltySchedule, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement) -> Any:
    if not isinstance(penalty, GeneratorPenalty):
        return penalty(samples_KBCHW, clean, measurement)
    C, condition = clean.shape[1], measurement.condition
    rng = Rng(0, "rehearsal penalty", range(len(clean)))
    # a restorer that follows its input
    return penalty(lambda moved: samples_KBCHW + (moved - condition)[:, :C], samples_KBCHW, condition, rng)


def _require_usable(value: Any) -> None:
    if not isinstance(value, Tensor) or value.dim():
        raise ValueError("its value on random images is no scalar tensor; allowed is a finite scalar with a gradient")
    if not value.requires_grad or not value.isfinite():
        with_gradient = "with" if value.requires_grad else "without"
        raise ValueError(
            f"its value on random images is {value.item():g}, {with_gradient} a gradient; allowed is a finite scalar "
            "with one"
        )


def _require_sight(game: GANStep, fake: Tensor, condition: Tensor) -> None:
    """Refuse pairs for a critic that leaves its condition out."""
    if not game.paired or game.critic is None:
        return
    seen = condition.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(game.critic(fake, seen).sum(), seen, allow_unused=True)
    if gradient is None or not gradient[:, -fake.shape[1] :].any():
        raise ValueError("game.paired is true; allowed with a critic that looks at its condition")


@contextmanager
def _named(part: str) -> Iterator[None]:
    """Refusals name the part of the config; of shapes torch complains by RuntimeError."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"{part}: {error}") from error


@contextmanager
def _unchanged(modules: nn.Module) -> Iterator[None]:
    """Buffers, which parameters take gradients, and the global random streams as they were."""
    buffers = [(buffer, buffer.clone()) for buffer in modules.buffers()]
    trained = [(parameter, parameter.requires_grad) for parameter in modules.parameters()]
    with torch.random.fork_rng():
        try:
            yield
        finally:
            for buffer, before in buffers:
                buffer.copy_(before)
            for parameter, requires_grad in trained:
                parameter.requires_grad_(requires_grad)
