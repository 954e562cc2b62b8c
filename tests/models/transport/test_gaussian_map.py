"""The closed form against its definition, of covariances with an inverse and without; shrinkage against its formula."""

import pytest
import torch

from pscgan.models.transport.gaussian_map import Gaussian, optimal_transport, shrunk

D = 24


def law(seed, rank=D):
    generator = torch.Generator().manual_seed(seed)
    factor = torch.randn(D, rank, generator=generator, dtype=torch.float64)
    return Gaussian(torch.randn(D, generator=generator, dtype=torch.float64), factor @ factor.T / rank)


def root(matrix):
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


def test_the_target_is_reached_by_the_gradient_of_a_convex_function():
    source, target = law(0), law(1)
    found = optimal_transport(source, target)
    assert found.noise.shape == (D, 0)
    assert torch.allclose(found.matrix @ source.covariance @ found.matrix.T, target.covariance, atol=1e-10, rtol=0)
    assert torch.allclose(found.matrix @ source.mean + found.offset, target.mean, atol=1e-10)
    # symmetric and positive: of all maps that reach the target the one of least change (Brenier 1991)
    assert torch.allclose(found.matrix, found.matrix.T, atol=1e-10)
    assert torch.linalg.eigvalsh(found.matrix)[0] > 0


def test_it_is_the_published_formula():
    source, target = law(2), law(3)
    half = root(source.covariance)
    inverse = torch.linalg.inv(half)
    expected = inverse @ root(half @ target.covariance @ half) @ inverse
    assert torch.allclose(optimal_transport(source, target).matrix, expected, atol=1e-9)


def test_where_the_source_is_singular_the_rest_is_drawn():
    source, target = law(4, rank=9), law(5)
    found = optimal_transport(source, target)
    assert found.noise.shape == (D, D - 9)
    moved = found.matrix @ source.covariance @ found.matrix.T
    assert torch.allclose(moved + found.noise @ found.noise.T, target.covariance, atol=1e-10, rtol=0)
    # arXiv 2306.02342: Ct T* Cs⁺, and the noise Ct^½ (I − Ct^½ T* Cs⁺ T* Ct^½) Ct^½, T* the transport of the way back
    back = optimal_transport(target, source).matrix
    pseudoinverse = torch.linalg.pinv(source.covariance, hermitian=True, rtol=1e-12)
    assert torch.allclose(found.matrix, target.covariance @ back @ pseudoinverse, atol=1e-9)
    half = root(target.covariance)
    noise = half @ (torch.eye(D) - half @ back @ pseudoinverse @ back @ half) @ half
    assert torch.allclose(found.noise @ found.noise.T, noise, atol=1e-9)


def test_of_what_never_varies_in_either_nothing_is_drawn():
    source = law(6, rank=9)
    found = optimal_transport(source, Gaussian(source.mean, 4 * source.covariance))
    assert found.noise.shape == (D, 0)
    assert torch.allclose(found.matrix @ source.covariance @ found.matrix.T, 4 * source.covariance, atol=1e-10, rtol=0)
    flat = Gaussian(source.mean, torch.zeros(D, D, dtype=torch.float64))
    assert torch.equal(optimal_transport(source, flat).matrix, flat.covariance)


@pytest.mark.parametrize("rank", [D, 9])
def test_shrinkage_is_that_of_ledoit_and_wolf_within_what_is_spanned(rank):
    count = 40
    factor = torch.randn(D, rank, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    vectors = torch.randn(count, rank, generator=torch.Generator().manual_seed(8), dtype=torch.float64) @ factor.T
    mean = vectors.mean(dim=0)
    centred = vectors - mean
    sample = centred.T @ centred / count
    spanned = torch.linalg.svd(factor).U[:, :rank]
    sphere = sample.trace() / rank * spanned @ spanned.T
    error = sum((torch.outer(v, v) - sample).square().sum() for v in centred) / count**2
    share = min(float(error / (sample - sphere).square().sum()), 1.0)
    assert 0.1 < share < 1
    found = shrunk(Gaussian(mean, sample), count, centred.square().sum(dim=1).square().mean())
    assert torch.allclose(found.covariance, (1 - share) * sample + share * sphere, atol=1e-10)
