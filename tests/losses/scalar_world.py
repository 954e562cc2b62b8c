"""One pixel whose posterior is known, and a sampler of it whose law we choose."""

import torch
from torch import Tensor

MU, SIGMA = 0.4, 0.7
NUM_TRUTHS = 100_000
NUM_BLOCKS = 100


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def signs(seed: int, *shape: int) -> Tensor:
    return normal(seed, *shape).sign()


def gaussian_truth() -> Tensor:
    return MU + SIGMA * normal(0, NUM_TRUTHS)


def gaussian_samples(K: int, mu: float = MU, sigma: float = SIGMA) -> Tensor:
    """The same random numbers for every (mu, sigma), so that differences between samplers are sharp."""
    return mu + sigma * normal(1, K, NUM_TRUTHS)


def expectation(estimator, samples: Tensor, truth: Tensor) -> tuple[float, float]:
    """Mean over truths and its standard error, from independent blocks; samples (K, N), truth (N,)."""
    blocks = zip(samples.chunk(NUM_BLOCKS, dim=1), truth.chunk(NUM_BLOCKS), strict=True)
    values = torch.stack([estimator(s[:, :, None, None, None], x[:, None, None, None], None) for s, x in blocks])
    return values.mean().item(), values.std().item() / NUM_BLOCKS**0.5


def assert_expectation(estimator, samples: Tensor, truth: Tensor, exact: float) -> None:
    mean, error = expectation(estimator, samples, truth)
    assert error < 0.01
    assert abs(mean - exact) < 4 * error, f"{mean} ± {error}, exact {exact}"


def best_sigma(estimator, K: int, factors=(0.0, 0.5, 0.8, 1.0, 1.25, 2.0)) -> float:
    """The σ_G, in units of the true σ, that the estimator likes best at the true mean."""
    truth = gaussian_truth()
    return min(factors, key=lambda f: expectation(estimator, gaussian_samples(K, MU, f * SIGMA), truth)[0])
