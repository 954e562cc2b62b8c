"""The audit of linear and quadratic denoisers, whose Jacobians are known."""

import math

import pytest
import torch

from pscgan.models.baselines.denoiser_audit import audit_denoiser
from pscgan.rng import Rng

from .denoiser_worlds import GaussianVectors, normal


def linear(J):
    return lambda x, s: (x.flatten(1) @ J.T.to(x)).view(x.shape)


def audit(denoiser, images=None, **arguments):
    images = torch.rand(4, 1, 4, 4).double() if images is None else images
    return audit_denoiser(denoiser, images, 0.1, Rng(0, "audit", range(len(images))), **arguments)


def test_the_exact_denoiser_of_a_centred_gaussian_meets_every_condition():
    """Its largest eigenvalue is c / (c + s²) = 0.9; the spectrum is dense, so that the radius is met to a percent."""
    result = audit(GaussianVectors(mean=0.0).denoise, power_steps=100)
    assert result.inhomogeneity < 1e-9
    assert result.asymmetry < 1e-9
    assert result.spectral_radius == pytest.approx(0.09 / 0.1, rel=1e-2)
    assert all(result.conditions().values())


def test_an_offset_is_not_homogeneous():
    """D is affine: D(cx) − cD(x) = (1 − c) D(0)."""
    prior, images = GaussianVectors(mean=0.5), torch.rand(4, 1, 4, 4).double()
    expected = prior.denoise(torch.zeros_like(images), 0.1).norm() / prior.denoise(images, 0.1).norm()
    result = audit(prior.denoise, images)
    assert result.inhomogeneity == pytest.approx(expected.item(), rel=1e-6)
    assert result.conditions() == {"locally homogeneous": False, "symmetric": True, "passive": True}


def test_asymmetry_of_a_matrix():
    """Within four standard errors: 32 images, 120 pairs of probes each."""
    J = normal(0, 16, 16).double() / 8 + torch.eye(16).double() / 2
    expected = ((J - J.T).norm() / J.norm()).item()
    result = audit(linear(J), torch.rand(32, 1, 4, 4).double())
    assert result.asymmetry == pytest.approx(expected, rel=4 * math.sqrt(1 / (32 * 120)))
    assert not result.conditions()["symmetric"]


def test_spectral_radius_of_a_pair_of_complex_eigenvalues():
    """A rotation by 0.7 shrunk to 1.1, beside 0.8: no real eigenvector has the radius."""
    J = 0.8 * torch.eye(16).double()
    J[:2, :2] = 1.1 * torch.tensor([[math.cos(0.7), -math.sin(0.7)], [math.sin(0.7), math.cos(0.7)]])
    result = audit(linear(J), power_steps=80)
    assert result.spectral_radius == pytest.approx(1.1, rel=1e-6)
    assert result.conditions() == {"locally homogeneous": True, "symmetric": False, "passive": False}


def test_the_jacobian_is_that_at_the_images():
    """x² has the Jacobian 2x: symmetric, of radius 2 max x; of degree 2, so Jx − D(x) = D(x)."""
    images = torch.rand(2, 1, 4, 4).double()
    images[:, 0, 0, 0] = 1.1  # apart from the next, or the power iteration takes its time
    result = audit(lambda x, s: x.square(), images, power_steps=400)
    assert result.spectral_radius == pytest.approx(2.2, rel=1e-3)
    assert result.asymmetry < 1e-9
    assert result.inhomogeneity == pytest.approx(1, rel=2e-3)  # by the ε of the scaling, 1e-3


def test_a_constant_has_no_radius():
    result = audit(lambda x, s: torch.full_like(x, 0.5))
    assert (result.asymmetry, result.spectral_radius) == (0, 0)


def test_single_precision_suffices():
    J = GaussianVectors(mean=0.0)
    result = audit(lambda x, s: J.denoise(x.double(), s).float(), torch.rand(4, 1, 4, 4))
    assert result.inhomogeneity < 1e-3
    assert result.asymmetry < 1e-3


def test_calls_are_counted():
    count = []

    def denoise(x, s):
        count.append(s)
        return x / 2

    audit(denoise, probes=3, power_steps=5)
    assert count == [0.1] * (2 + 2 * 8)


def test_bad_arguments_are_refused_by_name():
    with pytest.raises(ValueError, match=r"probes.*got 1"):
        audit(lambda x, s: x, probes=1)
    with pytest.raises(ValueError, match=r"rng.* 4 .*3"):
        audit_denoiser(lambda x, s: x, torch.rand(4, 1, 4, 4), 0.1, Rng(0, "audit", range(3)))
