"""The shear of a convergence field: its identity, a reference in complex notation, its mask, what is shown."""

import numpy as np
import pytest
import torch

from pscgan.data.degradations.linear import Linear
from pscgan.data.degradations.masks import CenterBox
from pscgan.data.degradations.operators.shear import Shear
from pscgan.rng import Rng


def uniform(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("size", [(31, 31), (15, 9), (1, 7)], ids=str)
def test_all_but_the_mean_is_kept_at_odd_sides(size):
    """AᵀA = 1 − mean."""
    x = uniform(2, 3, *size)
    found = Shear().adjoint(Shear().forward(x, {}), {}, size)
    torch.testing.assert_close(found, x - x.mean(dim=(2, 3), keepdim=True), rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [(32, 32), (10, 7)], ids=str)
def test_at_even_sides_the_nyquist_frequencies_are_lost_and_nothing_else(size):
    x = uniform(1, 1, *size)
    kept = [np.abs(np.fft.fftfreq(side)) < 0.5 for side in size]
    spectrum = np.fft.fft2(x[0, 0].numpy()) * np.outer(*kept)
    spectrum[0, 0] = 0
    found = Shear().adjoint(Shear().forward(x, {}), {}, size)
    np.testing.assert_allclose(found[0, 0].numpy(), np.fft.ifft2(spectrum).real, atol=1e-12)


def test_the_shear_has_spin_two():
    """γ₁ + i γ₂ is κ̂ times the square of the unit vector of k in the complex plane."""
    x = uniform(1, 2, 9, 11)
    k = np.fft.fftfreq(11) + 1j * np.fft.fftfreq(9)[:, None]
    spin = np.divide(k**2, np.abs(k) ** 2, out=np.zeros_like(k), where=k != 0)
    expected = np.fft.ifft2(spin * np.fft.fft2(x[0].numpy()))
    found = Shear().forward(x, {})[0].numpy()
    np.testing.assert_allclose(found[:2] + 1j * found[2:], expected, atol=1e-12)


def test_a_mass_stretches_shapes_around_it():
    """Right of and above a mass ellipses stand across the line to it: γ₁ is negative, then positive."""
    mass = torch.zeros(1, 1, 31, 31, dtype=torch.float64)
    mass[..., 15, 15] = 1
    first = Shear().forward(mass, {})[0, 0]
    assert first[15, 20] < -1e-3
    assert first[10, 15] > 1e-3


def test_a_b_mode_is_not_shown():
    gamma1, gamma2 = Shear().forward(uniform(1, 1, 15, 15), {}).chunk(2, dim=1)
    rotated = torch.cat([-gamma2, gamma1], dim=1)
    assert Shear().adjoint(rotated, {}, (15, 15)).abs().max() < 1e-12


def test_holes_hold_no_shear_and_the_map_says_where():
    clean = uniform(2, 1, 31, 31)
    measurement = Linear(Shear(CenterBox(0.3)), sigma=10)(clean, Rng(0, "degradation", [0, 1]))
    hole = measurement.maps.expand(-1, 2, -1, -1) == 0
    assert hole.sum() == 2 * 2 * 81
    assert (measurement.params["measured"][hole] == 0).all()


def test_kaiser_and_squires_are_shown_about_grey():
    clean = uniform(1, 1, 15, 15)
    shown = Linear(Shear())(clean, Rng(0, "degradation", [0])).degraded
    torch.testing.assert_close(shown, 0.5 + clean - clean.mean(), rtol=0, atol=1e-12)


def test_masked_images_too_large_for_an_svd_are_refused_by_name():
    known = {"known": torch.ones(1, 1, 65, 8, dtype=torch.bool)}
    with pytest.raises(ValueError, match="Shear must see at most 64 x 64 pixels for an SVD, got 65 x 8"):
        Shear().filtered(torch.zeros(1, 1, 65, 8), known, torch.square)
    torch.testing.assert_close(Shear().filtered(torch.ones(1, 1, 65, 8), {}, torch.square), torch.zeros(1, 1, 65, 8))
