"""Equalised layers scale by the fan-in, once; padding mirrors where it can."""

import math

import pytest
import torch
from torch.nn import functional as F

from pscgan.models.layers import EqualizedConv2d, EqualizedConv2dOfDoubled, EqualizedLinear, pad_to_multiple


def test_layers_are_torch_layers_on_scaled_weights():
    conv, linear = EqualizedConv2d(5, 7, kernel_size=3, stride=2), EqualizedLinear(5, 7)
    x = torch.randn(2, 5, 9, 9)
    expected = F.conv2d(x, conv.weight / math.sqrt(5 * 9), stride=2, padding=1)
    torch.testing.assert_close(conv(x), expected)
    torch.testing.assert_close(linear(x[:, :, 0, 0]), x[:, :, 0, 0] @ linear.weight.T / math.sqrt(5))


@pytest.mark.parametrize("layer", [EqualizedConv2d(64, 64), EqualizedLinear(256, 256)], ids=["conv", "linear"])
def test_weights_start_unit_normal_and_biases_at_zero(layer):
    assert layer.weight.std().item() == pytest.approx(1, abs=0.02)
    assert layer.bias.abs().max() == 0


@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_of_the_doubled_image_is_that(bias):
    doubled, plain = (kind(3, 5, bias=bias).double() for kind in (EqualizedConv2dOfDoubled, EqualizedConv2d))
    plain.load_state_dict(doubled.state_dict())
    x = torch.randn(2, 3, 4, 7, dtype=torch.float64)
    torch.testing.assert_close(doubled(x), plain(F.interpolate(x, scale_factor=2)))


def test_border_is_mirrored():
    row = torch.arange(6.0).view(1, 1, 1, 6).expand(1, 1, 4, 6)
    assert pad_to_multiple(row, 4)[0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5, 4, 3]


def test_border_is_repeated_where_the_mirror_image_is_too_small():
    row = torch.arange(2.0).view(1, 1, 1, 2)
    assert pad_to_multiple(row, 4)[0, 0].tolist() == [[0, 1, 1, 1]] * 4


def test_multiples_stay():
    image = torch.rand(1, 2, 8, 4)
    assert torch.equal(pad_to_multiple(image, 4), image)
