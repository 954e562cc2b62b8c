"""The linear map between pictures and coefficients."""

import pytest
import torch

from pscgan.data.jpeg import codec, differentiable_codec
from pscgan.data.jpeg.coefficients import SAMPLINGS
from pscgan.data.jpeg.differentiable_codec import analyse, synthesise

from . import libjpeg
from .libjpeg import KINDS, sampling_of


def random_picture(height, width, channels=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 255 * torch.rand(2, channels, height, width, generator=generator, dtype=torch.float64)


def random_planes(kind, height, width):
    channels = 1 if kind == "grey" else 3
    shapes = analyse(random_picture(height, width, channels), sampling_of(kind))
    generator = torch.Generator().manual_seed(1)
    return [50 * torch.randn(plane.shape, generator=generator, dtype=torch.float64) for plane in shapes]


def close(one, other, bound=1e-9):
    return one.shape == other.shape and (one - other).abs().max() < bound


@pytest.mark.parametrize("size", [(16, 16), (32, 48)])
@pytest.mark.parametrize("kind", KINDS)
def test_synthesis_is_a_right_inverse_where_units_are_whole(kind, size):
    planes = random_planes(kind, *size)
    again = analyse(128 + synthesise(planes, sampling_of(kind), *size), sampling_of(kind))
    # colour constants of six decimals shift the grey of 128 by 3e-5 at most in chroma
    assert all(close(one, two, 1e-3) for one, two in zip(planes, again, strict=True))


@pytest.mark.parametrize("kind", ["4:4:4", "grey"])
def test_without_shrinking_synthesis_is_the_inverse(kind):
    x = random_picture(24, 32, 1 if kind == "grey" else 3)
    assert close(128 + synthesise(analyse(x, sampling_of(kind)), sampling_of(kind), 24, 32), x, 1e-3)


def test_grey_is_orthonormal():
    x = random_picture(24, 32, channels=1)
    (plane,) = analyse(x, SAMPLINGS["4:4:4"])
    assert torch.isclose(plane.square().sum(), (x - 128).square().sum(), rtol=1e-12)


@pytest.mark.parametrize("size", [(19, 27), (1, 1), (16, 31), (33, 8)])
def test_what_is_copied_beyond_the_edge_folds_back(size):
    x = random_picture(*size, channels=1)
    again = 128 + synthesise(analyse(x, SAMPLINGS["4:4:4"]), SAMPLINGS["4:4:4"], *size)
    assert close(again, x)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_differences(kind):
    x = random_picture(9, 18, 1 if kind == "grey" else 3)[:1].requires_grad_()
    assert torch.autograd.gradcheck(lambda x: tuple(analyse(x, sampling_of(kind))), x, fast_mode=True)
    planes = [plane[:1].requires_grad_() for plane in random_planes(kind, 9, 18)]
    assert torch.autograd.gradcheck(lambda *p: synthesise(list(p), sampling_of(kind), 9, 18), planes, fast_mode=True)


def test_gradients_flow_after_a_first_call_in_inference_mode():
    differentiable_codec._constants.cache_clear()
    with torch.inference_mode():
        planes = analyse(random_picture(16, 16), SAMPLINGS["4:2:0"])
        synthesise(planes, SAMPLINGS["4:2:0"], 16, 16)
    x = random_picture(16, 16).requires_grad_()
    synthesise(analyse(x, SAMPLINGS["4:2:0"]), SAMPLINGS["4:2:0"], 16, 16).sum().backward()
    assert x.grad is not None


@pytest.mark.parametrize("size", [(96, 96), (83, 61)])
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_exact_encoder_but_for_rounding(kind, size):
    for number in range(4):
        x = libjpeg.tensor(libjpeg.photograph(number, *size, kind))
        exact = codec.dct_coefficients(x, sampling_of(kind))
        for one, two in zip(analyse(x.double(), sampling_of(kind)), exact, strict=True):
            difference = one - two / 8
            # planes of whole numbers: each pixel is off by up to a half, a mean of 64 such times 8 by up to 4
            assert difference.abs().max() < 5
            assert difference.square().mean() < 1
