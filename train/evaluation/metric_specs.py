"""The figures of a report: what each is called, where it comes from, and which way is better."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Better = Literal["higher", "lower", "target", "none"]
Computed = Mapping[str, Mapping[str, Any]]
"""What metrics have computed, by the metric's name."""


@dataclass(frozen=True)
class MetricSpec:
    """One number of a restorer.

    Attributes:
        key: in ``result.json``.
        label: in tables.
        group: of columns.
        metric: whose result it is read from, and under which ``name``.
        name: see ``metric``.
        better: which way; ``target`` is nearer to ``target``.
        explained: in a sentence.
        unit: of the number as it is shown.
        digits: behind the point.
        factor: from what the metric says to what is shown.
        target: of a calibrated sampler, where it is a number; where it is a word, the name in the same metric.
        floor: name, in the same metric, of what cannot be got below.
        of_samples: whether it is one only of samples that differ.
    """

    key: str
    label: str
    group: str
    metric: str
    name: str
    better: Better
    explained: str
    unit: str = ""
    digits: int = 2
    factor: float = 1.0
    target: float | str | None = None
    floor: str | None = None
    of_samples: bool = False

    def read(self, computed: Computed, name: str | None = None) -> float | None:
        """The number, or None where it was not computed."""
        found = computed.get(self.metric, {}).get(name or self.name)
        return None if found is None else self.factor * float(found)

    def target_of(self, computed: Computed) -> float | None:
        """What a calibrated sampler has."""
        return self.read(computed, self.target) if isinstance(self.target, str) else self.target

    def described(self, computed: Computed) -> dict[str, Any]:
        """For ``result.json``."""
        kept = ("label", "group", "unit", "better", "digits", "explained")
        about = {name: value for name, value in asdict(self).items() if name in kept}
        target = self.target_of(computed)
        return about if target is None else about | {"target": target}


def _read(key: str, entry: dict[str, Any]) -> MetricSpec:
    metric, _, name = entry.pop("from").partition(".")
    return MetricSpec(key=key, metric=metric, name=name, **entry)


FIGURES = tuple(
    _read(key, entry) for key, entry in tomllib.loads(Path(__file__).with_name("metric_specs.toml").read_text()).items()
)


def perceptual_figures(name: str, identity: str) -> list[MetricSpec]:
    """Of a perceptual distance between pairs."""
    said = f"{identity}; mean over images, 0 for equal ones."
    of = {"sample": "one sample", "mean": "mean"}
    return [
        MetricSpec(
            key=f"{name}/{part}",
            label=f"{name}, {label}",
            group="Perception",
            metric=f"perceptual {name}",
            name=f"{name}_{part}",
            better="lower",
            explained=f"Perceptual distance of {label} to the clean image. {said}",
            digits=4,
        )
        for part, label in of.items()
    ]


DISTANCES: dict[str, tuple[str, Better, str]] = {
    "fid": (
        "FID",
        "lower",
        "Fréchet distance between Gaussians of the features of one sample an image and of clean images.",
    ),
    "kid": ("KID", "lower", "Kernel distance of the same sets, without bias, with its standard error."),
    "precision": (
        "precision",
        "higher",
        "Share of restorations that lie among the clean images (3 nearest neighbours).",
    ),
    "recall": ("recall", "higher", "Share of clean images that lie among the restorations."),
    "cfid": (
        "CFID",
        "lower",
        "Fréchet distance of the laws given y; its floor is that of the restorer's own second sample.",
    ),
}


def distance_figures(extractor: str, identity: str) -> list[MetricSpec]:
    """Between sets of features, each named after its extractor."""
    return [
        MetricSpec(
            key=f"{kind}/{extractor}",
            label=f"{label}, {extractor}",
            group="Distribution",
            metric=f"distance {extractor}",
            name=kind,
            better=better,
            explained=f"{said} Features: {identity}.",
            digits=4 if kind == "kid" else 3,
            floor=f"{kind}_floor",
        )
        for kind, (label, better, said) in DISTANCES.items()
    ]


def robustness_figures(attack: str, ai_psnrs: Sequence[float]) -> list[MetricSpec]:
    """PSNR between samples of one z before and after an attack, one a budget."""
    return [
        MetricSpec(
            key=f"robustness/{attack}@{budget:g}",
            label=f"robustness, {attack} at {budget:g} dB",
            group="Robustness",
            metric=f"{attack}@{budget:g}",
            name="robustness_db",
            better="higher",
            explained="PSNR of the attacked measurement's restoration to that of the measurement, same z.",
            unit="dB",
        )
        for budget in ai_psnrs
    ]
