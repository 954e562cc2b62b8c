"""The seam of adversarial objectives."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from ..checks import require_at_least
from .distances import at_least_fp32
from .gradient_penalty import Critic, GradientPenalty
from .penalty import Term, Terms


class Adversarial(Protocol):
    """Two sides of one game; any of them goes with any price on the slope of the critic.

    Attributes:
        slope: the price, which the game adds to the critic's side; None for none.
    """

    slope: GradientPenalty | None

    def critic_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """What the critic minimises besides the price on its slope; one entry named ``adversarial``.

        ``fake`` may carry a graph, into which no gradient is led.
        """
        ...

    def generator_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """What the generator minimises besides its penalties; one entry named ``adversarial``."""
        ...


def critic_scores(critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
    """D(x, y) and D(x̂, y), each (B,), in fp32, from one call; no gradient reaches the generator."""
    scores = critic(torch.cat([clean, fake.detach()]), torch.cat([condition, condition]))
    D_clean, D_fake = at_least_fp32(scores).chunk(2)
    return D_clean, D_fake


class Wasserstein:
    """How far is p(x̂|y) from p(x|y), on average over y, in the Wasserstein-1 distance?

    For critics of slope at most 1, which ``slope`` has to see to::

        critic     E D(x̂, y) − E D(x, y)
        generator  −E D(x̂, y)

    Args:
        generator_weight: of the adversarial term in the generator's objective.
        slope: price on the slope of the critic; None for none.

    Raises:
        ValueError: if ``generator_weight`` is negative.
    """

    def __init__(self, generator_weight: float = 1e-3, slope: GradientPenalty | None = None) -> None:
        require_at_least(0, generator_weight=generator_weight)
        self.generator_weight = generator_weight
        self.slope = slope

    def critic_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """Negative distance."""
        D_clean, D_fake = critic_scores(critic, clean, fake, condition)
        return {"adversarial": Term(D_fake.mean() - D_clean.mean())}

    def generator_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """Raise the score of the fake."""
        D_fake = at_least_fp32(critic(fake, condition))
        return {"adversarial": Term(-D_fake.mean(), self.generator_weight)}


class Hinge:
    """Are clean and fake images, given y, a margin apart?

    The critic stops pulling at an image once its score lies beyond ±1::

        critic     E max(0, 1 − D(x, y)) + E max(0, 1 + D(x̂, y))
        generator  −E D(x̂, y)

    Args:
        generator_weight: of the adversarial term in the generator's objective.
        slope: price on the slope of the critic; None for none.

    Raises:
        ValueError: if ``generator_weight`` is negative.
    """

    def __init__(self, generator_weight: float = 1e-3, slope: GradientPenalty | None = None) -> None:
        require_at_least(0, generator_weight=generator_weight)
        self.generator_weight = generator_weight
        self.slope = slope

    def critic_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """What scores lack of the margin."""
        D_clean, D_fake = critic_scores(critic, clean, fake, condition)
        return {"adversarial": Term((relu(1 - D_clean) + relu(1 + D_fake)).mean())}

    def generator_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """Raise the score of the fake, however high it is."""
        D_fake = at_least_fp32(critic(fake, condition))
        return {"adversarial": Term(-D_fake.mean(), self.generator_weight)}


class Logistic:
    """Is the image clean or fake, given y?

    With softplus(t) = log(1 + eᵗ)::

        critic     E softplus(−D(x, y)) + E softplus(D(x̂, y))
        generator  E softplus(−D(x̂, y))

    Args:
        generator_weight: of the adversarial term in the generator's objective.
        slope: price on the slope of the critic; None for none.

    Raises:
        ValueError: if ``generator_weight`` is negative.
    """

    def __init__(self, generator_weight: float = 1e-3, slope: GradientPenalty | None = None) -> None:
        require_at_least(0, generator_weight=generator_weight)
        self.generator_weight = generator_weight
        self.slope = slope

    def critic_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """Classification error."""
        D_clean, D_fake = critic_scores(critic, clean, fake, condition)
        return {"adversarial": Term((softplus(-D_clean) + softplus(D_fake)).mean())}

    def generator_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """Have the fake taken for clean."""
        D_fake = at_least_fp32(critic(fake, condition))
        return {"adversarial": Term(softplus(-D_fake).mean(), self.generator_weight)}


class Relativistic:
    """Which of the two is clean, given y?

    With Δ = D(x, y) − D(x̂, y), x and x̂ of the same y::

        critic     E softplus(−Δ)
        generator  E softplus(Δ)

    Args:
        generator_weight: of the adversarial term in the generator's objective.
        slope: price on the slope of the critic; None for none.

    Raises:
        ValueError: if ``generator_weight`` is negative.
    """

    def __init__(self, generator_weight: float = 1e-3, slope: GradientPenalty | None = None) -> None:
        require_at_least(0, generator_weight=generator_weight)
        self.generator_weight = generator_weight
        self.slope = slope

    def critic_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """Ranking error."""
        D_clean, D_fake = critic_scores(critic, clean, fake, condition)
        return {"adversarial": Term(softplus(D_fake - D_clean).mean())}

    def generator_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """Have the fake ranked above the clean image, whose score is a constant here."""
        D_clean, D_fake = critic(clean, condition).detach(), critic(fake, condition)
        delta = at_least_fp32(D_clean) - at_least_fp32(D_fake)
        return {"adversarial": Term(softplus(delta).mean(), self.generator_weight)}
