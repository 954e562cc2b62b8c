"""Evaluates each part of the objective once on random images, to refuse what cannot work before the first step."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..data.degradation import channels_read, measure
from ..data.measurement import Measurement
from ..losses.penalty import GeneratorPenalty, PenaltySchedule, Terms
from ..rng import Rng
from .batch import critic_condition
from .gan_step import GANStep

IMAGES = 2


def sanity_check(gan_step: GANStep, channels: int, crop: int) -> None:
    """Evaluate every penalty, both adversarial objectives and the gradient penalty on random numbers as restorations.

    The generator is not run. Weights, which of them are trained, buffers and random streams are left as they are.

    Args:
        gan_step: before its first batch or after any.
        channels: of the images.
        crop: their height and width in pixels.

    Raises:
        ValueError: naming the part of the config, if it refuses images of this size, or its value is not a finite
            scalar with a gradient.
    """
    numbers = range(IMAGES)
    images = Rng(gan_step.seed, "sanity check clean", numbers).rand(
        channels_read(channels, gan_step.degradation), crop, crop
    )
    changed = [*gan_step.penalties.values()] + ([] if gan_step.critic is None else [gan_step.critic])
    with _unchanged(nn.ModuleList(changed)):
        rng = Rng(gan_step.seed, "sanity check degradation", numbers)
        clean, measurement = measure(gan_step.degradation, images, rng)
        for name, penalty in gan_step.penalties.items():
            with _named(f"penalty.{name}"):
                samples_KBCHW = _samples(gan_step, clean, penalty.samples_per_image)
                _require_usable(_value(penalty, samples_KBCHW, clean, measurement))
        _check_critic(gan_step, clean, measurement)


def _check_critic(gan_step: GANStep, clean: Tensor, measurement: Measurement) -> None:
    """Both sides of the adversarial objective, and the gradient penalty."""
    if gan_step.critic is None or gan_step.adversarial is None:
        return
    critic, adversarial = gan_step.critic.requires_grad_(True), gan_step.adversarial
    with _named("critic"):
        fake, other = _samples(gan_step, clean, 2)
        condition = critic_condition(measurement, other.detach() if gan_step.paired else None)
        _require_dependence_on_pair(gan_step, fake.detach(), condition)
        _require_usable(_sum(adversarial.generator_terms(critic, clean, fake, condition)))
        _require_usable(_sum(adversarial.critic_terms(critic, clean, fake.detach(), condition)))
    penalty = adversarial.gradient_penalty
    if penalty is not None:
        with _named("adversarial.gradient_penalty"):
            rng = Rng(gan_step.seed, "sanity check gradient penalty", range(len(clean)))
            seen = gan_step.progress.images_seen
            _require_usable(_sum(penalty(critic, clean, fake.detach(), condition, rng, seen)))


def _sum(terms: Terms) -> Tensor:
    return torch.stack([term.value for term in terms.values()]).sum()


def _samples(gan_step: GANStep, clean: Tensor, num_samples: int) -> Tensor:
    """Random numbers in the place of K samples of each image, (K, B, C, H, W), which take a gradient."""
    rng = Rng(gan_step.seed, "sanity check samples", range(len(clean)))
    return rng.rand(num_samples, *clean.shape[1:]).movedim(1, 0).requires_grad_()


def _value(penalty: PenaltySchedule, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement) -> Any:
    if not isinstance(penalty, GeneratorPenalty):
        return penalty(samples_KBCHW, clean, measurement)
    y = measurement.degraded
    rng = Rng(0, "sanity check penalty", range(len(clean)))
    # a restorer that follows its input
    return penalty(lambda moved: samples_KBCHW + moved - y, samples_KBCHW, measurement, rng)


def _require_usable(value: Any) -> None:
    if not isinstance(value, Tensor) or value.dim():
        raise ValueError("its value on random images must be a scalar tensor")
    if not value.requires_grad or not value.isfinite():
        found = f"{value.item():g} {'with' if value.requires_grad else 'without'} a gradient"
        raise ValueError(f"its value on random images must be finite with a gradient, got {found}")


def _require_dependence_on_pair(gan_step: GANStep, fake: Tensor, condition: Tensor) -> None:
    if not gan_step.paired or gan_step.critic is None:
        return
    seen = condition.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(gan_step.critic(fake, seen).sum(), seen, allow_unused=True)
    if gradient is None or not gradient[:, -fake.shape[1] :].any():
        raise ValueError("gan_step.paired=true needs a critic that depends on its condition")


@contextmanager
def _named(part: str) -> Iterator[None]:
    """Name the part of the config in a refusal; torch refuses shapes by RuntimeError."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"{part}: {error}") from error


@contextmanager
def _unchanged(modules: nn.Module) -> Iterator[None]:
    """Restore buffers, ``requires_grad`` and the global random streams on exit."""
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
