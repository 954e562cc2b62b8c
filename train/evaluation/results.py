"""Figures of one restorer over all images, with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..metrics.feature_distances import feature_distances
from .evaluator import Record
from .methods import Method
from .metric_specs import Computed, MetricSpec
from .metric_suite import MetricSuite, States, added, weighed
from .statistics import Interval, interval

NORMAL_95 = 1.96  # standard errors
FEATURES = "samples."
NOT_SUMS = (FEATURES, "seconds")
"""What a record holds beside sums."""
PARTS_OF_TIME = ("drawing", "metrics", "feature networks", "traversal and audit")


@dataclass(frozen=True)
class MethodResults:
    """What a restorer's records say.

    Attributes:
        contestant: whose.
        computed: figures by metric, of all images.
        replicates: the same of resampled images, without metrics that take long to compute.
        sums: over all images, of metrics, traversal and audit.
        features: of samples, an image each.
    """

    contestant: Method
    computed: dict[str, dict[Any, Any]]
    replicates: Sequence[Computed]
    sums: States
    features: Sequence[Record]

    def interval(self, figure: MetricSpec) -> Interval | None:
        """Of a figure, over images; or from a standard error that its metric gives."""
        value, error = figure.read(self.computed), figure.read(self.computed, f"{figure.name}_error")
        if value is not None and error is not None:
            return Interval(value - NORMAL_95 * error, value + NORMAL_95 * error)
        return interval(self.values(figure))

    def values(self, figure: MetricSpec) -> list[float]:
        """Of a figure, one a replicate; empty where it has none."""
        values = [figure.read(replicate) for replicate in self.replicates]
        return [value for value in values if value is not None]

    def band(self, metric: str, name: str) -> tuple[list[float], list[float]] | None:
        """Lower and upper ends for a figure that is a list."""
        lists = [replicate[metric][name] for replicate in self.replicates if name in replicate.get(metric, {})]
        ends = [interval(values) for values in zip(*lists, strict=True)]
        if not ends or not all(ends):
            return None
        return [end.low for end in ends if end], [end.high for end in ends if end]


def find(contestant: Method, panel: MetricSuite, records: Iterable[Record], weights_RN: Tensor) -> MethodResults:
    """Add up a restorer's records, which are read once, and the light part of them again as images are resampled."""
    light = [name for name in panel.metrics if name not in panel.heavy]
    sums: States = {}
    kept: list[States] = []
    features: list[Record] = []
    seconds = []
    for record in records:
        sums = added(sums, {name: value for name, value in record.items() if not name.startswith(NOT_SUMS)})
        kept.append({name: value for name, value in record.items() if name.partition(".")[0] in light})
        features.append({name: value for name, value in record.items() if name.startswith(FEATURES)})
        seconds.append(record["seconds"])
    computed: dict[str, dict[Any, Any]] = panel.compute(sums)
    spent = torch.stack(seconds)
    computed["cost"] = {"seconds": float((spent[:, 0] / spent[:, -1]).mean())}
    computed["time"] = dict(zip(PARTS_OF_TIME, spent.sum(dim=0).tolist(), strict=False))
    replicates = [panel.compute(states, light) for states in weighed(kept, weights_RN)]
    return MethodResults(contestant, computed, replicates, sums, features)


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
