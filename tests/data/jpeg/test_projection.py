"""The projection in real numbers: a clamp of coefficients, and nothing else."""

import pytest
import torch

from pscgan.data.degradations.jpeg import Jpeg
from pscgan.data.jpeg import codec, differentiable_codec
from pscgan.data.jpeg.differentiable_codec import analyse, project, synthesise
from pscgan.data.jpeg.quantisation import tables_of_quality
from pscgan.data.measurement import concatenate
from pscgan.rng import Rng

from . import libjpeg
from .libjpeg import KINDS, sampling_of

ROUNDING = 1e-3  # of float64, and of colour constants with six decimals


def files_of(kind, height=48, width=64, quality=20, count=2):
    truth = torch.cat([libjpeg.tensor(libjpeg.photograph(i, height, width, kind)) for i in range(count)])
    tables = tables_of_quality(torch.full((count,), quality), truth.shape[1])
    return truth.double(), codec.encode(truth, tables, sampling_of(kind))


def start(truth, seed=0):
    """Far from the truth, also in fine chroma."""
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(seed), dtype=truth.dtype)
    return truth.roll(3, dims=3) + 20 * noise


def intervals(coded, component, tolerance=0.0):
    levels = coded.levels[component].double()
    steps = codec.spread(coded.tables[:, component], levels).expand_as(codec.by_rows(levels)).flatten(1, 2)
    return (levels - 0.5 - tolerance) * steps, (levels + 0.5 + tolerance) * steps


def middle(coded):
    """The pictures in the middles of all intervals; may leave 0..255."""
    centres = [codec.dequantise(c.double(), coded.tables[:, i]) for i, c in enumerate(coded.levels)]
    return 128 + synthesise(centres, coded.sampling, coded.height, coded.width)


@pytest.mark.parametrize("tolerance", [0.0, 0.5])
@pytest.mark.parametrize("kind", KINDS)
def test_coefficients_are_clamped_to_their_intervals(kind, tolerance):
    truth, coded = files_of(kind)
    before = analyse(start(truth), coded.sampling)
    after = analyse(project(start(truth), coded, tolerance), coded.sampling)
    for component, (one, two) in enumerate(zip(before, after, strict=True)):
        low, high = intervals(coded, component, tolerance)
        assert ((one < low) | (one > high)).any()
        assert (two - one.clamp(low, high)).abs().max() < ROUNDING


@pytest.mark.parametrize("kind", KINDS)
def test_twice_is_once(kind):
    truth, coded = files_of(kind)
    once = project(start(truth), coded)
    assert (project(once, coded) - once).abs().max() < ROUNDING


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_inside_stay(kind):
    _, coded = files_of(kind)
    inside = middle(coded)
    assert (project(inside, coded) - inside).abs().max() < 1e-9


@pytest.mark.parametrize(("kind", "horizontal", "vertical"), [("4:2:0", 2, 2), ("4:2:2", 2, 1)])
def test_fine_chroma_stays(kind, horizontal, vertical):
    truth, coded = files_of(kind)
    moved = project(start(truth), coded) - start(truth)
    chroma = differentiable_codec._mix(moved, differentiable_codec._to_ycc(moved))[:, 1:]
    cells = chroma.unfold(2, vertical, vertical).unfold(3, horizontal, horizontal).flatten(4)
    assert chroma.abs().max() > 1
    assert (cells - cells[..., :1]).abs().max() < 1e-9


@pytest.mark.parametrize("quality", [5, 20, 50, 75])
@pytest.mark.parametrize("kind", KINDS)
def test_it_comes_nearer_to_the_truth(kind, quality):
    truth, coded = files_of(kind, 96, 96, quality, count=4)
    blurred = torch.nn.functional.avg_pool2d(truth, 5, stride=1, padding=2, count_include_pad=False)
    for restored in (start(truth), blurred, truth.flip(0)):
        before, after = (
            (picture - truth).square().mean(dim=(1, 2, 3)) for picture in (restored, project(restored, coded))
        )
        assert (after <= before).all()


def test_gradients_inside_are_those_of_the_identity():
    _, coded = files_of("4:2:0", 16, 16, count=1)
    inside = middle(coded).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: project(x, coded), inside, fast_mode=True)
    (gradient,) = torch.autograd.grad(project(inside, coded).square().sum() / 2, inside)
    assert (gradient - inside).abs().max() < 1e-6


def test_outside_gradients_pass_where_descent_leads_inside():
    truth, coded = files_of("grey")
    x = start(truth).requires_grad_()
    weight = torch.randn(x.shape, generator=torch.Generator().manual_seed(2), dtype=x.dtype)
    (gradient,) = torch.autograd.grad((weight * project(x, coded)).sum(), x)
    # grey is orthonormal: in coefficients, the gradient is that of the clamp
    found, asked = (analyse(128 + g, coded.sampling)[0] for g in (gradient, weight))
    low, high = intervals(coded, 0)
    (coefficients,) = analyse(x.detach(), coded.sampling)
    outwards = ((coefficients < low) & (asked > 0)) | ((coefficients > high) & (asked < 0))
    assert 0.01 < outwards.double().mean() < 0.5
    assert (found - asked.masked_fill(outwards, 0)).abs().max() < 1e-9


def test_descent_from_outside_comes_inside():
    truth, coded = files_of("grey", 16, 16)
    target = middle(coded)
    x = start(truth)
    for _ in range(200):
        x.requires_grad_()
        (gradient,) = torch.autograd.grad((project(x, coded) - target).square().sum() / 2, x)
        x = (x - gradient / 2).detach()
    assert (x - target).abs().max() < 1e-6


def test_autocast_changes_nothing():
    truth, coded = files_of("4:2:0")
    x = start(truth).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = project(x, coded)
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, project(x, coded))
    assert project(x.bfloat16(), coded).dtype == torch.float32


def test_images_of_mixed_sampling_are_projected_as_one_by_one():
    degradation = Jpeg([5, 95], ["4:4:4", "4:2:2", "4:2:0"])
    clean = torch.cat([libjpeg.tensor(libjpeg.photograph(i, 35, 52)) for i in range(8)]) / 255
    measurement = degradation(clean, Rng(0, "degradation", range(8)))
    assert len(measurement.params["sampling"].unique(dim=0)) == 3
    restored = clean.roll(3, dims=3)
    together = degradation.project(restored, measurement)
    apart = [degradation.project(restored[i : i + 1], measurement[i : i + 1]) for i in range(8)]
    assert (together - torch.cat(apart)).abs().max() < 1e-6
    assert torch.equal(
        concatenate([measurement[i : i + 1] for i in range(8)]).params["levels"], measurement.params["levels"]
    )
