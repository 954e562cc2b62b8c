"""Figures of one restorer over all images, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .contestants import Contestant
from .figures import Computed, Figure
from .intervals import Interval, interval
from .panel import Panel, States, total, weighed

NORMAL_95 = 1.96  # standard errors
NOT_SUMS = ("samples.", "clean.", "degraded.", "seconds", "hash")
"""What a record holds beside sums of metrics."""


@dataclass(frozen=True)
class Findings:
    """What a restorer's records say.

    Attributes:
        contestant: whose.
        computed: figures by metric, of all images.
        replicates: the same of resampled images, without metrics that take long to compute.
    """

    contestant: Contestant
    computed: dict[str, dict[Any, Any]]
    replicates: Sequence[Computed]

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


def find(contestant: Contestant, panel: Panel, records: Sequence[dict[str, Tensor]], weights_RN: Tensor) -> Findings:
    """Add up a restorer's records, and again as they are resampled."""
    sums = [sums_of(record) for record in records]
    computed: dict[str, dict[str, Any]] = panel.compute(total(sums))
    seconds = torch.stack([record["seconds"] for record in records])
    computed["cost"] = {"seconds": float((seconds[:, 0] / seconds[:, -1]).mean())}
    light = [name for name in panel.metrics if name not in panel.heavy]
    kept = [{key: value for key, value in s.items() if key.partition(".")[0] in light} for s in sums]
    replicates = [panel.compute(states, light) for states in weighed(kept, weights_RN)]
    return Findings(contestant, computed, replicates)


def sums_of(record: dict[str, Tensor]) -> States:
    """The part of an image in the sums of metrics."""
    return {name: value for name, value in record.items() if not name.startswith(NOT_SUMS)}
