"""The server of ``pscgan explore``, asked as its page asks it.

``python -m pscgan.tests.scripts.exploring MODEL PICTURE.webp`` takes the picture for the docs.
"""

import io
import json
import socket
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from starlette.testclient import TestClient

from pscgan.scripts.explore import server_of
from pscgan.scripts.exploring.app import explorer
from pscgan.scripts.exploring.session import Session
from pscgan.train.inference.load import load
from pscgan.train.inference.transport import open_transport

from ..data.choices import chosen
from ..train.export.exporting import JPEG, NOISE, exported
from .browsing import browser, opened

HOST = "127.0.0.1"

MODELS = {
    "noise": {},
    "range": {"degradation": {"_target_": NOISE, "sigma": [5, 60]}, "maps": 1},
    "jpeg": {"degradation": JPEG, "maps": 3},
    "grey": {"channels": 1},
    "small": {"degradation": chosen("sr4_bicubic")},
    "deterministic": {"latent_channels": 0},
}


class Answer(NamedTuple):
    said: dict[str, dict]
    """The last message of each kind."""
    panes: dict[str, np.ndarray]
    """Pixels by name, (H, W, C)."""
    kinds: list[str]


def make_models(tmp_path_factory):
    """By name, the file of a model that is not trained."""
    about = {"commit": None}
    return {name: exported(tmp_path_factory.mktemp(name), about=about, **made) for name, made in MODELS.items()}


def session(model, max_pixels=100_000, seconds=60.0, transport=None):
    moving = None if transport is None else open_transport(transport, 3)
    return Session(load(model), max_pixels, seconds, moving)


def client_of(model, **options):
    return TestClient(explorer(session(model, **options), HOST), base_url=f"http://{HOST}")


def encoded(values) -> bytes:
    """As a PNG file."""
    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG")
    return file.getvalue()


def parsed(content: bytes) -> Answer:
    answer = Answer({}, {}, [])
    while content:
        line, _, content = content.partition(b"\n")
        message = json.loads(line)
        answer.said[message["kind"]] = message
        answer.kinds.append(message["kind"])
        if message["kind"] == "pane":
            about = answer.said["picture"]
            values = np.frombuffer(content[: message["bytes"]], np.uint8)
            shape = about["height"], about["width"], message["channels"]
            answer.panes[message["name"]] = values.reshape(shape)
            answer.said[f"pane {message['name']}"] = message
        content = content[message["bytes"] :]
    return answer


def upload(client, data: bytes) -> str:
    return client.post("/upload", content=data).json()["picture"]


def ask(client, picture, **wanted) -> Answer:
    response = client.post("/view", json={"picture": picture, **wanted})
    assert response.status_code == 200, response.text
    return parsed(response.content)


def png(client, picture, **wanted) -> bytes:
    response = client.post("/sample", json={"picture": picture, **wanted})
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png"), response.text
    return response.content


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@contextmanager
def served(of_session):
    """The address of a server in a thread of its own."""
    with socket.create_server((HOST, 0)) as listening:
        server = server_of(explorer(of_session, HOST))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://{HOST}:{listening.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join()


def settled(page, *texts):
    """Wait until the words are there and nothing is being drawn."""
    for text in texts:
        page.locator(".words").filter(has_text=text).wait_for()
    page.locator("#panes:not([aria-busy])").wait_for()


def choose(page, path, *texts):
    page.locator("#file").set_input_files(path)
    settled(page, *texts)


def shown(page, name):
    """The pixels of a pane's canvas, (H, W, 3)."""
    height, width, values = page.locator(f'[data-name="{name}"] canvas').evaluate(
        "c => [c.height, c.width, Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)]"
    )
    return np.array(values, np.uint8).reshape(height, width, 4)[..., :3]


def picture_of(model, picture):
    """What the page shows of a part of the bundled photograph."""
    with served(session(model, 2_000_000)) as address, browser() as chromium, opened(chromium, address, 1600) as page:
        page.locator("#bundled").click()
        page.locator("#average").fill("4")
        settled(page, "Sample 1", "Mean of 16")
        box = page.locator(".frame").nth(1).bounding_box()
        page.mouse.move(box["x"] + 0.39 * box["width"], box["y"] + 0.42 * box["height"])
        for _ in range(5):
            page.locator("#panes").press("+")
        page.locator("#panes").blur()
        page.screenshot(path=f"{picture}.png", full_page=True)
    Image.open(f"{picture}.png").convert("RGB").save(picture, quality=90, method=6)
    Path(f"{picture}.png").unlink()


if __name__ == "__main__":
    picture_of(*sys.argv[1:])
