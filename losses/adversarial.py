"""Adversarial objectives of a conditional GAN: Wasserstein, hinge, logistic, relativistic.

D(x, y) is the critic's score of a clean image x, D(x̂, y) that of a sample x̂ of the same measurement y.
"""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from ..checks import require_at_least
from ..precision import at_least_fp32
from .gradient_penalty import Critic, GradientPenalty
from .penalty import Term, Terms


class Adversarial(Protocol):
    """What critic and generator minimise against each other.

    Attributes:
        gradient_penalty: what the training step adds to the critic's side; None for none. Every objective goes with
            every gradient penalty.
    """

    gradient_penalty: GradientPenalty | None

    def critic_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """What the critic minimises besides its gradient penalty; one entry named ``adversarial``.

        ``fake`` may carry a graph; no gradient flows into it.
        """
        ...

    def generator_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """What the generator minimises besides its penalties; one entry named ``adversarial``."""
        ...


class ScoreObjective:
    """An objective that is two functions of the scores: an ``Adversarial`` for subclasses that define these.

    Args:
        generator_weight: of the adversarial term in the generator's objective.
        gradient_penalty: of the critic; None for none.
    """

    def __init__(self, generator_weight: float = 1e-3, gradient_penalty: GradientPenalty | None = None) -> None:
        require_at_least(0, generator_weight=generator_weight)
        self.generator_weight = generator_weight
        self.gradient_penalty = gradient_penalty

    def critic_loss(self, D_clean: Tensor, D_fake: Tensor) -> Tensor:
        """Mean over the batch; scores (B,) in fp32."""
        raise NotImplementedError

    def generator_loss(self, D_fake: Tensor) -> Tensor:
        """Mean over the batch; scores (B,) in fp32."""
        raise NotImplementedError

    def critic_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """Both scores come from one call of the critic; no gradient reaches the generator."""
        scores = critic(torch.cat([clean, fake.detach()]), torch.cat([condition, condition]))
        D_clean, D_fake = at_least_fp32(scores).chunk(2)
        return {"adversarial": Term(self.critic_loss(D_clean, D_fake))}

    def generator_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """The weighted loss; the clean images play no part in it."""
        D_fake = at_least_fp32(critic(fake, condition))
        return {"adversarial": Term(self.generator_loss(D_fake), self.generator_weight)}


class Wasserstein(ScoreObjective):
    """Wasserstein-1 distance of p(x̂|y) from p(x|y), on average over y (WGAN, arXiv 1701.07875).

    For critics of slope at most 1 in x, which the gradient penalty has to see to::

        critic     E D(x̂, y) − E D(x, y)
        generator  −E D(x̂, y)
    """

    def critic_loss(self, D_clean: Tensor, D_fake: Tensor) -> Tensor:
        return D_fake.mean() - D_clean.mean()

    def generator_loss(self, D_fake: Tensor) -> Tensor:
        return -D_fake.mean()


class Hinge(ScoreObjective):
    """Hinge loss (arXiv 1705.02894, 1802.05957): an image whose score lies beyond ±1 no longer moves the critic.

    ::

        critic     E max(0, 1 − D(x, y)) + E max(0, 1 + D(x̂, y))
        generator  −E D(x̂, y)
    """

    def critic_loss(self, D_clean: Tensor, D_fake: Tensor) -> Tensor:
        return (relu(1 - D_clean) + relu(1 + D_fake)).mean()

    def generator_loss(self, D_fake: Tensor) -> Tensor:
        return -D_fake.mean()


class Logistic(ScoreObjective):
    """Non-saturating logistic loss (Goodfellow et al., arXiv 1406.2661), with softplus(t) = log(1 + eᵗ).

    ::

        critic     E softplus(−D(x, y)) + E softplus(D(x̂, y))
        generator  E softplus(−D(x̂, y))
    """

    def critic_loss(self, D_clean: Tensor, D_fake: Tensor) -> Tensor:
        return (softplus(-D_clean) + softplus(D_fake)).mean()

    def generator_loss(self, D_fake: Tensor) -> Tensor:
        return softplus(-D_fake).mean()


class Relativistic(ScoreObjective):
    """Relativistic pairing loss (R3GAN, arXiv 2501.05441): which of the two is clean, given the same y?

    With Δ = D(x, y) − D(x̂, y)::

        critic     E softplus(−Δ)
        generator  E softplus(Δ)
    """

    def critic_loss(self, D_clean: Tensor, D_fake: Tensor) -> Tensor:
        return softplus(D_fake - D_clean).mean()

    def generator_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """Rank the sample above the clean image, whose score is a constant here."""
        D_clean, D_fake = critic(clean, condition).detach(), critic(fake, condition)
        delta = at_least_fp32(D_clean) - at_least_fp32(D_fake)
        return {"adversarial": Term(softplus(delta).mean(), self.generator_weight)}
