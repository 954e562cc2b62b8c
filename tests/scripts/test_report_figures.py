"""Figures of a report: what their lines say, and that the files are always the same."""

import math
import sys

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.colors import to_hex, to_rgb
from skimage.color import rgb2lab

from pscgan.scripts.report import style
from pscgan.scripts.report.figures import FIGURES
from pscgan.scripts.report.report import write_report
from pscgan.scripts.report.style import STYLE, save
from pscgan.train.evaluation.results import read_result
from pscgan.train.metrics.decibels import gain_db_exact

from .reporting import MMSE, SPREAD, write_evaluation

# Machado et al. 2009, severity 1, for linear RGB: protanopia, deuteranopia, tritanopia
COLOUR_VISIONS = (
    ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
    ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluation")
    write_evaluation(folder, pixels=16, images=0)
    return folder


@pytest.fixture(scope="module")
def result(folder):
    return read_result(folder)


def figure(name, result):
    curves = {method: entry.curves[name] for method, entry in result.methods.items() if name in entry.curves}
    return FIGURES[name][0](result, curves)


def drawn(name, result):
    with rc_context(STYLE):
        return figure(name, result).axes


def test_the_exact_sampler_gains_what_theory_says_and_the_own_line_is_a_plus_b_over_n(result):
    (axes,) = drawn("averaging", result)
    own, exact, measured = (line.get_ydata() for line in axes.lines[:3])
    assert exact[-1] - exact[0] == pytest.approx(gain_db_exact(8), abs=1e-9)
    expected = [-10 * math.log10(MMSE * (1 + SPREAD**2 / n)) for n in (1, 8)]
    assert [own[0], own[-1]] == pytest.approx(expected)
    assert list(measured) == result.methods["sampler"].curves["averaging"]["psnr"]


def test_ranks_are_a_density(result):
    for panel in drawn("ranks", result):
        (stairs,) = (patch for patch in panel.patches if hasattr(patch, "get_data"))
        values, edges, _ = stairs.get_data()
        assert np.sum(values * np.diff(edges)) == pytest.approx(1)


def test_spread_over_skill_is_drawn_beside_1(result):
    (axes,) = drawn("spread_skill", result)
    exact, measured = axes.lines
    assert list(exact.get_ydata()) == [1, 1]
    assert list(measured.get_xdata()) == [1, 2, 4, 8]
    assert measured.get_ydata()[3] == pytest.approx(SPREAD / 8**0.1)


def test_coverage_is_drawn_against_the_diagonal(result):
    diagonal, measured = drawn("coverage", result)[0].lines
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())
    assert list(measured.get_ydata()) == result.methods["sampler"].curves["coverage"]["pixels"]["share"]


def test_nobody_is_below_the_bound_and_y_does_not_squeeze_the_plane(result):
    (axes,) = drawn("perception_distortion", result)
    *ways, bound = axes.lines
    for way in ways:
        for rmse, distance in way.get_xydata():
            assert (
                distance >= np.interp(rmse, *bound.get_xydata()[::-1].T[:, np.argsort(bound.get_xdata()[::-1])]) - 1e-9
            )
    assert axes.get_xlim()[1] < 0.2


def test_histograms_stand_beside_the_same_noise(result):
    noises = [panel.patches[0].get_data().values.tolist() for panel in drawn("residual_noise", result)]
    assert len(noises) == 3
    assert noises[0] == noises[1] == noises[2]


def test_a_method_has_one_colour_everywhere(result):
    looks = {name: look.colour for name, look in style.looks(result).items()}
    assert len(set(looks.values())) == 3
    seen = set()
    for name in FIGURES:
        for panel in drawn(name, result):
            for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
                if label in looks:
                    colour = handle.get_color() if hasattr(handle, "get_color") else handle.get_edgecolor()
                    assert to_hex(colour) == looks[label]
                    seen.add(label)
    assert seen >= {"sampler", "baseline"}


@pytest.mark.parametrize(
    ("palette", "paper"),
    [
        ((*style.SERIES, style.MEASUREMENT), "#fcfcfb"),
        ((*style.SERIES_ON_DARK, style.MEASUREMENT_ON_DARK), "#15181b"),
    ],
)
def test_colours_differ_for_any_colour_vision_and_stand_out_from_the_paper(palette, paper):
    encoded = np.array([to_rgb(colour) for colour in (*palette, paper)])
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    *luminances, of_paper = linear @ (0.2126, 0.7152, 0.0722) + 0.05
    assert all(max(own, of_paper) / min(own, of_paper) >= 3 for own in luminances)
    for vision in COLOUR_VISIONS:
        seen = (linear[:-1] @ np.transpose(vision)).clip(0, 1)
        lab = rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))
        differences = np.linalg.norm(lab[:, None] - lab[None], axis=-1)[np.triu_indices(len(lab), 1)]
        assert differences.min() > 12


def test_files_are_the_same_whenever_they_are_drawn(result, tmp_path):
    for name in ("first", "second"):
        with rc_context(STYLE):
            save(figure("ranks", result), tmp_path / name)
    for suffix in ("png", "svg"):
        first, second = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("first", "second"))
        assert first == second
    assert b"<dc:date>" not in first


def test_without_matplotlib_nothing_is_written(folder, monkeypatch):
    before = sorted(folder.rglob("*"))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ValueError, match="matplotlib"):
        write_report(folder)
    assert sorted(folder.rglob("*")) == before
