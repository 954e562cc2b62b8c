"""Patches against torch's own unfold and fold, and against the exact figures of a periodic Gaussian field."""

import math

import pytest
import torch
from torch.nn import functional as F

from pscgan.models.transport import patches
from pscgan.models.transport.gaussian_map import Gaussian, optimal_transport
from pscgan.models.transport.patches import PatchMoments, PatchTransport

SIDE, STD, SIGMA = 32, 0.2, 50 / 255
P, C = 3, 2


def images(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def law(seed, rank=C * P**2):
    factor = images(C * P**2, rank, seed=seed) - 0.5
    return Gaussian(images(C * P**2, seed=seed + 1), factor @ factor.T)


def test_moments_are_those_of_all_patches_whatever_they_come_in(monkeypatch):
    batches = [images(2, C, 9, 11), images(1, C, 20, 8, seed=1)]
    vectors = torch.cat([F.unfold(batch, P).movedim(1, -1).flatten(0, 1) for batch in batches])
    monkeypatch.setattr(patches, "AT_ONCE", 16)  # a row at a time
    moments = PatchMoments(P)
    for batch in [*batches, images(1, C, P - 1, 40)]:  # the last has no patch
        moments.add(batch)
    found = moments.gaussian()
    assert moments.count == len(vectors)
    assert torch.allclose(found.mean, vectors.mean(dim=0))
    centred = vectors - vectors.mean(dim=0)
    sample, n = centred.T @ centred / len(vectors), len(vectors)
    sphere = sample.trace() / (C * P**2) * torch.eye(C * P**2)
    error = (centred.square().sum(dim=1).square().mean() - sample.square().sum()) / n
    share = min(error / (sample - sphere).square().sum(), 1)
    assert torch.allclose(found.covariance, (1 - share) * sample + share * sphere, atol=1e-12)


def test_too_few_patches_are_refused():
    moments = PatchMoments(P)
    moments.add(images(1, C, 5, 8))
    with pytest.raises(ValueError, match="more patches than the 18 values of one of 3 x 3, got 18; give more"):
        moments.gaussian()
    with pytest.raises(ValueError, match="patch must be >= 1, got 0"):
        PatchMoments(0)


@pytest.mark.parametrize("rank", [C * P**2, 7])
def test_the_convolution_is_unfold_map_fold(rank):
    source, target, codes = law(2, rank), law(4), images(2, C, 7, 9)
    transport = PatchTransport(source, target, P)
    assert transport.noise_channels == C * P**2 - rank
    around = F.pad(codes, (P - 1,) * 4, mode="replicate")
    exact, noise = optimal_transport(source, target), images(2, transport.noise_channels, 9, 11)
    moved = torch.einsum("ij,njk->nik", exact.matrix, F.unfold(around, P)) + exact.offset[:, None]
    moved = moved + torch.einsum("ir,nrk->nik", exact.noise, noise.flatten(2))
    inside = slice(P - 1, 1 - P)
    expected = F.fold(moved, around.shape[-2:], P)[..., inside, inside] / P**2
    assert torch.allclose(transport(codes, noise if rank < C * P**2 else None), expected, atol=1e-9)


def test_an_identity_returns_the_image():
    same, codes = law(6), images(1, C, 12, 10)
    assert torch.allclose(PatchTransport(same, same, P)(codes), codes, atol=1e-10)


def test_a_patch_of_one_value_maps_its_mean_and_contrast():
    one, other = (
        Gaussian(torch.tensor([m], dtype=torch.float64), torch.tensor([[v]], dtype=torch.float64))
        for m, v in ((0.4, 0.01), (0.5, 0.04))
    )
    codes = images(1, 1, 6, 5)
    assert torch.allclose(PatchTransport(one, other, 1)(codes), 0.5 + 2 * (codes - 0.4))


def spectra():
    """Power of a periodic field as 1/(f² + 1/64²), and of its posterior mean under noise of 50."""
    f = torch.fft.fftfreq(SIDE, dtype=torch.float64)
    power = 1 / (f[:, None].square() + f.square() + 1 / 64**2)
    power = STD**2 * power / power.mean()
    return power, power.square() / (power + SIGMA**2)


def covariance(power, side):
    lag = (torch.arange(side)[:, None] - torch.arange(side)) % SIDE
    return torch.fft.ifft2(power).real[lag[:, None, :, None], lag[None, :, None, :]].reshape(side**2, side**2)


def decibels(gain):
    """What x̂ = gain · E[x | y] costs over the posterior mean."""
    clean, mean = spectra()
    error = clean - 2 * gain * mean + gain.square() * mean
    return 10 * math.log10(error.mean() / (clean - mean).mean())


def test_full_transport_of_a_field_costs_a_decibel():
    clean, mean = spectra()
    gains = []
    for row, of_mean in zip(clean, mean, strict=True):  # frequencies are independent: the map of each is its own
        zero = torch.zeros(SIDE, dtype=torch.float64)
        gains.append(optimal_transport(Gaussian(zero, of_mean.diag()), Gaussian(zero, row.diag())).matrix.diagonal())
    assert decibels(torch.stack(gains)) == pytest.approx(0.975, rel=0.02)


@pytest.mark.parametrize(("patch", "cost", "further"), [(3, 0.62, 1.00), (5, 0.76, 1.22), (7, 0.83, 1.31)])
def test_folded_patches_of_a_field_cost_less(patch, cost, further):
    clean, mean = spectra()
    laws = [Gaussian(torch.zeros(patch**2, dtype=torch.float64), covariance(power, patch)) for power in (mean, clean)]
    transport = PatchTransport(*laws, patch)
    impulse = torch.zeros(1, 1, SIDE, SIDE, dtype=torch.float64)
    impulse[..., SIDE // 2, SIDE // 2] = 1
    response = transport(impulse)[0, 0].roll((SIDE // 2, SIDE // 2), (0, 1))
    gain = torch.fft.fft2(response).real
    assert decibels(gain) == pytest.approx(cost, rel=0.02)
    assert decibels(1.3 * gain - 0.3) == pytest.approx(further, rel=0.02)  # alpha = −0.3
    assert 10 ** (decibels(0.5 * gain + 0.5) / 10) - 1 == pytest.approx((10 ** (cost / 10) - 1) / 4, rel=0.02)
    # the law of the patches of the result is nearer to that of clean ones, but averaging has kept it from arriving
    moved = covariance(gain.square() * mean, patch)
    before, after = (bures(one, laws[1].covariance) for one in (laws[0].covariance, moved))
    assert after / before == pytest.approx({3: 0.073, 5: 0.025, 7: 0.0125}[patch], rel=0.02)


def bures(one, other):
    zero = torch.zeros(len(one), dtype=torch.float64)
    matrix = optimal_transport(Gaussian(zero, one), Gaussian(zero, other)).matrix
    return float((one + other - 2 * matrix @ one).trace())
