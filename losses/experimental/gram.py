"""Squared difference of Gram matrices of features: the style loss of Gatys, Ecker, Bethge (arXiv 1508.06576).

What it showed: beside ``patch_energy`` on the demo it ruined the restorations (4.3 dB for 14.7) and took nearly all of
the spread away (spread / skill 0.22; without it 1.16; docs/objectives.md).
"""

from __future__ import annotations

from torch import Tensor

from ..perceptual import FeatureDistance


class Gram(FeatureDistance):
    """Σ_l w_l / (4 C²) Σ_{ij} (G_ij(x̂) − G_ij(x))², where G_ij = mean of f_i f_j over positions of tap l.

    The paper divides by 4 C² M² with G a sum over M positions: the same, and images may differ in size. It is a squared
    distance, so in an energy score it sees the mean of G alone.
    """

    def summary(self, tap: int, activation: Tensor) -> Tensor:
        """G, (N, C_l, C_l)."""
        vectors = activation.flatten(2)
        return vectors @ vectors.transpose(1, 2) / vectors.shape[-1]

    def of_tap(self, a: Tensor, b: Tensor) -> Tensor:
        """(N,), in units of the activations to the fourth power."""
        return (a - b).square().flatten(1).mean(1) / 4
