"""From records to ``result.json``: everything a report says, and nothing that is not in it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from torch import Tensor

from .curves import curves
from .diagnosis import doubts, words
from .evaluator import CLEAN, Evaluator, Record
from .methods import Method
from .metric_specs import FIGURES, Computed, MetricSpec, distance_figures, perceptual_figures, robustness_figures
from .results import ImageSets, MethodResults, find
from .statistics import holds_zero, interval, resampled

FORMAT = 1


@dataclass(frozen=True)
class Summary:
    """Adds up what a judge has found.

    Attributes:
        judge: with all its records.
        names: of the images.
        replicates: of the bootstrap.
        sets: of features.
        perceptual: identities of perceptual distances, by name.
    """

    judge: Evaluator
    names: Sequence[str]
    replicates: int
    sets: ImageSets
    perceptual: Mapping[str, str]

    def result(self) -> dict[str, Any]:
        """Plain values, without protocol and provenance; the format is that of docs/evaluation.md."""
        weights_RN = resampled(len(self.names), self.replicates, self.judge.settings.seed)
        clean = list(self._records(CLEAN))
        findings = [self._find(contestant, clean, weights_RN) for contestant in self.judge.contestants]
        figures = [figure for figure in self._known_figures() if any(_has(found, figure) for found in findings)]
        compared = {figure.key: compare(figure, [f for f in findings if _has(f, figure)]) for figure in figures}
        first = {figure.key: next(found for found in findings if _has(found, figure)) for figure in figures}
        return {
            "format": FORMAT,
            "figures": {figure.key: figure.described(first[figure.key].computed) for figure in figures},
            "restorers": {found.contestant.name: self._about(found, figures, clean) for found in findings},
            "comparison": {key: pairs for key, pairs in compared.items() if pairs is not None},
            "pictures": [
                {"image": name, "folder": f"pictures/{number}"}
                for number, name in enumerate(self.names[: self.judge.settings.shown])
            ],
        }

    def _find(self, contestant: Method, clean: Sequence[Record], weights_RN: Tensor) -> MethodResults:
        judge = self.judge
        found = find(contestant, judge.panels[contestant.name], self._records(contestant.name), weights_RN)
        found.computed["audit"] = audited = judge.audits.compute(contestant.name, found.sums)
        found.computed.update({f"{name}@{at:g}": s for name, by in audited.items() for at, s in by.items()})
        found.computed.update(self.sets.compare(clean, found.features))
        found.computed["traversal"] = judge.traversal.compute(found.sums)
        return found

    def _records(self, name: str) -> Iterator[Record]:
        return (self.judge.records(name).read(number) for number in range(len(self.names)))

    def _known_figures(self) -> Iterator[MetricSpec]:
        yield from FIGURES
        for name, identity in self.perceptual.items():
            yield from perceptual_figures(name, identity)
        for name, extractor in self.judge.extractors.items():
            yield from distance_figures(name, extractor.identity)
        for attack in self.judge.audits.attacks:
            yield from robustness_figures(attack, self.judge.audits.ai_psnrs)

    def _about(self, found: MethodResults, figures: Sequence[MetricSpec], clean: Sequence[Record]) -> dict[str, Any]:
        return {
            "about": found.contestant.about | {"seconds spent": _rounded(found.computed["time"])},
            "stochastic": found.contestant.restorer.stochastic,
            "values": {figure.key: _value(found, figure) for figure in figures if _has(found, figure)},
            "curves": curves(found),
            "words": [*words(found), *doubts(clean, self.names)],
        }


def _rounded(times: Mapping[Any, float]) -> dict[str, float]:
    return {str(part): round(seconds, 2) for part, seconds in times.items()}


def _has(found: MethodResults, figure: MetricSpec) -> bool:
    """Whether a restorer has a figure: of those of samples that differ, only one that draws such."""
    several = found.computed["quality"]["samples_per_image"] > 1
    return figure.read(found.computed) is not None and (several or not figure.of_samples)


def _value(found: MethodResults, figure: MetricSpec) -> dict[str, float | None]:
    ends = found.interval(figure)
    low, high = (None, None) if ends is None else ends
    entry = {"value": figure.read(found.computed), "low": low, "high": high}
    floor = None if figure.floor is None else figure.read(found.computed, figure.floor)
    return entry if floor is None else entry | {"floor": floor}


def compare(figure: MetricSpec, findings: Sequence[MethodResults]) -> dict[str, Any] | None:
    """Of restorers that have it: ``differences`` of all pairs with intervals, and those that may be ``best``.

    A difference is that of the figures as they are, or of their distances from the target. Best is the restorer that
    leads, and with it each whose difference from it has an interval that holds 0, as it is shown. None for fewer than
    two, or where no way is better.
    """
    scores = {found.contestant.name: _scores(figure, found) for found in findings}
    if figure.better == "none" or len(scores) < 2:
        return None
    differences = [_difference(a, b, scores) for a, b in combinations(scores, 2)]
    first = max if figure.better == "higher" else min
    leader = first(scores, key=lambda name: scores[name][0])
    of_leader = [pair for pair in differences if leader in (pair["a"], pair["b"]) and not _ties(pair, figure)]
    beaten = {name for pair in of_leader for name in (pair["a"], pair["b"])} - {leader}
    return {"best": [name for name in scores if name not in beaten], "differences": differences}


def _scores(figure: MetricSpec, found: MethodResults) -> list[float]:
    """Of all images and of each replicate."""
    return [_score(figure, computed) for computed in (found.computed, *found.replicates)]


def _score(figure: MetricSpec, computed: Computed) -> float:
    value = figure.read(computed)
    if value is None:
        return math.nan
    return abs(value - (figure.target_of(computed) or 0.0)) if figure.better == "target" else value


def _difference(a: str, b: str, scores: dict[str, list[float]]) -> dict[str, Any]:
    values = [one - other for one, other in zip(scores[a], scores[b], strict=False)]
    low, high = interval(values[1:]) or (None, None)
    return {"a": a, "b": b, "difference": values[0], "low": low, "high": high}


def _ties(pair: dict[str, Any], figure: MetricSpec) -> bool:
    return pair["low"] is None or holds_zero(pair["low"], pair["high"], figure.digits)
