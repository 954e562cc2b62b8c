"""From records to the result: sums over images, intervals by resampling images, and paired comparisons."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from ..metrics.feature_distances import feature_distances
from .evaluator import CLEAN, Evaluator, Record
from .methods import Method
from .metric_specs import SPECS, Computed, MetricSpec, distance_specs, perceptual_specs, robustness_specs
from .metric_suite import MetricSuite, add_states, weighted_sums
from .results import Comparison, Difference, Value
from .statistics import Interval, holds_zero, interval, resampled, student

FEATURES = "samples."
PHASES = ("sampling", "metrics", "feature networks", "temperature sweep and robustness")


@dataclass(frozen=True)
class MethodResults:
    """What the records of a method say.

    Attributes:
        method: whose.
        computed: by metric, of all images.
        replicates: the same of resampled images, without metrics that take long to compute.
        images: how many.
    """

    method: Method
    computed: dict[str, dict[Any, Any]]
    replicates: Sequence[Computed]
    images: int

    def has(self, spec: MetricSpec) -> bool:
        """Whether the method has a metric: those of samples that differ need several samples."""
        several = self.computed["distortion"]["samples_per_image"] > 1
        return spec.read(self.computed) is not None and (several or not spec.of_samples)

    def shows(self, spec: MetricSpec) -> bool:
        """Whether there is a number, or the words that y determines what it would judge."""
        return self.has(spec) or (spec.metric == "calibration" and spec.name in self.computed.get("calibration", {}))

    def interval(self, spec: MetricSpec) -> Interval | None:
        """Over images; or from a standard error that the metric gives."""
        value, error = spec.read(self.computed), spec.read(self.computed, f"{spec.name}_error")
        if value is None:
            return None
        if error is not None:
            return student(value, error, self.images - 1)
        found = [spec.read(replicate) for replicate in self.replicates]
        return interval(value, [one for one in found if one is not None], self.images)

    def band(self, metric: str, name: str) -> dict[str, list[float]]:
        """``low`` and ``high`` of an entry that is a list; empty where one of its values has no interval."""
        lists = [replicate[metric][name] for replicate in self.replicates if name in replicate.get(metric, {})]
        values = zip(self.computed[metric][name], *lists, strict=True)
        ends = [interval(value, replicates, self.images) for value, *replicates in values]
        found = [end for end in ends if end is not None]
        return {"low": [end.low for end in found], "high": [end.high for end in found]} if found == ends else {}

    def value(self, spec: MetricSpec) -> Value:
        """With interval and floor; without a number where y determines it."""
        value, ends = spec.read(self.computed), self.interval(spec)
        low, high = (None, None) if ends is None else ends
        return Value(value, low, high, None if spec.floor is None else spec.read(self.computed, spec.floor))

    def scores(self, spec: MetricSpec) -> list[float]:
        """Of all images and of each replicate: what is compared, of a metric with a target the distance from it."""
        return [_score(spec, computed) for computed in (self.computed, *self.replicates)]


def _score(spec: MetricSpec, computed: Computed) -> float:
    value = spec.read(computed)
    if value is None:
        return math.nan
    return abs(value - (spec.target_of(computed) or 0.0)) if spec.better == "target" else value


@dataclass(frozen=True)
class Summary:
    """Results of all methods of an evaluation.

    Attributes:
        specs: metrics that a method has, in the order of the tables.
        methods: in the order they were named.
        left_out: metric and reason, of what could not be computed.
    """

    specs: list[MetricSpec]
    methods: list[MethodResults]
    left_out: dict[str, str]

    def comparisons(self) -> dict[str, Comparison]:
        """Of each metric with a direction that two methods have."""
        found = {spec.key: compare(spec, [m for m in self.methods if m.has(spec)]) for spec in self.specs}
        return {key: comparison for key, comparison in found.items() if comparison is not None}


def summarise(
    evaluator: Evaluator,
    perceptual: Mapping[str, str],
    references: Mapping[str, Tensor | None],
    num_images: int,
    replicates: int,
    conditional_dimensions: int,
) -> Summary:
    """Add up the records of all methods.

    Args:
        evaluator: with all its records.
        perceptual: identities of perceptual distances, by name.
        references: features of reference images by extractor, (m, d); None where halves of the images are compared.
        num_images: that were evaluated.
        replicates: of the bootstrap.
        conditional_dimensions: of CFID.
    """
    weights_RN = resampled(num_images, replicates, evaluator.settings.seed)
    clean = list(_records(evaluator, CLEAN, num_images))
    left_out: dict[str, str] = {}
    methods = []
    for method in evaluator.methods:
        records = list(_records(evaluator, method.name, num_images))
        sums, computed, replicated = _add_up(evaluator.suites[method.name], records, weights_RN)
        computed["robustness"] = evaluator.robustness.compute(sums)
        if evaluator.robustness.attacks and not computed["robustness"]:
            left_out[f"robustness of {method.name}"] = "no gradient of its restorations reaches the measurement"
        for attack, by_budget in computed["robustness"].items():
            computed |= {f"{attack}@{budget:g}": scores for budget, scores in by_budget.items()}
        for extractor, reference in references.items():
            distances, why = _feature_distances(extractor, clean, records, reference, conditional_dimensions)
            computed[f"distance {extractor}"] = distances
            left_out |= why
        computed["temperature_sweep"] = evaluator.sweep.compute(sums)
        methods.append(MethodResults(method, computed, replicated, num_images))
    specs = [spec for spec in _known_specs(evaluator, perceptual) if any(method.shows(spec) for method in methods)]
    return Summary(specs, methods, left_out)


def _records(evaluator: Evaluator, name: str, count: int) -> Iterator[Record]:
    records = evaluator.records(name)
    return (records.read(number) for number in range(count))


def _add_up(
    suite: MetricSuite, records: Iterable[Record], weights_RN: Tensor
) -> tuple[Record, dict[str, dict[Any, Any]], list[dict[str, dict[str, Any]]]]:
    """Sums over all images, what metrics compute of them, and of resampled images."""
    light = [name for name in suite.metrics if name not in suite.heavy]
    sums: Record = {}
    kept: list[Record] = []
    seconds = []
    for record in records:
        sums = add_states(sums, {n: v for n, v in record.items() if not n.startswith((FEATURES, "seconds"))})
        kept.append({name: value for name, value in record.items() if name.partition(".")[0] in light})
        seconds.append(record["seconds"])
    spent = torch.stack(seconds)
    computed: dict[str, dict[Any, Any]] = suite.compute(sums)
    computed["cost"] = {"seconds": float((spent[:, 0] / spent[:, -1]).mean())}
    computed["time"] = dict(zip(PHASES, spent.sum(dim=0).tolist(), strict=False))
    return sums, computed, [suite.compute(states, light) for states in weighted_sums(kept, weights_RN)]


def _feature_distances(
    extractor: str,
    clean: Sequence[Record],
    restored: Sequence[Record],
    reference: Tensor | None,
    conditional_dimensions: int,
) -> tuple[dict[str, float], dict[str, str]]:
    values, left_out = feature_distances(
        torch.cat([record[f"clean.{extractor}"][0] for record in clean]),
        torch.cat([record[f"{FEATURES}{extractor}"] for record in restored], dim=1),
        torch.cat([record[f"degraded.{extractor}"][0] for record in clean]),
        reference,
        conditional_dimensions,
    )
    return values, {f"{name}, {extractor}": reason for name, reason in left_out.items()}


def _known_specs(evaluator: Evaluator, perceptual: Mapping[str, str]) -> Iterator[MetricSpec]:
    yield from SPECS
    for name, identity in perceptual.items():
        yield from perceptual_specs(name, identity)
    for name, extractor in evaluator.extractors.items():
        yield from distance_specs(name, extractor.identity)
    for attack in evaluator.robustness.attacks:
        yield from robustness_specs(attack, evaluator.robustness.ai_psnrs)


def compare(spec: MetricSpec, methods: Sequence[MethodResults]) -> Comparison | None:
    """Differences of all pairs, and the methods that may be the best; None for fewer than two, or without direction.

    Best is the method that leads, and with it each whose difference from it has an interval that holds 0, rounded as it
    is shown.
    """
    scores = {results.method.name: results.scores(spec) for results in methods}
    if spec.better == "none" or len(scores) < 2:
        return None
    images = methods[0].images
    differences = [_difference(a, b, scores, images) for a, b in combinations(scores, 2)]
    leading = max if spec.better == "higher" else min
    leader = leading(scores, key=lambda name: scores[name][0])
    beaten = {
        name
        for pair in differences
        if leader in (pair.a, pair.b) and not _is_tie(pair, spec.digits)
        for name in (pair.a, pair.b)
    } - {leader}
    return Comparison([name for name in scores if name not in beaten], differences)


def _difference(a: str, b: str, scores: Mapping[str, Sequence[float]], images: int) -> Difference:
    value, *replicates = (one - other for one, other in zip(scores[a], scores[b], strict=False))
    return Difference(a, b, value, *(interval(value, replicates, images) or (None, None)))


def _is_tie(pair: Difference, digits: int) -> bool:
    return pair.low is None or pair.high is None or holds_zero(pair.low, pair.high, digits)
