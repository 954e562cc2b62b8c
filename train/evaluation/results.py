"""``result.json``: what an evaluation writes and its report reads."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..runs.atomic_write import atomic_write

FORMAT = 2
FILE = "result.json"
ARROWS = {"higher": "↑", "lower": "↓", "none": ""}

Better = Literal["higher", "lower", "target", "none"]
Severity = Literal["good", "note", "warning"]


@dataclass(frozen=True)
class MetricColumn:
    """How a metric is labelled and read.

    Attributes:
        label: in tables.
        group: of columns that stand together.
        unit: such as "dB", or "".
        better: which way; with ``target``, the nearer to ``target``.
        digits: after the point.
        explanation: a sentence.
        target: of a calibrated sampler.
    """

    label: str
    group: str
    unit: str
    better: Better
    digits: int
    explanation: str
    target: float | None = None

    @property
    def arrow(self) -> str:
        """Which way is better: up, down, or to the target."""
        return f"→ {round(self.target, self.digits):g}" if self.target is not None else ARROWS[self.better]

    @property
    def heading(self) -> str:
        """Label and unit."""
        return f"{self.label}, {self.unit}" if self.unit else self.label


@dataclass(frozen=True)
class Value:
    """A number, None where y determines it, its 95 % interval, and what an exact method reaches with as many images."""

    value: float | None
    low: float | None = None
    high: float | None = None
    floor: float | None = None


@dataclass(frozen=True)
class Statement:
    """A sentence of the diagnosis."""

    severity: Severity
    text: str


@dataclass(frozen=True)
class MethodEntry:
    """One method: where it comes from, its values by metric, its curves by name, and what they say."""

    about: dict[str, Any]
    stochastic: bool
    values: dict[str, Value]
    curves: dict[str, Any]
    diagnosis: list[Statement]

    @property
    def is_degraded(self) -> bool:
        """Whether it is y itself."""
        return bool(self.about.get("kind") == "degraded")


@dataclass(frozen=True)
class Difference:
    """Of method a less method b on the same images; of a metric with a target, of their distances from it."""

    a: str
    b: str
    difference: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Comparison:
    """Methods that no interval excludes from being the best, and the differences of all pairs."""

    best: list[str]
    differences: list[Difference]


@dataclass(frozen=True)
class LeftOut:
    """A metric that was not computed."""

    metric: str
    reason: str


@dataclass(frozen=True)
class Visual:
    """An image that is shown, and the folder of its PNG files."""

    image: str
    folder: str


@dataclass(frozen=True)
class EvaluationResult:
    """Everything a report shows; methods, metrics and comparisons by name, in the order of the tables."""

    title: str
    protocol: dict[str, Any]
    metrics: dict[str, MetricColumn]
    methods: dict[str, MethodEntry]
    comparison: dict[str, Comparison] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    visuals: list[Visual] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """``result.json`` in a folder; a value that is not finite is an error."""
        text = json.dumps({"format": FORMAT} | asdict(self), indent=1, allow_nan=False)
        atomic_write(folder / FILE, f"{text}\n")

    def groups(self) -> Iterator[tuple[str, list[str], list[str]]]:
        """Of each group of columns, the metrics that a method has, and the methods that have one."""
        for group in dict.fromkeys(column.group for column in self.metrics.values()):
            keys = [key for key, column in self.metrics.items() if column.group == group]
            methods = [name for name, method in self.methods.items() if method.values.keys() & set(keys)]
            if methods:
                yield group, [key for key in keys if any(key in m.values for m in self.methods.values())], methods

    def differences(self) -> Iterator[tuple[str, Difference]]:
        """Of each metric, all pairs."""
        for key, comparison in self.comparison.items():
            yield from ((key, pair) for pair in comparison.differences)

    def is_best(self, name: str, key: str) -> bool:
        """Whether no interval excludes it, while one excludes another."""
        best = self.comparison[key].best if key in self.comparison else []
        judged = (method.values[key].value for method in self.methods.values() if key in method.values)
        return name in best and len(best) < sum(value is not None for value in judged)


def read_result(folder: Path) -> EvaluationResult:
    """``result.json`` of a folder.

    Raises:
        ValueError: naming the file, if it is missing, of another format, or not as ``write`` left it.
    """
    path = folder / FILE
    if not path.is_file():
        raise ValueError(f"there is no {path}; pscgan evaluate writes it")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = content.pop("format")
        if found != FORMAT:
            raise ValueError(f"format must be {FORMAT}, got {found!r}; evaluate again")
        return _result(content)
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: {type(error).__name__}: {error}") from error


def _result(content: dict[str, Any]) -> EvaluationResult:
    parts = content | {
        "metrics": {key: MetricColumn(**column) for key, column in content["metrics"].items()},
        "methods": {name: _method(**method) for name, method in content["methods"].items()},
        "comparison": {
            key: Comparison(entry["best"], [Difference(**pair) for pair in entry["differences"]])
            for key, entry in content["comparison"].items()
        },
        "left_out": [LeftOut(**entry) for entry in content["left_out"]],
        "visuals": [Visual(**entry) for entry in content["visuals"]],
    }
    return EvaluationResult(**parts)


def _method(values: dict[str, Any], diagnosis: list[Any], **rest: Any) -> MethodEntry:
    return MethodEntry(
        values={key: Value(**value) for key, value in values.items()},
        diagnosis=[Statement(**statement) for statement in diagnosis],
        **rest,
    )
