"""The command: an address, until it is interrupted; mistakes in one line."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from pscgan.scripts import explore

from .exploring import HOST, make_models

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return make_models(tmp_path_factory)


@pytest.mark.integration
def test_the_command_serves_until_it_is_interrupted(models):
    command = [sys.executable, "-m", "pscgan", "explore", str(models["noise"]), "--port", "0", "--device", "cpu"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        with urllib.request.urlopen(address) as page:
            assert b"<title>made: samples</title>" in page.read()
        with urllib.request.urlopen(f"{address}bundled", data=b"") as answer:
            picture = json.load(answer)["picture"]
        asked = json.dumps({"picture": picture, "degrade": True, "average": 64}).encode()
        with urllib.request.urlopen(f"{address}view", data=asked) as answer:
            answer.readline()  # in the middle of it
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        assert (process.returncode in (0, 130), out, err) == (True, "", "")
    finally:
        process.kill()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "70000"], "--port must be a number in [0, 65535]"),
        (["--seconds", "0"], "--seconds must"),
        (["--max-megapixels", "nan"], "--max-megapixels must"),
        (["--transport", __file__], "test_explore_command.py is no"),
        (["--host", "no-such-host.invalid"], "cannot listen to no-such-host.invalid, port 8765"),
    ],
)
def test_mistakes_are_one_line(models, arguments, said, capsys):
    with pytest.raises(SystemExit) as ended:
        explore.main([str(models["noise"]), "--device", "cpu", *arguments])
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert said in line


def test_a_port_that_is_taken_is_named(models, capsys):
    with socket.create_server((HOST, 0)) as other, pytest.raises(SystemExit):
        explore.main([str(models["noise"]), "--port", str(other.getsockname()[1]), "--device", "cpu"])
    assert "--port 0 takes a free one" in capsys.readouterr().err


def test_other_hosts_are_warned_of(models, monkeypatch, capsys):
    monkeypatch.setattr("uvicorn.Server.run", lambda server, sockets: None)
    explore.main([str(models["noise"]), "--host", "0.0.0.0", "--port", "0", "--device", "cpu"])
    said = capsys.readouterr()
    assert "warning: whoever reaches 0.0.0.0 can use this page" in said.err
    assert said.out.startswith("http://0.0.0.0:")
    explore.main([str(models["noise"]), "--port", "0", "--device", "cpu"])
    assert capsys.readouterr().err == ""


def test_the_docs_name_what_there_is(capsys):
    text = (DOCS / "explore.md").read_text()
    targets = re.findall(r"\]\(([^)#]+)\)", text)
    assert len(targets) == 3
    assert all((DOCS / target).exists() for target in targets)
    with pytest.raises(SystemExit):
        explore.main(["--help"])
    options = {*re.findall(r"--[a-z-]+", capsys.readouterr().out)}
    assert {*re.findall(r"`(--[a-z-]+)`", text)} <= options
