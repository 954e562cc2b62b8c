"""Each part of the objective once on pretend images, so that what cannot work is refused before the first step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..data.measurement import Measurement
from ..losses.generator_penalty import GeneratorPenalty
from ..losses.occasion import Occasion
from ..rng import Rng
from .game import Fakes, Game, shown_to_critic

IMAGES = 2


def rehearse(game: Game, channels: int, crop: int) -> None:
    """Evaluate every penalty and the adversarial objective on random numbers in place of restorations.

    The generator is not run. Weights, buffers and random streams are left as they are.

    Args:
        game: as it will be played, before its first batch or after any.
        channels: of the images.
        crop: their height and width in pixels.

    Raises:
        ValueError: naming the part of the config, if it refuses images of this size, or its value is not a finite
            scalar with a gradient.
    """
    numbers = range(IMAGES)
    clean = Rng(game.seed, "rehearsal clean", numbers).rand(channels, crop, crop)
    with _unchanged(nn.ModuleList([game.penalties] + ([] if game.critic is None else [game.critic]))):
        measurement = game.degradation(clean, Rng(game.seed, "rehearsal degradation", numbers))
        for name, penalty in game.penalties.items():
            if isinstance(penalty, Occasion):
                with _named(f"penalty.{name}"):
                    _require_usable(
                        _value(penalty, _samples(game, clean, penalty.samples_per_image), clean, measurement)
                    )
        if game.critic is not None and game.adversarial is not None:
            with _named("critic"):
                fake, other = _samples(game, clean, 2)
                condition = shown_to_critic(measurement, Fakes(fake, other.detach() if game.paired else None))
                _require_sight(game, fake.detach(), condition)
                terms = game.adversarial.generator_terms(game.critic, clean, fake, condition)
                _require_usable(torch.stack([term.value for term in terms.values()]).sum())


def _samples(game: Game, clean: Tensor, num_samples: int) -> Tensor:
    """Random numbers in the place of K samples of each image, (K, B, C, H, W), which take a gradient."""
    rng = Rng(game.seed, "rehearsal samples", range(len(clean)))
    return rng.rand(num_samples, *clean.shape[1:]).movedim(1, 0).requires_grad_()


def _value(penalty: Occasion, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement) -> Any:
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


def _require_sight(game: Game, fake: Tensor, condition: Tensor) -> None:
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
    """Buffers and the global random streams as they were."""
    buffers = [(buffer, buffer.clone()) for buffer in modules.buffers()]
    with torch.random.fork_rng():
        try:
            yield
        finally:
            for buffer, before in buffers:
                buffer.copy_(before)
