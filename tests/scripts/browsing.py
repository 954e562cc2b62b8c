"""Pages in Chromium without a network; ``screenshot(Path("index.html"), Path("page.png"), 1600)`` for the docs."""

import os
import shutil
from contextlib import contextmanager

FOUND = os.environ.get("PSCGAN_CHROMIUM") or shutil.which("chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def browser():
    """Headless, in a profile of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=FOUND, args=QUIET)
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def opened(chromium, path, width, dark=False, touch=False):
    """A page, as wide as told; what it complains of and asks the network for is in ``page.complaints``."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        offline=True,
        has_touch=touch,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda asked: page.complaints.append(asked.url) if not _is_local(asked.url) else None)
    page.goto(path.resolve().as_uri())
    try:
        yield page
    finally:
        context.close()


def screenshot(path, picture, width, dark=False):
    """The whole page as ``picture``."""
    with browser() as chromium, opened(chromium, path, width, dark) as page:
        page.screenshot(path=picture, full_page=True)


def _is_local(url):
    return url.startswith(("file:", "data:"))
