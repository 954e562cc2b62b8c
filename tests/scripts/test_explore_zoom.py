"""All pictures are zoomed and moved in step, and one pixel is read in all of them."""

import re

import pytest
from PIL import Image

from ..data.pictures import noise
from ..train.export.exporting import exported
from .browsing import FOUND, browser, opened
from .exploring import choose, served, session, shown

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(FOUND is None, reason="no chromium on the PATH or in PSCGAN_CHROMIUM"),
]
SIZE = (96, 64)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with served(session(exported(tmp_path_factory.mktemp("model")))) as address:
        yield address


@pytest.fixture(scope="module")
def chromium():
    with browser() as chromium:
        yield chromium


@pytest.fixture
def photo(tmp_path):
    Image.fromarray(noise(SIZE[1], SIZE[0])).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def page(chromium, address, photo):
    with opened(chromium, address, 1600) as page:
        choose(page, photo, "Mean of 8")
        yield page
        assert page.complaints == []


def look(page):
    """Zoom, left and top, the same for all pictures."""
    style = "node => ['--zoom', '--left', '--top'].map(name => Number(node.style.getPropertyValue(name)))"
    transforms = page.locator(".frame canvas").evaluate_all("all => all.map(c => getComputedStyle(c).transform)")
    assert len({*transforms}) == 1
    return page.locator("#panes").evaluate(style)


def values(page):
    return {pane: page.locator(f'[data-name="{pane}"] .value').inner_text() for pane in ("y", "sample", "mean", "std")}


def test_zoom_in_step_and_the_values_of_one_pixel_by_pointer(page):
    panes = page.locator("#panes")
    frame = page.locator('[data-name="mean"] .frame')
    box = frame.bounding_box()
    x, y = box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"]
    page.mouse.move(x, y)
    column, row = SIZE[0] // 4, SIZE[1] // 2
    assert page.locator("#place").inner_text() == f"x {column}, y {row}"
    for pane in ("y", "sample", "mean"):
        assert values(page)[pane] == " ".join(map(str, shown(page, pane)[row, column]))
    assert re.fullmatch(r"± [\d.]+", values(page)["std"])
    page.mouse.wheel(0, -240)
    zoom, left, _ = look(page)
    assert zoom > 1.5
    assert left + 0.25 / zoom == pytest.approx(0.25, abs=1e-3)  # what is pointed at stays
    assert "pixels" in panes.get_attribute("class")
    assert page.locator("canvas").first.evaluate("c => getComputedStyle(c).imageRendering") == "pixelated"
    page.mouse.down()
    page.mouse.move(x - 0.1 * box["width"], y, steps=4)
    page.mouse.up()
    assert look(page)[:2] == pytest.approx([zoom, left + 0.1 / zoom])
    page.mouse.dblclick(x, y)
    assert look(page) == [1, 0, 0]
    page.mouse.dblclick(x, y)
    assert look(page)[0] >= 4
    page.mouse.wheel(0, 5000)
    for _ in range(20):
        page.mouse.wheel(0, 240)
    assert look(page) == [1, 0, 0]


def test_zoom_and_values_by_keys(page):
    panes = page.locator("#panes")
    for key, place in (("ArrowRight", (49, 32)), ("ArrowUp", (49, 31)), ("Shift+ArrowLeft", (33, 31))):
        panes.press(key)
        assert page.locator("#place").inner_text() == "x {}, y {}".format(*place)
    assert values(page)["y"] == " ".join(map(str, shown(page, "y")[31, 33]))
    panes.press("+")
    assert look(page)[0] == pytest.approx(1.25)
    panes.press("-")
    assert look(page)[0] == 1
    for _ in range(8):
        panes.press("+")
    for _ in range(3):
        panes.press("Shift+ArrowLeft")
    assert page.locator("#place").inner_text() == "x 0, y 31"
    assert look(page)[1] == pytest.approx(0, abs=1e-9)  # the view has followed
    panes.press("0")
    assert look(page) == [1, 0, 0]
    for name in ("closer", "farther", "full", "fit"):
        page.locator(f"#{name}").press("Enter")
    assert look(page) == [1, 0, 0]


def test_pinching_zooms(chromium, address, photo):
    with opened(chromium, address, 400, touch=True) as page:
        choose(page, photo, "Mean of 8")
        box = page.locator(".frame").first.bounding_box()
        touch = page.context.new_cdp_session(page)

        def fingers(kind, *xs):
            points = [
                {"x": box["x"] + x * box["width"], "y": box["y"] + box["height"] / 2, "id": i} for i, x in enumerate(xs)
            ]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        fingers("touchStart", 0.4, 0.6)
        for half in (0.15, 0.2, 0.3):
            fingers("touchMove", 0.5 - half, 0.5 + half)
        fingers("touchEnd")
        assert look(page)[0] == pytest.approx(3, rel=0.1)
        assert page.complaints == []
