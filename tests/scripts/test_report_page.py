"""The page: one file that shows everything as text, asks nothing of a network, and works by pointer and keys."""

import base64
import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from pscgan.scripts.report.report import write_report

from .browsing import FOUND, browser, opened, screenshot
from .reporting import write_evaluation

NAMES = ("<script>alert(1)</script>", "b\"c' $x_1$ & |", "degraded")
TITLE = '</script><b onload="x">"quoted" & \'so\'</b>'
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
needs_chromium = pytest.mark.skipif(FOUND is None, reason="no chromium on the PATH or in PSCGAN_CHROMIUM")


class Page(HTMLParser):
    """Attributes, ids and text of a page."""

    def __init__(self, html):
        super().__init__()
        self.attributes, self.tags, self.text, self.scripts = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, data):
        (self.scripts if self.tags and self.tags[-1] in ("script", "style") else self.text).append(data)

    def handle_endtag(self, tag):
        self.tags.append(f"/{tag}")

    def values(self, *names):
        return [value for name, value in self.attributes if name in names]


def write(folder, **changes):
    write_evaluation(folder, **changes)
    write_report(folder)
    return folder / "index.html"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    visuals = [{"image": name, "folder": f"visuals/{i}"} for i, name in enumerate((NAMES[1], "two"))]
    return write(tmp_path_factory.mktemp("report"), pixels=48, names=NAMES, title=TITLE, visuals=visuals)


@pytest.fixture(scope="module")
def page(path):
    return Page(path.read_text())


def check(page):
    """What holds of every page."""
    assert all(value.startswith(("data:", "#")) for value in page.values("src", "href", "xlink:href"))
    assert not page.values("srcset", "action", "poster", "onclick", "onload", "data")
    styles = [*page.values("style", "clip-path", "fill"), *page.scripts]
    assert all(re.match(r"url\(#", found) for style in styles for found in re.findall(r"url\(.", style))
    assert not any("@import" in style for style in page.scripts)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    referred = [*page.values("aria-describedby", "aria-controls", "aria-labelledby")]
    referred += [value[1:] for value in page.values("href", "xlink:href") if value.startswith("#")]
    referred += [
        found for style in page.values("style", "clip-path") for found in re.findall(r"url\(#([^)]*)\)", style)
    ]
    assert set(referred) <= set(ids)
    assert page.tags.count("script") == 1


def test_the_page_asks_for_nothing_and_its_ids_are_unique(page):
    check(page)
    assert POLICY in page.values("content")


def test_everything_is_shown_as_text(page):
    text = "".join(page.text)
    for name in (*NAMES, TITLE):
        assert name in text
    assert text.count(NAMES[0]) > 5
    assert "onload" not in [name for name, _ in page.attributes]


def test_pictures_lose_nothing(page, path):
    (written, *_), uris = sorted(path.parent.glob("visuals/*/clean.png")), page.values("src")
    assert len(uris) == 2 * (2 + 9 + 1)
    shown = Image.open(io.BytesIO(base64.b64decode(uris[0].removeprefix("data:image/webp;base64,"))))
    assert np.array_equal(np.asarray(shown), np.asarray(Image.open(written)))


def test_all_files_are_there(path):
    folder = path.parent
    assert {p.name for p in (folder / "tables").iterdir()} == {
        f"{name}.{suffix}" for name in ("summary", "comparison") for suffix in ("md", "csv")
    }
    kinds = ("averaging", "perception_distortion", "spread_skill", "ranks", "coverage", "robustness", "residual_noise")
    assert {p.name for p in (folder / "figures").iterdir()} == {f"{k}.{s}" for k in kinds for s in ("png", "svg")}
    for kind in kinds:
        with Image.open(folder / "figures" / f"{kind}.png") as picture:
            assert picture.width == 1040


@pytest.mark.parametrize("sparse", ["one method", "no curves, K = 1, nothing compared", "no values"])
def test_sparse_results_make_sensible_pages(tmp_path, sparse):
    result = write_evaluation(tmp_path, pixels=16, images=1)
    sampler = result["methods"]["sampler"]
    if sparse == "one method":
        sampler["curves"] = {"ranks": sampler["curves"]["ranks"]}
        result |= {"methods": {"sampler": sampler}, "comparison": {}}
    else:
        for method in result["methods"].values():
            method |= {"curves": {}, "diagnosis": []} | ({"values": {}} if sparse == "no values" else {})
        result |= {"comparison": {}, "visuals": [], "left_out": [], "protocol": result["protocol"] | {"samples": 1}}
    (tmp_path / "result.json").write_text(json.dumps(result))
    write_report(tmp_path)
    page = Page((tmp_path / "index.html").read_text())
    check(page)
    text = "".join(page.text)
    assert "Comparison" not in text
    assert ("Images" in text) == ("Curves" in text) == (sparse == "one method")
    assert ("samples of an exact sampler" in text) == (sparse == "one method")


@pytest.fixture(scope="module")
def chromium():
    with browser() as chromium:
        yield chromium


def is_within(page):
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@needs_chromium
@pytest.mark.parametrize(("width", "dark"), [(400, False), (1600, True)])
def test_the_page_is_whole_and_not_too_wide(chromium, path, width, dark):
    with opened(chromium, path, width, dark) as page:
        assert is_within(page)
        for summary in page.locator("summary").all():
            if summary.evaluate("node => !node.parentElement.open"):
                summary.click()
        assert is_within(page)
        widths = page.evaluate("[...document.images].map(image => image.complete ? image.naturalWidth : 0)")
        assert widths == [48] * (2 * (2 + 9 + 1) + 2 * 2)
        assert (page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 27)") == dark
        assert page.complaints == []


@needs_chromium
def test_two_images_are_compared_by_the_slider(chromium, path):
    with opened(chromium, path, 1600) as page:
        gallery = page.locator(".gallery").first
        left, right = gallery.locator("select").all()
        right.select_option(f"std of {NAMES[0]}")
        shown = gallery.locator("img.right").get_attribute("src")
        assert shown == gallery.locator('.pane img[alt^="std of"]').get_attribute("src")
        assert f"restoration of {NAMES[1]}" in left.locator("option").all_inner_texts()
        clip = "node => getComputedStyle(node).clipPath"
        before = gallery.locator("img.left").evaluate(clip)
        gallery.locator("input").press("End")
        assert gallery.locator("img.left").evaluate(clip) != before
        assert page.complaints == []


@needs_chromium
def test_a_click_shows_the_same_place_of_all_images(chromium, path):
    with opened(chromium, path, 1600) as page:
        gallery = page.locator(".gallery").first
        pane = gallery.locator(".pane").nth(2)
        pane.scroll_into_view_if_needed()
        box = pane.bounding_box()
        page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
        transforms = "nodes => nodes.map(node => getComputedStyle(node).transform)"
        images = gallery.locator(".pane img")
        assert images.evaluate_all(transforms) == ["matrix(4, 0, 0, 4, 0, 0)"] * images.count()
        place = gallery.evaluate("node => node.style.getPropertyValue('--x')")
        assert float(place.removesuffix("%")) == pytest.approx(25, abs=1)
        pane.click()
        assert images.evaluate_all(transforms) == ["none"] * images.count()
        assert page.complaints == []


@needs_chromium
def test_keys_magnify_and_move_too(chromium, path):
    with opened(chromium, path, 1600) as page:
        gallery = page.locator(".gallery").first
        stage = gallery.locator(".stage")
        transforms = "nodes => nodes.map(node => getComputedStyle(node).transform)"
        images = gallery.locator(":is(.pane, .stage) img")
        stage.press("Enter")
        assert images.evaluate_all(transforms) == ["matrix(4, 0, 0, 4, 0, 0)"] * images.count()
        for _ in range(30):
            stage.press("ArrowRight")
        place = "node => ['--x', '--y'].map(name => node.style.getPropertyValue(name))"
        assert gallery.evaluate(place) == ["100%", "50%"]
        gallery.locator("input").fill("60")  # of the stage: nine tenths of an image of which the last quarter is seen
        clip = gallery.locator("img.left").evaluate("node => getComputedStyle(node).clipPath")
        assert float(re.search(r"[\d.]+(?=%)", clip)[0]) == pytest.approx(10)
        stage.press("Enter")
        assert images.evaluate_all(transforms) == ["none"] * images.count()
        assert page.complaints == []


@needs_chromium
def test_a_screenshot_is_as_wide_as_asked(path, tmp_path):
    with ThreadPoolExecutor(1) as thread:  # the browser of the other tests holds the loop of this one
        thread.submit(screenshot, path, tmp_path / "page.png", 700).result()
    with Image.open(tmp_path / "page.png") as picture:
        assert picture.width == 700
        assert picture.height > 900
