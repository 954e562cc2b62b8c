"""What the figures say, in words: for readers who do not know them yet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from .evaluator import Record
from .metric_specs import FIGURES
from .results import MethodResults
from .statistics import Interval

Word = dict[str, str]
BY_KEY = {figure.key: figure for figure in FIGURES}
FEW_IMAGES = 10
FLAT = 0.04  # of all truths in other ranks than chance would have them, as a share
AT_FLOOR = 1.5  # chance alone moves CFID so far from its floor
CLOSE = 0.05  # a ratio within 5 % of exact is called calibrated whatever the interval says


def words(found: MethodResults) -> list[Word]:
    """Of a restorer: what its figures show, and whether that is good."""
    return [{"severity": severity, "text": text} for severity, text in _sentences(found)]


def _sentences(found: MethodResults) -> Iterator[tuple[str, str]]:
    computed = found.computed
    if "calibration" in computed:
        yield from _spread(found)
        yield from _gain(found)
        yield from _ranks(found)
        yield from _blocks(found)
    elif found.contestant.restorer.stochastic:
        yield (
            "note",
            "Judged by one sample an image: nothing can be said of spread, calibration or what averaging gains.",
        )
    yield from _sharpness(computed)
    yield from _given_y(computed)


def _spread(found: MethodResults) -> Iterator[tuple[str, str]]:
    figure = BY_KEY["b_over_a"]
    ratio = figure.read(found.computed)
    assert ratio is not None
    ends = found.interval(figure)
    text = f"The variance of its samples is {_percent(ratio)} of the squared error of their mean{_in_brackets(ends)}"
    if _is_exact(ratio, 1.0, ends):
        yield "good", f"{text}: as much spread as an exact posterior sampler has."
    elif ratio < 1:
        grave = (
            "collapsed: its samples hardly differ" if ratio < 0.25 else "under-dispersed: its samples differ too little"
        )
        yield "warning", f"{text}: it is {grave} for the error that is left."
    else:
        yield "warning", f"{text}: it is over-dispersed, its samples differ more than the error that is left explains."


def _gain(found: MethodResults) -> Iterator[tuple[str, str]]:
    figure = BY_KEY["gain"]
    gain, exact = figure.read(found.computed), figure.target_of(found.computed)
    assert gain is not None
    assert exact is not None
    k = round(found.computed["quality"]["samples_per_image"])
    severity = "good" if abs(gain - exact) < 0.1 or _within(found.interval(figure), exact) else "note"
    yield severity, f"Averaging {k} samples gains {gain:.2f} dB over one; an exact sampler gains {exact:.2f} dB."


def _ranks(found: MethodResults) -> Iterator[tuple[str, str]]:
    shares = found.computed["calibration"]["pixels_ranks"]
    k = len(shares) - 1
    outside, flat = shares[0] + shares[-1], 2 / (k + 1)
    figure = BY_KEY["coverage/pixels"]
    coverage, nominal = figure.read(found.computed), figure.target_of(found.computed)
    assert coverage is not None
    assert nominal is not None
    misplaced = sum(abs(share - 1 / (k + 1)) for share in shares) / 2
    severity, shape = _shape(coverage, nominal, found.interval(figure), misplaced)
    yield (
        severity,
        (
            f"The truth is outside all {k} samples at {_percent(outside)} of pixels, chance leaves {_percent(flat)}; "
            f"their {_percent(nominal)} interval holds it at {_percent(coverage)}: the rank histogram is {shape}."
        ),
    )


def _shape(coverage: float, nominal: float, ends: Interval | None, misplaced: float) -> tuple[str, str]:
    if abs(coverage - nominal) >= 0.01 and not _within(ends, nominal):
        return "warning", "a bowl (too little spread)" if coverage < nominal else "a hill (too much spread)"
    if misplaced < FLAT:
        return "good", "flat"
    return (
        "note",
        f"right in width and not in shape, {_percent(misplaced)} of truths are not in the ranks they should be",
    )


def _blocks(found: MethodResults) -> Iterator[tuple[str, str]]:
    pixels, blocks = (BY_KEY[f"spread_skill/{scale}"].read(found.computed) for scale in ("pixels", "blocks"))
    if pixels is not None and blocks is not None and blocks < 0.8 * pixels:
        yield (
            "warning",
            (
                f"Spread over skill falls from {pixels:.2f} at pixels to {blocks:.2f} at blocks of 8: samples vary "
                "like noise, pixel by pixel, while their mean errs over whole areas."
            ),
        )


def _sharpness(computed: Any) -> Iterator[tuple[str, str]]:
    sharpness = computed["quality"]["sharpness_sample"]
    if sharpness < 0.8:
        yield "note", f"One restoration has {_percent(sharpness)} of the clean images' sharpness: it is blurred."
    elif sharpness > 1.25:
        yield "note", f"One restoration is {sharpness:.2f} times as rough as the clean images: it holds noise."


def _given_y(computed: Any) -> Iterator[tuple[str, str]]:
    for metric, figures in computed.items():
        if not metric.startswith("distance ") or "cfid_floor" not in figures:
            continue
        value, floor, extractor = figures["cfid"], figures["cfid_floor"], metric.removeprefix("distance ")
        text = (
            f"CFID on {extractor} is {value:.3g}, {value / max(floor, 1e-20):.1f} times what its own second sample has"
        )
        if value < AT_FLOOR * floor:
            yield "good", f"{text}: given y, its samples cannot be told from the truth by these features."
        else:
            yield "warning", f"{text}: given y, its samples are not of the law of the truth."


def _is_exact(value: float, target: float, ends: Interval | None) -> bool:
    return abs(value - target) < CLOSE * target or _within(ends, target)


def _within(ends: Interval | None, value: float) -> bool:
    return ends is not None and ends.holds(value)


def _percent(share: float) -> str:
    if not math.isfinite(share):
        return "an endless share"
    return f"{100 * share:.1f} %" if share < 0.995 or share > 1.005 else f"{100 * share:.0f} %"


def _in_brackets(ends: Interval | None) -> str:
    return "" if ends is None else f" (95 % interval over images {_percent(ends.low)} to {_percent(ends.high)})"


def doubts(clean: Sequence[Record], names: Sequence[str]) -> list[Word]:
    """Reasons not to lean on the figures: few images, equal images."""
    texts = []
    if len(clean) < FEW_IMAGES:
        texts.append(
            f"{len(clean)} images are few: intervals from the bootstrap over fewer than {FEW_IMAGES} are only a hint."
        )
    seen: dict[int, str] = {}
    for record, name in zip(clean, names, strict=True):
        other = seen.setdefault(int(record["hash"]), name)
        if other != name:
            texts.append(f"{other} and {name} hold the same image: it counts twice.")
    return [{"severity": "note", "text": text} for text in texts]
