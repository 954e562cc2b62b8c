"""The server gives nothing else to nobody else, within limits, and says in words what it does not do."""

import json
import re
import socket
import threading
import time

import pytest
from starlette.testclient import TestClient

from pscgan.scripts.exploring import app
from pscgan.scripts.exploring.app import explorer
from pscgan.scripts.exploring.request import parse_request
from pscgan.scripts.exploring.session import MAX_UPLOADS, message

from ..data.pictures import noise
from .exploring import HOST, ask, client_of, encoded, make_models, parsed, served, session, upload


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return make_models(tmp_path_factory)


@pytest.fixture
def client(models):
    return client_of(models["noise"])


@pytest.mark.parametrize(
    ("model", "data", "said"),
    [
        ("noise", b"no picture", "PNG, JPEG, WebP or TIFF of a known kind"),
        ("noise", b"", "the file is empty"),
        ("noise", encoded(noise(400, 300)), "its size of 300x400 is above the limit of 100000 pixels"),
        ("noise", encoded(noise(40, 48))[:-200], "it is damaged or truncated"),
        ("grey", encoded(noise(40, 48)), "it must be grey for this model"),
        ("jpeg", encoded(noise(40, 48)), "if the picture is clean, say so: it is compressed first"),
    ],
)
def test_what_cannot_be_restored_is_said_in_one_line(models, model, data, said):
    client = client_of(models[model])
    name = upload(client, data)
    error = ask(client, name).said["error"]["error"]
    assert said in error
    assert "\n" not in error
    assert "/" not in error.replace("and/or", "")
    answer = client.post("/sample", json={"picture": name})
    assert (answer.status_code, answer.text) == (400, error)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ([], "picture"),
        ({"seed": 1}, "picture"),
        ({"picture": "a", "k": 2}, "got k"),
        ({"picture": 3}, "picture"),
        ({"picture": "a", "average": 65}, "average"),
        ({"picture": "a", "average": True}, "average"),
        ({"picture": "a", "sample": 0}, "sample"),
        ({"picture": "a", "sample": 1.5}, "sample"),
        ({"picture": "a", "other": -1}, "other"),
        ({"picture": "a", "seed": 2**53}, "seed"),
        ({"picture": "a", "sigma_z": 1.6}, "sigma_z"),
        ({"picture": "a", "sigma_z": float("nan")}, "sigma_z"),
        ({"picture": "a", "share": -0.1}, "share"),
        ({"picture": "a", "alpha": 2.1}, "alpha"),
        ({"picture": "a", "sigma": "auto"}, "sigma"),
        ({"picture": "a", "degrade": 1}, "degrade"),
        ({"picture": "a", "held": "y"}, "held"),
        ({"picture": "a", "held": [1]}, "held"),
    ],
)
def test_what_is_out_of_range_is_named(asked, named):
    with pytest.raises(ValueError, match=rf"\b{named}\b"):
        parse_request(json.dumps(asked).encode())


@pytest.mark.parametrize("body", [b"{", b"[" * 60_000, b'{"picture": "a", "sample": 0}'])
def test_bad_questions_are_answered_with_a_reason(client, body):
    answer = client.post("/view", content=body)
    assert answer.status_code == 400
    assert answer.text


def test_ids_cannot_be_guessed_and_few_pictures_are_kept(client):
    names = [upload(client, encoded(noise(32, 32, seed=k))) for k in range(MAX_UPLOADS + 1)]
    assert len({*names}) == len(names)
    assert all(len(name) >= 22 for name in names)
    gone = ask(client, names[0]).said["error"]["error"]
    assert gone == "the picture is no longer in memory; choose it again"
    ask(client, names[1])  # the one that was looked at last is not the next to go
    upload(client, b"another")
    assert "error" not in ask(client, names[1]).said
    assert ask(client, names[2]).said["error"]["error"] == gone


def test_uploads_are_limited_before_they_are_whole(models, monkeypatch):
    monkeypatch.setattr(app, "BYTES_OF_METADATA", 0)
    client = client_of(models["noise"], max_pixels=64)  # 1,024 bytes
    assert client.post("/upload", content=bytes(1024)).status_code == 200
    assert client.post("/upload", content=bytes(1025)).status_code == 413
    sent = []

    def endless():
        for part in range(100):
            sent.append(part)
            yield bytes(512)

    answer = client.post("/upload", content=endless())
    assert (answer.status_code, answer.text) == (413, "it has more than 1,024 bytes, which is the limit")


@pytest.mark.parametrize(
    ("host", "header", "allowed"),
    [
        (HOST, "127.0.0.1:80", True),
        (HOST, "localhost:9000", True),
        (HOST, "LOCALHOST", True),
        (HOST, "[::1]:80", True),
        (HOST, "evil.example", False),
        (HOST, "127.0.0.1.evil.example", False),
        (HOST, "10.0.0.1", False),
        (HOST, "", False),
        ("10.0.0.1", "10.0.0.1:80", True),
        ("10.0.0.1", "localhost", False),
        ("10.0.0.1", "evil.example", False),
        ("0.0.0.0", "10.0.0.1:80", True),
        ("0.0.0.0", "localhost:80", True),
        ("::", "[fe80::1]:80", True),
        ("box.lan", "box.lan:80", True),
        ("box.lan", "evil.example", False),
    ],
)
def test_only_names_that_the_server_listens_to_are_answered(models, host, header, allowed):
    client = TestClient(explorer(session(models["noise"]), host))
    assert client.get("/", headers={"host": header}).status_code == (200 if allowed else 400)


def test_there_is_nothing_else_to_be_read(client):
    for path in ("/page.py", "/../pyproject.toml", "/page.html", "/..%2fpyproject.toml", "//etc/passwd", "/sample"):
        assert client.get(path).status_code in (404, 405)
    names = {"/", "/page.css", "/page.js", "/panes.js", "/stream.js", "/zoom.js"}
    assert all(client.get(path).status_code == 200 for path in names)
    asked = re.findall(r'(?:href|src)="(/[^"]*)"', client.get("/").text)
    scripts = [client.get(path).text for path in names if path.endswith(".js")]
    asked += [f"/{name}" for script in scripts for name in re.findall(r'from "\./([^"]*)"', script)]
    assert {*asked} | {"/"} == names


@pytest.mark.parametrize("path", ["/", "/page.js", "/page.css"])
def test_every_file_of_the_page_says_what_it_may_load(client, path):
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["cache-control"] == "no-store"


def test_time_is_limited_and_the_same_question_goes_on(models):
    client = client_of(models["noise"], seconds=1e-9)
    name = upload(client, encoded(noise(40, 48)))
    answers = [ask(client, name, average=3) for _ in range(3)]
    assert [shown.said["mean"]["done"] for shown in answers] == [1, 2, 3]
    stopped = [shown.said["mean"]["words"].endswith("Stopped after 1e-09 s, before 3.") for shown in answers]
    assert stopped == [True, True, False]


def test_one_computation_at_a_time_and_none_for_who_has_gone(models):
    begun, release = [], threading.Event()

    def view(asked):
        begun.append(asked.sample)
        yield message("progress")
        assert release.wait(20)

    held = session(models["noise"])
    held.view = view
    with served(held) as address:
        port = int(address.rstrip("/").rpartition(":")[2])
        first, second, third = (question(port, sample) for sample in (1, 2, 3))
        first.recv(1)
        wait_for(lambda: begun == [1])
        second.close()
        release.set()
        assert third.makefile("rb").read().count(b'"kind": "end"') == 1
        for connection in (first, third):
            connection.close()
    assert begun == [1, 3]


def question(port, sample):
    connection = socket.create_connection((HOST, port), timeout=20)
    body = json.dumps({"picture": "a", "sample": sample}).encode()
    head = f"POST /view HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def wait_for(holds):
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_defect_is_no_answer(models, caplog):
    broken = session(models["noise"])
    broken.view = lambda asked: (message("progress") + asked.no_such_entry for _ in range(1))
    client = TestClient(explorer(broken, HOST), base_url=f"http://{HOST}")
    with pytest.raises(AttributeError):
        client.post("/view", json={"picture": "a"})


def test_what_does_not_fit_into_memory_is_said(models):
    def view(asked):
        raise MemoryError

    full = session(models["noise"])
    full.view = view
    answer = TestClient(explorer(full, HOST), base_url=f"http://{HOST}").post("/view", json={"picture": "a"})
    assert parsed(answer.content).said["error"]["error"] == "it does not fit into memory; choose a smaller picture"
