"""From records to ``result.json``: everything a report says, and nothing that is not in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from .comparison import compare
from .contestants import Contestant
from .curves import curves
from .figures import FIGURES, Figure, distance_figures, perceptual_figures, robustness_figures
from .findings import Findings, find
from .image_sets import ImageSets
from .intervals import resampled
from .judge import CLEAN, Judge
from .records import Record
from .words import doubts, words

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

    judge: Judge
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

    def _find(self, contestant: Contestant, clean: Sequence[Record], weights_RN: Tensor) -> Findings:
        judge = self.judge
        found = find(contestant, judge.panels[contestant.name], self._records(contestant.name), weights_RN)
        found.computed["audit"] = audited = judge.audits.compute(contestant.name, found.sums)
        found.computed.update({f"{name}@{at:g}": s for name, by in audited.items() for at, s in by.items()})
        found.computed.update(self.sets.compare(clean, found.features))
        found.computed["traversal"] = judge.traversal.compute(found.sums)
        return found

    def _records(self, name: str) -> Iterator[Record]:
        return (self.judge.records(name).read(number) for number in range(len(self.names)))

    def _known_figures(self) -> Iterator[Figure]:
        yield from FIGURES
        for name, identity in self.perceptual.items():
            yield from perceptual_figures(name, identity)
        for name, extractor in self.judge.extractors.items():
            yield from distance_figures(name, extractor.identity)
        for attack in self.judge.audits.attacks:
            yield from robustness_figures(attack, self.judge.audits.ai_psnrs)

    def _about(self, found: Findings, figures: Sequence[Figure], clean: Sequence[Record]) -> dict[str, Any]:
        return {
            "about": found.contestant.about | {"seconds spent": _rounded(found.computed["time"])},
            "stochastic": found.contestant.restorer.stochastic,
            "values": {figure.key: _value(found, figure) for figure in figures if _has(found, figure)},
            "curves": curves(found),
            "words": [*words(found), *doubts(clean, self.names)],
        }


def _rounded(times: Mapping[Any, float]) -> dict[str, float]:
    return {str(part): round(seconds, 2) for part, seconds in times.items()}


def _has(found: Findings, figure: Figure) -> bool:
    """Whether a restorer has a figure: of those of samples that differ, only one that draws such."""
    several = found.computed["quality"]["samples_per_image"] > 1
    return figure.read(found.computed) is not None and (several or not figure.of_samples)


def _value(found: Findings, figure: Figure) -> dict[str, float | None]:
    ends = found.interval(figure)
    low, high = (None, None) if ends is None else ends
    entry = {"value": figure.read(found.computed), "low": low, "high": high}
    floor = None if figure.floor is None else figure.read(found.computed, figure.floor)
    return entry if floor is None else entry | {"floor": floor}
