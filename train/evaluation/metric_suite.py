"""The metrics of a method, and an image's part in them."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from ...data.degradation import Degradation, PairedDegradation, Verifiable
from ...data.measurement import Measurement
from ..metrics.averaging import Averaging
from ..metrics.calibration import Calibration
from ..metrics.consistency import JpegConsistency, Residual
from ..metrics.distortion import Distortion
from ..metrics.perceptual import Perceptual

MetricStates = dict[str, Tensor]
"""Summed states of all metrics by ``metric.state``, float64."""


class MetricSuite:
    """Metrics whose states are sums over images, so that an image's part is kept, added up, or weighted.

    Args:
        degradation: of the measurements.
        num_samples: K; 1 for a deterministic method.
        further: metrics beside those that every method has.
        heavy: names of metrics that take long to compute: they are not resampled.

    Attributes:
        learned: names of metrics that are networks.
    """

    def __init__(
        self, degradation: Degradation, num_samples: int, further: Mapping[str, Metric], heavy: Sequence[str] = ()
    ) -> None:
        self.heavy = tuple(heavy)
        self.metrics: dict[str, Metric] = {"distortion": Distortion(num_samples)}
        if not isinstance(degradation, PairedDegradation):
            self.metrics["residual"] = Residual(degradation)
        if num_samples > 1:
            self.metrics |= {"averaging": Averaging(num_samples), "calibration": Calibration(num_samples)}
        if isinstance(degradation, Verifiable):
            self.metrics["jpeg_consistency"] = JpegConsistency(degradation)
        self.metrics |= further
        self.learned = [name for name, metric in self.metrics.items() if isinstance(metric, Perceptual)]

    def states_of(
        self, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement, learned: bool = False
    ) -> MetricStates:
        """The part of one image in the metrics that are networks, or in those that are not.

        Args:
            samples_KBCHW: (K, 1, C, H, W).
            clean: (1, C, H, W).
            measurement: of it.
            learned: which metrics.
        """
        states: MetricStates = {}
        for name in (name for name in self.metrics if (name in self.learned) == learned):
            metric = self.metrics[name]
            metric.to(samples_KBCHW.device)
            metric.reset()
            metric.update(samples_KBCHW, clean, measurement)
            states |= states_of(metric, name)
        return states

    def compute(self, states: MetricStates, names: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
        """Results of summed states, by metric; of all, or of those that are named."""
        return {name: compute(self.metrics[name], name, states) for name in names or self.metrics}


def states_of(metric: Metric, name: str) -> MetricStates:
    """States of one metric, which ``compute`` finds by its name among others."""
    return {f"{name}.{state}": getattr(metric, state).cpu() for state in metric.metric_state}


def compute(metric: Metric, name: str, states: MetricStates) -> dict[str, Any]:
    """Result of one metric, from its summed states among others."""
    for state in metric.metric_state:
        setattr(metric, state, states[f"{name}.{state}"])
    result: dict[str, Any] = type(metric).compute(metric)  # the wrapped one would ask for an update, and other ranks
    return result


def add_states(sums: MetricStates, states: MetricStates) -> MetricStates:
    """Sums with those of one more image, which may lack some or bring new ones."""
    return sums | {name: sums[name] + value if name in sums else value for name, value in states.items()}


def weighted_sums(records: list[MetricStates], weights_RN: Tensor) -> list[MetricStates]:
    """R sums over N images, each with other weights."""
    sums = {name: torch.tensordot(weights_RN, torch.stack([s[name] for s in records]), dims=1) for name in records[0]}
    return [{name: value[replicate] for name, value in sums.items()} for replicate in range(len(weights_RN))]
