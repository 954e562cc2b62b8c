"""Critics whose slopes are known, or smooth enough to be checked."""

import torch
from torch import Tensor, nn
from torch.func import functional_call

from pscgan.losses.penalty import Terms
from pscgan.rng import Rng

from .scalar_world import normal

SHAPE = (3, 4, 5)
NUM_IMAGES = 3


def batch(seed: int = 0) -> dict[str, Tensor]:
    """Clean, fake and condition, float64."""
    return {name: normal(seed + i, NUM_IMAGES, *SHAPE) for i, name in enumerate(("clean", "fake", "condition"))}


class LinearCritic(nn.Module):
    """D(x, y) = ⟨w, x⟩ + ⟨v, y⟩ with ‖w‖ and ‖v‖ given."""

    def __init__(self, slope: float, condition_slope: float = 1.0) -> None:
        super().__init__()
        directions = [nn.functional.normalize(normal(seed, *SHAPE).flatten(), dim=0).view(SHAPE) for seed in (10, 11)]
        self.w, self.v = nn.Parameter(slope * directions[0]), nn.Parameter(condition_slope * directions[1])

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        return (self.w * image).sum((1, 2, 3)) + (self.v * condition).sum((1, 2, 3))


class RadialCritic(nn.Module):
    """D(x, y) = ‖x‖²/2, whose gradient at x is x."""

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        return image.square().sum((1, 2, 3)) / 2


class SmoothCritic(nn.Module):
    """D(x, y) from a convolution of x, one of y, and a tanh."""

    def __init__(self, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(SHAPE[0], 2, 3, dtype=dtype)
        self.context = nn.Conv2d(SHAPE[0], 2, 3, bias=False, dtype=dtype)
        self.score = nn.Conv2d(2, 1, 2, dtype=dtype)
        for seed, parameter in enumerate(self.parameters()):
            parameter.data = (0.5 * normal(20 + seed, *parameter.shape)).to(dtype)

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        return self.score((self.hidden(image) + self.context(condition)).tanh()).mean((1, 2, 3))


def penalty_terms(gradient_penalty, critic, images: dict[str, Tensor], images_seen: int = 0) -> Terms:
    return gradient_penalty(critic, **images, rng=Rng(0, "interpolation", range(NUM_IMAGES)), images_seen=images_seen)


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
