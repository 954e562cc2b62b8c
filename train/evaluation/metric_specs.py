"""The metrics of a report: what each is called, where it is read from, and which way is better."""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..metrics.calibration import SIDES, scale
from .results import Better, MetricColumn

Computed = Mapping[str, Mapping[str, Any]]
"""What metrics have computed, by the metric's name."""


@dataclass(frozen=True)
class MetricSpec:
    """One number of a method.

    Attributes:
        key: in ``result.json``.
        label: in tables.
        group: of columns.
        metric: from whose result it is read.
        name: of the entry there.
        better: which way; ``target`` is nearer to ``target``.
        explanation: a sentence.
        unit: of the number as it is shown.
        digits: after the point.
        factor: from what the metric computes to what is shown.
        target: of a calibrated sampler: a number, or another entry of the same metric.
        floor: entry, in the same metric, of what an exact method reaches.
        of_samples: whether only methods that draw several samples have it.
    """

    key: str
    label: str
    group: str
    metric: str
    name: str
    better: Better
    explanation: str
    unit: str = ""
    digits: int = 2
    factor: float = 1.0
    target: float | str | None = None
    floor: str | None = None
    of_samples: bool = False

    def read(self, computed: Computed, name: str | None = None) -> float | None:
        """The number, or None where it was not computed or is not finite."""
        found = computed.get(self.metric, {}).get(name or self.name)
        return None if found is None or not math.isfinite(found) else self.factor * float(found)

    def target_of(self, computed: Computed) -> float | None:
        """What a calibrated sampler has."""
        return self.read(computed, self.target) if isinstance(self.target, str) else self.target

    def column(self, computed: Computed) -> MetricColumn:
        """For ``result.json``."""
        target = self.target_of(computed)
        return MetricColumn(self.label, self.group, self.unit, self.better, self.digits, self.explanation, target)


def _read(key: str, entry: dict[str, Any]) -> MetricSpec:
    metric, _, name = entry.pop("from").partition(".")
    return MetricSpec(key=key, metric=metric, name=name, **entry)


def _by_side(entry: str) -> str:
    """One for each side, of an entry that names SIDE."""
    sides = SIDES if "SIDE" in entry else SIDES[:1]
    return "\n".join(entry.replace("SIDE", str(side)).replace("SCALE", scale(side)) for side in sides)


_ENTRIES = Path(__file__).with_name("metric_specs.toml").read_text("utf-8").split("\n\n")
SPECS = tuple(_read(*named) for named in tomllib.loads("\n\n".join(map(_by_side, _ENTRIES))).items())
BY_KEY = {spec.key: spec for spec in SPECS}


def perceptual_specs(name: str, identity: str) -> list[MetricSpec]:
    """Of a perceptual distance between pairs."""
    return [
        MetricSpec(
            key=f"{name}/{part}",
            label=f"{name}, {label}",
            group="Perception",
            metric=f"perceptual {name}",
            name=f"{name}_{part}",
            better="lower",
            explanation=f"Perceptual distance of {label} to the clean image, mean over images. {identity}.",
            digits=4,
        )
        for part, label in {"sample": "one sample", "mean": "mean"}.items()
    ]


DISTANCES: dict[str, tuple[str, Better, str]] = {
    "fid": ("FID", "lower", "Fréchet distance of Gaussians fitted to features of one sample per image and clean ones."),
    "kid": ("KID", "lower", "Kernel distance of the same sets, unbiased, with its standard error."),
    "precision": ("precision", "higher", "Share of restorations among the 3 nearest neighbours of the clean images."),
    "recall": ("recall", "higher", "Share of clean images among the 3 nearest neighbours of the restorations."),
    "cfid": ("CFID", "lower", "Fréchet distance given y; the floor compares two samples of the method itself."),
}


def distance_specs(extractor: str, identity: str) -> list[MetricSpec]:
    """Between sets of features, each named after its extractor."""
    return [
        MetricSpec(
            key=f"{kind}/{extractor}",
            label=f"{label}, {extractor}",
            group="Distribution",
            metric=f"distance {extractor}",
            name=kind,
            better=better,
            explanation=f"{explanation} Features: {identity}.",
            digits=4 if kind == "kid" else 3,
            floor=f"{kind}_floor",
        )
        for kind, (label, better, explanation) in DISTANCES.items()
    ]


def robustness_specs(attack: str, ai_psnrs: Sequence[float]) -> list[MetricSpec]:
    """PSNR between samples of one z before and after an attack, one a budget."""
    return [
        MetricSpec(
            key=f"robustness/{attack}@{budget:g}",
            label=f"robustness, {attack} at {budget:g} dB",
            group="Robustness",
            metric=f"{attack}@{budget:g}",
            name="robustness_db",
            better="higher",
            explanation="PSNR between the restorations of y and of the attacked y, for the same z.",
            unit="dB",
        )
        for budget in ai_psnrs
    ]
