"""What holds for every verb: names of any terminal, and signals that leave nothing half-way."""

import os
import signal
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from types import SimpleNamespace

import pytest

from pscgan import __main__ as program

NAME = "日本\udcff"  # as Python has a name of two characters and a byte that is no UTF-8
CODES = b"\\u65e5\\u672c\\udcff"


@pytest.fixture
def call(monkeypatch):
    """Call a verb that does this; the handlers of signals are put back."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    for number in numbers:
        signal.signal(number, signal.SIG_DFL)
    monkeypatch.setattr(sys, "argv", ["pscgan", "runs"])
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")

    def called(verb):
        monkeypatch.setattr(program, "import_module", lambda *_: SimpleNamespace(main=verb))
        program.main()

    yield called
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_name_is_printed_on_any_terminal(encoding, call, monkeypatch):
    written = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(written, encoding))
    call(lambda: print(NAME, flush=True))
    assert written.getvalue().rstrip() in (CODES, "日本".encode() + rb"\udcff")
    assert (written.getvalue().rstrip() == CODES) == (encoding != "utf-8")


def test_a_stream_that_has_an_answer_of_its_own_keeps_it(call, monkeypatch):
    written = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(written, "utf-8", "surrogateescape"))
    call(lambda: print(NAME, flush=True))
    assert written.getvalue().rstrip() == "日本".encode() + b"\xff"


@pytest.mark.integration
def test_a_process_that_is_started_prints_it_too(call):
    def start():
        command = [sys.executable, "-c", f"print({NAME!r})"]
        assert subprocess.run(command, capture_output=True, check=True).stdout.rstrip() == CODES

    call(start)
    assert os.environ["PYTHONIOENCODING"] == "ascii:backslashreplace"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_runs_what_cleans_up(number, call):
    cleaned = []

    def verb():
        try:
            signal.raise_signal(number)
        finally:
            cleaned.append(number)

    with pytest.raises(SystemExit) as ended:
        call(verb)
    assert (ended.value.code, cleaned) == (128 + number, [number])


def test_a_signal_that_is_ignored_stays_so(call):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # by nohup
    call(lambda: signal.raise_signal(signal.SIGHUP))
