"""Figures of one restorer over all images, with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .contestants import Contestant
from .figures import Computed, Figure
from .intervals import Interval, interval
from .panel import Panel, States, added, weighed
from .records import Record

NORMAL_95 = 1.96  # standard errors
FEATURES = "samples."
NOT_SUMS = (FEATURES, "seconds")
"""What a record holds beside sums."""
PARTS_OF_TIME = ("drawing", "metrics", "feature networks", "traversal and audit")


@dataclass(frozen=True)
class Findings:
    """What a restorer's records say.

    Attributes:
        contestant: whose.
        computed: figures by metric, of all images.
        replicates: the same of resampled images, without metrics that take long to compute.
        sums: over all images, of metrics, traversal and audit.
        features: of samples, an image each.
    """

    contestant: Contestant
    computed: dict[str, dict[Any, Any]]
    replicates: Sequence[Computed]
    sums: States
    features: Sequence[Record]

    def interval(self, figure: Figure) -> Interval | None:
        """Of a figure, over images; or from a standard error that its metric gives."""
        value, error = figure.read(self.computed), figure.read(self.computed, f"{figure.name}_error")
        if value is not None and error is not None:
            return Interval(value - NORMAL_95 * error, value + NORMAL_95 * error)
        return interval(self.values(figure))

    def values(self, figure: Figure) -> list[float]:
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


def find(contestant: Contestant, panel: Panel, records: Iterable[Record], weights_RN: Tensor) -> Findings:
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
    return Findings(contestant, computed, replicates, sums, features)
