"""Features and a distance that can be computed by hand."""

import torch
from torch import nn

from pscgan.losses.distances import DistanceLoss

from .scalar_world import normal


class Smooth(nn.Module):
    """Two taps: a 1 x 1 mix of the channels, and a 3 x 3 convolution at half the size; tanh of each."""

    def __init__(self, image_channels=2):
        super().__init__()
        self.register_buffer("mix", normal(90, 4, image_channels, 1, 1))
        self.register_buffer("wide", normal(91, 5, image_channels, 3, 3) / 3)

    def forward(self, images):
        mixed = torch.nn.functional.conv2d(images, self.mix.to(images))
        wide = torch.nn.functional.conv2d(images, self.wide.to(images), stride=2, padding=1)
        return [mixed.tanh(), wide.tanh()]


def pixels(images):
    """The image itself as its only tap."""
    return [images]


class PixelL1(DistanceLoss):
    """Mean absolute difference of an image's values: in an energy score the fair CRPS."""

    def between(self, a, b):
        return (a[0] - b[0]).abs().flatten(1).mean(1)
