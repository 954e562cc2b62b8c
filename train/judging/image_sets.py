"""Features of all images as sets, and what was left out of their comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from ..metrics.feature_distances import feature_distances
from .records import Record


@dataclass(frozen=True)
class ImageSets:
    """Compares sets of features.

    Attributes:
        references: features of reference images by extractor, (m, d); None where halves of the images are compared.
        conditional_dimensions: of CFID.
        left_out: figure and reason, of what could not be computed; filled by ``compare``.
    """

    references: Mapping[str, torch.Tensor | None]
    conditional_dimensions: int
    left_out: dict[str, str] = field(default_factory=dict)

    def compare(self, clean: Sequence[Record], restored: Sequence[Record]) -> dict[str, dict[str, Any]]:
        """By ``distance`` and extractor: each figure, its ``_floor``, ``_n``, and of KID its ``_error``."""
        return {f"distance {name}": self._compare(name, clean, restored) for name in self.references}

    def _compare(self, extractor: str, clean: Sequence[Record], restored: Sequence[Record]) -> dict[str, Any]:
        found = feature_distances(
            torch.cat([record[f"clean.{extractor}"][0] for record in clean]),
            torch.cat([record[f"samples.{extractor}"] for record in restored], dim=1),
            torch.cat([record[f"degraded.{extractor}"][0] for record in clean]),
            self.references[extractor],
            self.conditional_dimensions,
        )
        self.left_out.update({f"{figure}, {extractor}": why for figure, why in found.left_out})
        return {
            name if key == "value" else f"{name}_{key}": value
            for name, figures in found.figures.items()
            for key, value in figures.items()
        }
