"""The page: one file that shows everything as text, asks nothing of a network, and works by pointer, touch and keys."""

import base64
import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from pscgan.scripts.report.writing import write_report

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
    pictures = [{"image": name, "folder": f"pictures/{i}"} for i, name in enumerate((NAMES[1], "two"))]
    return write(tmp_path_factory.mktemp("report"), pixels=48, names=NAMES, title=TITLE, pictures=pictures)


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
    assert page.tags.count("script") == 2


def test_the_page_asks_for_nothing_and_its_ids_are_unique(page):
    check(page)
    assert POLICY in page.values("content")


def test_everything_is_shown_as_text(page):
    text = "".join(page.text)
    for name in (*NAMES, TITLE):
        assert name in text
    assert text.count(NAMES[0]) > 5
    assert "onload" not in [name for name, _ in page.attributes]


def test_names_for_the_choosers_cannot_end_their_script(page, path):
    names = json.loads(page.scripts[page.scripts.index(next(s for s in page.scripts if s.startswith("[[")))])
    assert [strip["name"] for strip in names[0]] == ["", *NAMES[:2]]
    block = re.search(r'<script type="application/json" id="names">(.*)\n?</script>', path.read_text()).group(1)
    assert "<" not in block


def test_pictures_lose_nothing(page, path):
    (written, *_), uris = sorted(path.parent.glob("pictures/*/clean.png")), page.values("src")
    assert len(uris) == 2 * (2 + 9 + 1)
    shown = Image.open(io.BytesIO(base64.b64decode(uris[0].removeprefix("data:image/webp;base64,"))))
    assert np.array_equal(np.asarray(shown), np.asarray(Image.open(written)))


def test_all_files_are_there(path):
    folder = path.parent
    assert {p.name for p in (folder / "tables").iterdir()} == {
        f"{name}.{suffix}" for name in ("summary", "comparison") for suffix in ("md", "csv")
    }
    kinds = ("averaging", "plane", "ranks", "coverage", "robustness", "remainder")
    assert {p.name for p in (folder / "figures").iterdir()} == {f"{k}.{s}" for k in kinds for s in ("png", "svg")}
    for kind in kinds:
        with Image.open(folder / "figures" / f"{kind}.png") as picture:
            assert picture.width == 1040


@pytest.mark.parametrize("sparse", ["one restorer", "no curves, K = 1, nothing compared", "no values"])
def test_sparse_results_make_sensible_pages(tmp_path, sparse):
    result = write_evaluation(tmp_path, pixels=16, images=1)
    sampler = result["restorers"]["sampler"]
    if sparse == "one restorer":
        sampler["curves"] = {"ranks": sampler["curves"]["ranks"]}
        result |= {"restorers": {"sampler": sampler}, "comparison": {"mae": {"best": ["sampler"], "differences": []}}}
    else:
        for restorer in result["restorers"].values():
            restorer |= {"curves": {}, "words": []} | ({"values": {}} if sparse == "no values" else {})
        result |= {"comparison": {}, "pictures": [], "left_out": [], "protocol": result["protocol"] | {"samples": 1}}
    (tmp_path / "result.json").write_text(json.dumps(result))
    write_report(tmp_path)
    page = Page((tmp_path / "index.html").read_text())
    check(page)
    text = "".join(page.text)
    assert "Comparison" not in text
    assert ("Pictures" in text) == ("Curves" in text) == (sparse == "one restorer")
    assert ("of an exact sampler gain" in text) == (sparse == "one restorer")


@pytest.fixture(scope="module")
def chromium():
    with browser() as chromium:
        yield chromium


def is_within(page):
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@needs_chromium
@pytest.mark.parametrize(("width", "dark"), [(400, False), (1600, True)])
def test_the_page_is_quiet_whole_and_not_too_wide(chromium, path, width, dark):
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


def clip(page):
    return page.locator(".side.left").first.evaluate("node => getComputedStyle(node).clipPath")


@needs_chromium
def test_the_slider_moves_by_keys_and_by_pointer(chromium, path):
    with opened(chromium, path, 1600) as page:
        handle, stage = page.locator(".handle").first, page.locator(".stage").first
        before = clip(page)
        for key, value in (
            ("ArrowRight", "52"),
            ("PageDown", "42"),
            ("End", "100"),
            ("ArrowRight", "100"),
            ("Home", "0"),
        ):
            handle.press(key)
            assert handle.get_attribute("aria-valuenow") == value
        assert clip(page) != before
        stage.scroll_into_view_if_needed()
        box = stage.bounding_box()
        x, y = box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"]
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 0.45 * box["width"], y, steps=4)
        page.mouse.up()
        assert handle.get_attribute("aria-valuenow") == "75"
        assert "zoomed" not in page.locator(".gallery").first.get_attribute("class")
        assert page.complaints == []


@needs_chromium
def test_choosers_show_what_they_say(chromium, path):
    with opened(chromium, path, 1600) as page:
        left, right = page.locator("fieldset").all()[:2]
        right.locator(".strip-of").select_option(NAMES[0])
        right.locator(".pane-of").select_option("std")
        shown = page.locator(".side.right img").first.get_attribute("src")
        assert shown == page.locator('#gallery-0 .pane img[alt^="std of"]').get_attribute("src")
        left.locator(".strip-of").select_option(NAMES[1])
        assert left.locator(".pane-of option").all_inner_texts() == ["the restoration"]
        page.locator(".chooser button").nth(1).click()
        assert [gallery.is_visible() for gallery in page.locator(".gallery").all()] == [False, True]
        assert page.complaints == []


@needs_chromium
def test_zoom_shows_the_same_place_of_all_pictures(chromium, path):
    with opened(chromium, path, 1600) as page:
        gallery = page.locator(".gallery").first
        pictures = gallery.locator("img")
        styles = (
            "nodes => nodes.map(node => { const s = getComputedStyle(node); return [s.transform, s.imageRendering] })"
        )
        place = "node => node.style.getPropertyValue('--x') + node.style.getPropertyValue('--y')"
        pane = gallery.locator(".pane").nth(2)
        pane.scroll_into_view_if_needed()
        box = pane.bounding_box()
        page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
        assert pictures.evaluate_all(styles) == [["matrix(4, 0, 0, 4, 0, 0)", "pixelated"]] * pictures.count()
        x, y = map(float, re.findall(r"[\d.]+(?=%)", gallery.evaluate(place)))
        assert (x, y) == pytest.approx((25, 50), abs=1)
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        assert float(gallery.evaluate(place).split("%")[0]) == pytest.approx(50, abs=1)
        pane.click()
        assert pictures.evaluate_all(styles) == [["none", "auto"]] * pictures.count()
        gallery.locator(".zoom").press("Enter")
        gallery.locator(".zoom").press("ArrowLeft")
        assert float(gallery.evaluate(place).split("%")[0]) == pytest.approx(45, abs=1)
        gallery.locator(".zoom").press("Escape")
        gallery.locator(".stage").click(position={"x": 20, "y": 20})
        assert pictures.first.evaluate("node => getComputedStyle(node).transform") != "none"
        assert page.complaints == []


@needs_chromium
def test_headings_explain_themselves_when_tapped(chromium, path):
    with opened(chromium, path, 400, touch=True) as page:
        page.locator(".term").first.tap()
        tip = page.locator("#tip")
        assert tip.is_visible()
        assert tip.inner_text() == "Of the pooled squared error of one sample."
        page.keyboard.press("Escape")
        assert not tip.is_visible()


@needs_chromium
def test_a_screenshot_is_as_wide_as_asked(path, tmp_path):
    with ThreadPoolExecutor(1) as thread:  # the browser of the other tests holds the loop of this one
        thread.submit(screenshot, path, tmp_path / "page.png", 700).result()
    with Image.open(tmp_path / "page.png") as picture:
        assert picture.width == 700
        assert picture.height > 900
