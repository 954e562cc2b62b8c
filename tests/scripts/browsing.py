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

CONTRAST = """node => {
  const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(v => linear(v / 255))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  let ground = node;
  while (getComputedStyle(ground).backgroundColor === "rgba(0, 0, 0, 0)") ground = ground.parentElement;
  const [a, b] = [getComputedStyle(node).color, getComputedStyle(ground).backgroundColor].map(light);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""  # of WCAG 2, whose least is 4.5


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
    """A page, as wide as told; what it complains of and asks the network for is in ``page.complaints``.

    A page is a file, or the address of a server of this machine, which alone it may ask.
    """
    address = path if isinstance(path, str) else path.resolve().as_uri()
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        offline=not isinstance(path, str),
        has_touch=touch,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda asked: page.complaints.append(asked.url) if not _is_local(asked.url, address) else None)
    page.goto(address)
    try:
        yield page
    finally:
        context.close()


def screenshot(path, picture, width, dark=False):
    """The whole page as ``picture``."""
    with browser() as chromium, opened(chromium, path, width, dark) as page:
        page.screenshot(path=picture, full_page=True)


def _is_local(url, address):
    """Pages of a server have an address that ends in a slash."""
    return url.startswith(("data:", "blob:", address if address.startswith("http") else "file:"))
