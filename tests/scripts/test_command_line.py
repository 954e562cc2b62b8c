"""What all verbs share: help texts for people, and files whose names begin with a dash."""

import sys

import pytest
from PIL import Image

from pscgan.__main__ import VERBS, main
from pscgan.scripts.command_line import Parser


@pytest.fixture
def pscgan(monkeypatch, capfd, tmp_path):
    """(*arguments) -> exit code, stdout, stderr, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["pscgan", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capfd.readouterr()

    return run


@pytest.mark.parametrize("verb", VERBS)
def test_help_is_plain_text(verb, pscgan):
    code, text, _ = pscgan(verb, "--help")
    assert code == 0
    assert f"pscgan {verb}" in text
    assert not [mark for mark in ("``", ":class:", ":func:", "::\n", "_target_") if mark in text]


def parser():
    parser = Parser("pscgan x", None)
    parser.add_argument("inputs", nargs="*")
    parser.add_argument("--out")
    return parser


@pytest.mark.parametrize(
    ("parse", "words", "inputs"),
    [
        ("parse_args", "--out o -- -dash.png", ["./-dash.png"]),
        ("parse_args", "--out o ./-dash.png", ["./-dash.png"]),
        ("parse_intermixed_args", "a --out o -- -dash.png b --out", ["a", "./-dash.png", "b", "./--out"]),
        ("parse_intermixed_args", "--out o a --", ["a"]),
    ],
)
def test_what_follows_two_dashes_is_a_file(parse, words, inputs):
    options = getattr(parser(), parse)(words.split())
    assert (options.out, options.inputs) == ("o", inputs)


def test_a_file_that_could_be_an_option_is_told_how_to_be_written(pscgan, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "-dash.png")
    code, _, line = pscgan("restore", "-dash.png", "--model", "bundled:demo", "--out", "out")
    assert code == 2
    assert "./-dash.png" in line
