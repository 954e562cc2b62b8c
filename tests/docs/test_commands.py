"""Every command in README.md and in docs/ is understood as it is written; none is run here."""

import argparse
import re
import sys
from importlib import import_module

import pytest
from hydra import compose, initialize_config_module
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser

import pscgan.scripts.evaluate
import pscgan.scripts.train  # noqa: F401  both register the resolvers of folders' names
from pscgan.__main__ import VERBS
from pscgan.scripts.benchmarks.posterior.entry import select_entries
from pscgan.train.runs.config_check import check_config

from .pages import COMMANDS, PAGES, ROOT, lines_of, text_of

HYDRA = ("train", "evaluate")

OF_A_USER = re.compile(r"hydra\.searchpath|penalty=.*total_variation|degradation=interlaced")
"""Their YAML files are in the page, not in conf/."""
FLAGS = ("-m", "--help", "job", "--cfg")


def named(command):
    return f"{command.page} {command.program} {' '.join(command.arguments)}"


class Parsed(Exception):
    """Raised in the place of the work that would follow."""


def parse(module, arguments, monkeypatch):
    """What the program's own parser makes of the arguments; an option it does not have ends it with SystemExit."""
    for name in ("parse_args", "parse_intermixed_args"):
        original = getattr(argparse.ArgumentParser, name)

        def stop(self, given=None, namespace=None, original=original):
            raise Parsed(original(self, given, namespace))

        monkeypatch.setattr(argparse.ArgumentParser, name, stop)
    monkeypatch.setattr(sys, "argv", [module, *arguments])
    with pytest.raises(Parsed) as caught:
        import_module(module).main()
    return caught.value.args[0]


def first_of_sweeps(words):
    """The first of a grid's values stands for them all."""
    for one in OverridesParser.create().parse_overrides(words):
        value = next(one.sweep_string_iterator()) if one.is_choice_sweep() else None
        yield one.input_line if value is None else f"{one.key_or_group}={value}"


def test_there_are_commands():
    assert {command.page for command in COMMANDS} >= {"README.md", "CONTRIBUTING.md", "training.md", "evaluation.md"}
    assert {command.program for command in COMMANDS} >= set(VERBS)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.program in HYDRA], ids=named)
def test_a_config_composes(command):
    words = [word for word in command.arguments if word not in FLAGS and not OF_A_USER.match(word)]
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose(command.program, [*first_of_sweeps(words), "folder=unused"], return_hydra_config=True)
        HydraConfig.instance().set_config(config)
        check_config(config, command.program)
    for part in ("launcher", "sweeper"):
        module, _, name = config.hydra[part]._target_.rpartition(".")
        assert getattr(import_module(module), name)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.program not in HYDRA], ids=named)
def test_an_option_exists(command, monkeypatch):
    if command.program.startswith("pscgan."):
        module = command.program
    else:
        assert command.program in VERBS
        module = f"pscgan.scripts.{command.program.replace('-', '_')}"
    options = parse(module, command.arguments, monkeypatch)
    if module.endswith("posterior.run"):
        overrides = [word for word in command.arguments if re.match(r"[^-].*=|~", word)]
        assert select_entries(options.problems[:1], options.rows, options.seeds, overrides)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    for target, anchor in re.findall(r"\]\((?!http)([^)#\s]*)(?:#([^)]*))?\)", path.read_text()):
        page = (path.parent / target).resolve() if target else path
        assert page.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
            assert anchor in [
                re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
            ]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_files_named_in_configs_of_other_programs_exist(path):
    for line, words in lines_of(path.read_text()):
        if "wandb sweep" in line:
            assert (ROOT / words[-1]).exists()


def test_the_two_commands_stand_alone_where_ci_reads_them():
    lines = text_of("README.md").splitlines()
    for command in ("pip install uv && uv run pscgan train", "pip install uv && uv run pytest"):
        place = lines.index(command)
        assert (lines[place - 1], lines[place + 1]) == ("```bash", "```")
    assert [line for line in lines if re.search(r"^pip install.*pytest$", line)] == ["pip install uv && uv run pytest"]


def test_the_readme_is_short():
    assert len(text_of("README.md").splitlines()) <= 180
