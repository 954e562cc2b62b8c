"""How far restorations are from clean images as sets of features, and how far a perfect restorer would seem to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from torch import Tensor
from torchmetrics import Metric

from .cfid import CFID
from .fid import FID
from .kid import KID
from .precision_recall import PrecisionRecall

CONDITIONAL_DIMENSIONS = 64  # of CFID: a few hundred images say something of so many
ON_SETS: tuple[tuple[str, Callable[[int], Metric]], ...] = (
    ("fid", FID),
    ("kid", KID),
    ("precision, recall", PrecisionRecall),
)
ERROR = "_error"

Sets = tuple[Tensor, ...]
Distance = Callable[..., dict[str, float]]


@dataclass
class FeatureDistances:
    """Distances of a method.

    Attributes:
        values: by name (fid, kid, precision, recall, cfid): ``value``; ``floor``, the same distance of a perfect
            restorer at the same number of images, where it can be had; ``n``, images of the restorer; ``m``, images it
            is compared with; of kid ``error``, a standard error; of cfid ``dimensions``.
        left_out: name and reason of each that could not be computed.
    """

    values: dict[str, dict[str, float]] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, distance: Distance, sets: Sets, floor: Sets | None) -> None:
        """Distances of some sets, and of other sets as their floor; or why there are none."""
        try:
            values, floors = distance(*sets), {} if floor is None else distance(*floor)
        except ValueError as error:
            self.left_out.append((name, str(error)))
            return
        for name in (key for key in values if not key.endswith(ERROR)):
            entry = {"value": values[name], "n": len(sets[0]), "m": len(sets[1])}
            entry |= {"floor": floors[name]} if floors else {}
            entry |= {"error": values[name + ERROR]} if name + ERROR in values else {}
            self.values[name] = entry


def feature_distances(
    clean: Tensor,
    samples_Snd: Tensor,
    condition: Tensor,
    reference: Tensor | None = None,
    conditional_dimensions: int = CONDITIONAL_DIMENSIONS,
) -> FeatureDistances:
    """FID, KID, precision and recall of the first sample, and its CFID given y.

    The first four compare the restored images with the reference, and as their floor the clean images with it. Without
    a reference, restored images of even numbers are compared with clean ones of odd numbers, so that no image meets
    itself. The floor of CFID is that of the second sample against the first, whose distributions given y are equal. All
    features are here: nothing is gathered from other ranks.

    Args:
        clean: features (n, d) of the clean images.
        samples_Snd: of S samples of each, (S, n, d), S at least 1.
        condition: of y, (n, d).
        reference: of other clean images, (m, d), or None.
        conditional_dimensions: of CFID; of fewer features all.

    Raises:
        ValueError: if shapes do not belong together.
    """
    _require_shapes(clean, samples_Snd, condition, reference)
    found, dimensions = FeatureDistances(), clean.shape[1]
    restored, truth = samples_Snd[0], clean
    if reference is None:
        restored, truth, reference = restored[::2], clean[::2], clean[1::2]
    for name, kind in ON_SETS:
        found.add(name, partial(_of_sets, kind, dimensions), (restored, reference), (truth, reference))
    kept = min(conditional_dimensions, dimensions)
    floor = (samples_Snd[1], samples_Snd[0], condition) if len(samples_Snd) > 1 else None
    found.add("cfid", partial(_given, dimensions, kept), (clean, samples_Snd[0], condition), floor)
    if "cfid" in found.values:
        found.values["cfid"]["dimensions"] = kept
    return found


def _of_sets(kind: Callable[[int], Metric], dimensions: int, restored: Tensor, reference: Tensor) -> dict[str, float]:
    metric = _local(kind(dimensions), restored)
    metric.update(restored, real=False)
    metric.update(reference, real=True)
    values: dict[str, float] = metric.compute()
    return values


def _given(dimensions: int, kept: int, truth: Tensor, sample: Tensor, condition: Tensor) -> dict[str, float]:
    metric = _local(CFID(dimensions, kept), truth)
    metric.update(truth, sample, condition)
    values: dict[str, float] = metric.compute()
    return values


def _local(metric: Metric, features: Tensor) -> Metric:
    metric.sync_on_compute = False
    return metric.to(features.device)


def _require_shapes(clean: Tensor, samples_Snd: Tensor, condition: Tensor, reference: Tensor | None) -> None:
    named = {"clean": clean, "samples_Snd": samples_Snd[0] if len(samples_Snd) else samples_Snd, "condition": condition}
    for name, features in named.items():
        if features.ndim != 2 or features.shape != clean.shape:
            raise ValueError(f"{name} has features {tuple(features.shape)}; allowed are those of clean, (n, d)")
    if reference is not None and (reference.ndim != 2 or reference.shape[1] != clean.shape[1]):
        raise ValueError(f"reference is {tuple(reference.shape)}; allowed is (m, {clean.shape[1]})")
