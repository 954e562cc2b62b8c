"""What the metrics of a method mean, in sentences: for readers who do not know them yet."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..metrics.calibration import GIVEN_BY_Y, SIDES, scale
from ..runs.provenance import describe_config
from .evaluator import Record
from .metric_specs import BY_KEY
from .results import Severity, Statement
from .statistics import Interval
from .summary import MethodResults

FEW_IMAGES = 10
FLAT = 0.04  # share of truths in other ranks than expected, below which a histogram is called flat
AT_FLOOR = 1.5  # chance alone moves CFID so far from its floor
CLOSE = 0.05  # a ratio within 5 % of exact is called calibrated whatever the interval says
RATIOS: dict[str, tuple[Severity, str, str]] = {  # below 1, above it
    "spread_skill": ("warning", "Too little spread for the error of the mean", "Too much spread for this error"),
    "tweedie_spread": ("note", "Less spread than y leaves open (Tweedie)", "More spread than y leaves open (Tweedie)"),
    "tweedie_mean": (
        "note",
        "The mean is no posterior mean (Tweedie)",
        "The mean errs less than by Tweedie's formula",
    ),
}
CHANCE = "these images cannot tell it from an exact posterior sampler's"


def diagnose(results: MethodResults) -> Iterator[Statement]:
    """What the metrics show, and whether that is good."""
    computed = results.computed
    if "calibration" in computed:
        yield _spread(results)
        yield _gain(results)
        yield from _ranks(results)
    elif results.method.restorer.stochastic:
        yield Statement("note", "One sample per image: spread, calibration and averaging cannot be evaluated.")
    yield from _scales(results)
    yield from _sharpness(computed["distortion"]["sharpness_sample"])
    yield from _given_y(computed)


def _spread(results: MethodResults) -> Statement:
    spec = BY_KEY["b_over_a"]
    ratio, ends = spec.read(results.computed), results.interval(spec)
    if ratio is None:
        return Statement("warning", "The ratio of spread to error is not finite.")
    text = f"The samples' variance is {_percent(ratio)} of the squared error of their mean{_in_brackets(ends)}"
    if abs(ratio - 1) < CLOSE:
        return Statement("good", f"{text}, as for an exact posterior sampler.")
    if _within(ends, 1):
        return Statement("note", f"{text}: {CHANCE}.")
    if ratio > 1:
        return Statement("warning", f"{text}: over-dispersed, the samples differ more than the error explains.")
    name = "collapsed, the samples hardly differ" if ratio < 0.25 else "under-dispersed, the samples differ too little"
    return Statement("warning", f"{text}: {name}.")


def _gain(results: MethodResults) -> Statement:
    spec, computed = BY_KEY["gain"], results.computed
    gain, exact = computed["distortion"]["gain_db"], computed["distortion"]["gain_db_exact"]
    k = round(computed["distortion"]["samples_per_image"])
    severity: Severity = "good" if abs(gain - exact) < 0.1 else "note"
    text = f"Averaging {k} samples gains {gain:.2f} dB; an exact sampler gains {exact:.2f} dB"
    chance = f": {CHANCE}" if severity == "note" and _within(results.interval(spec), exact) else ""
    return Statement(severity, f"{text}{chance}.")


def _ranks(results: MethodResults) -> Iterator[Statement]:
    calibration = results.computed["calibration"]
    if "ranks/1" not in calibration:
        return
    shares, coverage, nominal = (calibration[name] for name in ("ranks/1", "coverage/1", "coverage/nominal"))
    ranks = len(shares)
    misplaced = sum(abs(share - 1 / ranks) for share in shares) / 2
    severity, shape = _shape(coverage, nominal, results.interval(BY_KEY["coverage/1"]), misplaced)
    yield Statement(
        severity,
        f"The truth lies outside all {ranks - 1} samples at {_percent(shares[0] + shares[-1])} of pixels (expected "
        f"{_percent(2 / ranks)}); the {_percent(nominal)} interval covers {_percent(coverage)}: the rank histogram is "
        f"{shape}.",
    )


def _shape(coverage: float, nominal: float, ends: Interval | None, misplaced: float) -> tuple[Severity, str]:
    if abs(coverage - nominal) >= 0.01:
        shape = "U-shaped (too little spread)" if coverage < nominal else "hump-shaped (too much spread)"
        return ("note", f"{shape}, but {CHANCE}") if _within(ends, nominal) else ("warning", shape)
    if misplaced < FLAT:
        return "good", "flat"
    return "note", f"of the right width but not flat, {_percent(misplaced)} of truths are in other ranks than expected"


def _scales(results: MethodResults) -> Iterator[Statement]:
    """Of each ratio that is to be 1 at every scale, where it is told to be less or more; what y determines."""
    figures = results.computed.get("calibration", {})
    given = [scale(side) for side in SIDES if figures.get(f"spread_skill/{side}", 0) is None]
    if given:
        yield Statement("note", f"Means over {', '.join(given)} are {GIVEN_BY_Y}: there is no spread to judge.")
    for ratio, (severity, less, more) in RATIOS.items():
        off: dict[str, list[str]] = {less: [], more: []}
        for side, spec in ((side, BY_KEY[f"{ratio}/{side}"]) for side in SIDES):
            value, ends = spec.read(results.computed), results.interval(spec)
            if value is not None and results.has(spec) and abs(value - 1) >= CLOSE and not _within(ends, 1):
                interval = "" if ends is None else f" [{ends.low:.2f}, {ends.high:.2f}]"
                off[less if value < 1 else more].append(f"{value:.2f}{interval} at {scale(side)}")
        yield from (Statement(severity, f"{words}: {', '.join(found)}.") for words, found in off.items() if found)


def _sharpness(sharpness: float) -> Iterator[Statement]:
    if sharpness < 0.8:
        yield Statement("note", f"A sample has {_percent(sharpness)} of the clean images' sharpness: it is blurred.")
    elif sharpness > 1.25:
        yield Statement("note", f"A sample is {sharpness:.2f} times as rough as the clean images: it contains noise.")


def _given_y(computed: Any) -> Iterator[Statement]:
    for metric, values in computed.items():
        if not metric.startswith("distance ") or "cfid_floor" not in values:
            continue
        cfid, floor = values["cfid"], values["cfid_floor"]
        ratio = cfid / max(floor, 1e-20)
        text = f"CFID on {metric.removeprefix('distance ')} is {cfid:.3g}, {ratio:.1f} times its floor"
        if cfid < AT_FLOOR * floor:
            yield Statement("good", f"{text}: these features show no difference from the true posterior.")
        else:
            yield Statement("warning", f"{text}: its conditional distribution differs from the true posterior.")


def _within(ends: Interval | None, value: float) -> bool:
    return ends is not None and ends.holds(value)


def _percent(share: float) -> str:
    if not math.isfinite(share):
        return "an infinite share"
    return f"{100 * share:.1f} %" if share < 0.995 or share > 1.005 else f"{100 * share:.0f} %"


def _in_brackets(ends: Interval | None) -> str:
    return "" if ends is None else f" (95 % interval {_percent(ends.low)} to {_percent(ends.high)})"


def caveats(
    clean: Sequence[Record], names: Sequence[str], protocol: Mapping[str, Any], about: Mapping[str, Any]
) -> Iterator[Statement]:
    """Reasons to read the numbers with care, as another degradation than in training, few images, or equal ones."""
    if about.get("kind") in ("run", "export"):
        trained_on, here = describe_config(about["degradation"]), protocol["degradation"]
        if trained_on != here:
            yield Statement("note", f"The model was trained on {trained_on}; here it restores {here}.")
    if (protocol.get("split") or "").startswith("validation"):
        yield Statement("warning", "The images also selected the checkpoint (validation): the scores are optimistic.")
    if len(clean) == 1:
        yield Statement("note", "One image has no interval: nothing is known of others, nor which method is better.")
    elif len(clean) < FEW_IMAGES:
        yield Statement("note", f"Intervals from fewer than {FEW_IMAGES} images ({len(clean)}) are rough.")
    seen: dict[int, str] = {}
    for record, name in zip(clean, names, strict=True):
        other = seen.setdefault(int(record["hash"]), name)
        if other != name:
            yield Statement("note", f"{other} and {name} are the same image: it counts twice.")
