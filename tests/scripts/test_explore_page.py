"""The page: by pointer, touch and keys, in step, on phones and wide screens, without a word to anybody else."""

import re
from contextlib import ExitStack

import numpy as np
import pytest
from PIL import Image

from ..data.jpeg.makers import by_pillow, picture
from ..data.pictures import noise
from ..train.export.exporting import exported
from ..train.inference.transports import written
from .browsing import CONTRAST, FOUND, browser, opened
from .exploring import choose, make_models, served, session, settled, shown

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(FOUND is None, reason="no chromium on the PATH or in PSCGAN_CHROMIUM"),
]
SIZE = (96, 64)


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    """Of a server of each model."""
    with ExitStack() as servers:
        models = make_models(tmp_path_factory)
        yield {name: servers.enter_context(served(session(model, 10**6))) for name, model in models.items()}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    Image.fromarray(noise(SIZE[1], SIZE[0])).save(folder / "photo.png")
    by_pillow(folder / "photo.jpg", picture(SIZE, 12), quality=10)
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def chromium():
    with browser() as chromium:
        yield chromium


@pytest.fixture
def page(chromium, addresses):
    with opened(chromium, addresses["noise"], 1600) as page:
        yield page
        assert page.complaints == []


def names(page):
    return page.locator(".pane").evaluate_all("panes => panes.map(pane => pane.dataset.name)")


def is_within(page):
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(("width", "dark"), [(400, False), (400, True), (1000, False), (1600, True)])
def test_the_page_is_quiet_whole_and_not_too_wide(chromium, addresses, files, width, dark):
    with opened(chromium, addresses["noise"], width, dark) as page:
        assert is_within(page)
        assert (page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 27)") == dark
        page.locator("#degrade").check()
        choose(page, files / "photo.png", "Sample 1 of seed 0", "Mean of 8", "to the truth")
        assert names(page) == ["y", "sample", "mean", "std", "x"]
        assert is_within(page)
        assert page.complaints == []


def test_the_bundled_photograph_is_a_click_away(page):
    page.locator("#bundled").click()
    settled(page, "Mean of 8", "to the truth")
    assert page.locator("#degrade").is_checked()
    assert page.locator('[data-name="x"] canvas').evaluate("c => [c.width, c.height]") == [640, 360]


def test_an_uploaded_picture_is_shown_to_the_pixel(page, files):
    choose(page, files / "photo.png", "Sample 1 of seed 0", "Mean of 8")
    assert names(page) == ["y", "sample", "mean", "std"]
    assert np.array_equal(shown(page, "y"), noise(SIZE[1], SIZE[0]))
    page.locator("#degrade").check()
    settled(page, "to the truth")
    assert np.array_equal(shown(page, "x"), noise(SIZE[1], SIZE[0]))
    page.locator("#degrade").uncheck()
    page.locator('[data-name="x"]').wait_for(state="detached")


def test_a_picture_can_be_dropped(page, files):
    data = list((files / "photo.png").read_bytes())
    transfer = page.evaluate_handle(
        "data => { const t = new DataTransfer(); t.items.add(new File([new Uint8Array(data)], 'a.png')); return t; }",
        data,
    )
    page.locator("main").dispatch_event("dragover", {"dataTransfer": transfer})
    assert page.locator("#dropping").is_visible()
    page.locator("main").dispatch_event("drop", {"dataTransfer": transfer})
    settled(page, "Mean of 8")
    assert not page.locator("#dropping").is_visible()
    assert np.array_equal(shown(page, "y"), noise(SIZE[1], SIZE[0]))


def test_controls_change_what_they_say(page, files):
    choose(page, files / "photo.png", "Sample 1 of seed 0", "Mean of 8")
    first, mean = shown(page, "sample"), shown(page, "mean")
    page.locator("#another").click()
    settled(page, "Sample 2 of seed 0")
    second = shown(page, "sample")
    assert not np.array_equal(first, second)
    assert np.array_equal(shown(page, "mean"), mean)
    page.locator("#sample").fill("1")
    page.locator("#other").fill("2")
    page.locator("#share").fill("30")
    settled(page, "30° of the way from sample 1 to 2")
    page.locator("#share").press("End")
    settled(page, "Sample 2 of seed 0")
    assert np.array_equal(shown(page, "sample"), second)
    page.locator("#average").press("ArrowRight")
    settled(page, "Mean of 16")
    assert page.locator("#average").get_attribute("aria-valuetext") == "16 samples"
    spread = shown(page, "std")
    page.locator("#sigma_z").fill("0.5")
    settled(page, "σ_z = 0.5", "Mean of 16")
    assert shown(page, "std").mean() < 0.7 * spread.mean()  # on one scale
    page.locator("#seed").fill("5")
    settled(page, "of seed 5")


def test_only_what_rests_is_asked_for(page, files):
    choose(page, files / "photo.png", "Mean of 8")
    asked = []
    page.on("request", lambda request: asked.append(request.post_data_json))
    slide = (
        "s => [10, 20, 30, 40, 50].forEach(d => { s.value = d; s.dispatchEvent(new Event('input', {bubbles: true})) })"
    )
    page.locator("#share").evaluate(slide)  # at once, however busy the machine is
    settled(page, "50° of the way")
    assert [round(90 * question["share"]) for question in asked] == [50]
    assert len(asked[0]["held"]) == 4


def test_the_certificate_and_the_file_that_is_saved(chromium, addresses, files):
    with opened(chromium, addresses["jpeg"], 1600) as page:
        choose(page, files / "photo.jpg", "Mean of 8")
        proof = page.locator("#proof")
        assert re.search(r"Blocks (\d+) of \1 exact, levels ([\d,]+) of \2 exact", proof.inner_text())
        assert "to the very levels of the file" in proof.inner_text()
        assert "good" in proof.get_attribute("class")
        with page.expect_download() as download:
            page.locator("#save").click()
        assert download.value.suggested_filename == "photo_sample1.png"
        with Image.open(download.value.path()) as saved:
            assert np.array_equal(np.asarray(saved), shown(page, "sample"))
        page.locator("#file").set_input_files(files / "photo.png")
        page.locator("#error").filter(has_text="if the picture is clean, say so: it is compressed first").wait_for()
        page.locator("#degrade").check()
        settled(page, "to the truth")
        assert not page.locator("#error").is_visible()
        assert page.complaints == []


def test_the_noise_is_told_where_there_is_a_choice(chromium, addresses, files):
    with opened(chromium, addresses["range"], 1000) as page:
        choose(page, files / "photo.png", "Mean of 8")
        assert page.locator("#sigma").is_disabled()
        estimated = shown(page, "sample")
        page.locator("#auto").uncheck()
        page.locator("#sigma").fill("7")
        with page.expect_response(lambda response: response.url.endswith("/view")) as answer:
            pass
        settled(page, "Mean of 8")
        assert answer.value.request.post_data_json["sigma"] == 7
        assert not np.array_equal(shown(page, "sample"), estimated)
        assert page.complaints == []


def test_an_average_that_was_stopped_goes_on(chromium, files, tmp_path):
    with served(session(exported(tmp_path), seconds=1e-9)) as address, opened(chromium, address, 1000) as page:
        choose(page, files / "photo.png", "Mean of 1:", "Stopped after 1e-09 s, before 8.")
        page.locator("#more").click()
        settled(page, "Mean of 2:")
        page.locator("#average").fill("1")
        page.locator("#more").wait_for(state="hidden")
        assert page.complaints == []


def test_tall_pictures_fit_the_window(chromium, addresses, tmp_path):
    Image.fromarray(noise(160, 40)).save(tmp_path / "tall.png")
    with opened(chromium, addresses["noise"], 1600) as page:
        choose(page, tmp_path / "tall.png", "Mean of 8")
        box = page.locator(".frame").first.bounding_box()
        assert box["height"] <= 0.8 * 900 + 1
        assert box["width"] / box["height"] == pytest.approx(1 / 4, rel=0.02)


def test_a_deterministic_model_has_no_sliders(chromium, addresses, files):
    with opened(chromium, addresses["deterministic"], 1000) as page:
        choose(page, files / "photo.png", "The one restoration of this deterministic model")
        assert names(page) == ["y", "sample"]
        assert page.locator("input[type=range]").count() == 0
        assert page.complaints == []


def test_alpha_is_a_slider_where_there_is_a_transport(chromium, files, tmp_path):
    moving = session(exported(tmp_path, latent_channels=0), transport=written(tmp_path / "dot.safetensors"))
    with served(moving) as address, opened(chromium, address, 1000) as page:
        choose(page, files / "photo.png", "The one restoration of this deterministic model:")
        own = shown(page, "sample")
        page.locator("#alpha").fill("0.3")
        settled(page, "this deterministic model at α = 0.3:")
        assert page.get_by_label("α", exact=False).get_attribute("id") == "alpha"
        assert page.locator("#alpha-words").inner_text() == "0.3"
        assert not np.array_equal(shown(page, "sample"), own)
        assert page.complaints == []


def test_errors_are_words_on_the_page(page, files):
    page.locator("#file").set_input_files(files / "broken.png")
    page.locator("#error").filter(has_text="PNG, JPEG, WebP or TIFF of a known kind").wait_for()
    choose(page, files / "photo.png", "Mean of 8")
    assert not page.locator("#error").is_visible()
    page.locator("#file").set_input_files(files / "broken.png")
    page.locator("#panes").wait_for(state="hidden")
    assert page.locator("#welcome").is_visible()
    assert page.locator("#save").is_disabled()
    choose(page, files / "photo.png", "Mean of 8")
    assert page.locator("#another").is_enabled()


def test_a_number_that_cannot_be_is_refused_not_replaced(page, files):
    choose(page, files / "photo.png", "Sample 1 of seed 0", "Mean of 8")
    for wrong in ("0", ""):
        page.locator("#sample").fill(wrong)
        page.locator("#error").filter(has_text="Number:").wait_for()
        page.locator("#sample").fill("2")
        page.locator("#error").wait_for(state="hidden")
    settled(page, "Sample 2 of seed 0", "Mean of 8")


def test_a_drop_without_a_file_is_answered(page):
    transfer = page.evaluate_handle("() => { const t = new DataTransfer(); t.setData('text/plain', 'a'); return t; }")
    page.locator("main").dispatch_event("drop", {"dataTransfer": transfer})
    assert page.locator("#error").is_visible()


def test_an_answer_that_breaks_off_is_said_to(page, files):
    page.evaluate("""() => {
        const whole = window.fetch;
        const broken = () => new Response(new ReadableStream({ start: c => c.error(new TypeError("network error")) }));
        window.fetch = (path, ...rest) => (path === "/view" ? Promise.resolve(broken()) : whole(path, ...rest));
    }""")
    page.locator("#file").set_input_files(files / "photo.png")
    page.locator("#error").filter(has_text="The server stopped").wait_for()


def test_everything_is_reached_by_keys_and_named(page, files):
    choose(page, files / "photo.png", "Mean of 8")
    reached = []
    page.locator("h1").click()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
    controls = "#explorer :is(input, button):not([hidden]), #panes"
    seen = page.locator(controls).evaluate_all("all => all.map(node => node.id)")
    assert {*seen} - {"more"} <= {*reached}
    for name in (*seen, "panes"):
        node = page.locator(f"#{name}")
        label = node.evaluate("n => n.ariaLabel || n.labels?.[0]?.innerText || n.innerText")
        assert label.strip(), name
    outline = "node => getComputedStyle(node).outlineStyle"
    page.locator("#another").focus()
    page.keyboard.press("Tab")
    assert page.evaluate(f"({outline})(document.activeElement)") == "solid"


@pytest.mark.parametrize("dark", [False, True])
def test_words_can_be_told_from_the_ground(chromium, addresses, dark):
    with opened(chromium, addresses["noise"], 1600, dark) as page:
        for selector in ("h1", ".protocol", ".note", ".welcome", "legend", "#another", "#bundled", "output", "label"):
            assert page.locator(selector).first.evaluate(CONTRAST) >= 4.5, selector
