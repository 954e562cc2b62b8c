"""The program in this process, with ``-m``."""

import logging
import signal
import sys

import pytest

from pscgan.scripts.train import main
from pscgan.train.runs.cli_errors import SIGNALS

from ..tiny import OVERRIDES


@pytest.fixture
def pscgan_train(tmp_path, monkeypatch, capfd):
    """(*arguments) -> exit code, stdout, stderr, in ``tmp_path``; handlers of logs and signals end as they began."""
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    before = root.handlers[:], root.level, [signal.getsignal(number) for number in SIGNALS]

    def start(*arguments):
        given = {argument.partition("=")[0] for argument in arguments}
        overrides = [override for override in OVERRIDES if override.partition("=")[0] not in given]
        monkeypatch.setattr(sys, "argv", ["pscgan train", *arguments, *overrides])  # flags come first
        capfd.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code
        return code, *capfd.readouterr()

    yield start
    root.handlers[:], level, handlers = before
    root.setLevel(level)
    for number, handler in zip(SIGNALS, handlers, strict=True):
        signal.signal(number, handler)
