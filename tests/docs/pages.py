"""The documentation as data: pages, and the commands in their blocks."""

import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


class Command(NamedTuple):
    """A command of ours in a page: the verb of ``pscgan`` or a module, and its arguments."""

    page: str
    program: str
    arguments: tuple[str, ...]


def text_of(name):
    return (ROOT / name).read_text()


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def lines_of(text):
    """Every line of a shell block, without comments, continued lines joined."""
    for block in blocks(text, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words:
                yield line, words


def commands_of(page):
    for _, words in lines_of(page.read_text()):
        for place, (word, following) in enumerate(pairwise(words)):
            if word == "pscgan" or (word == "-m" and following.startswith("pscgan.")):
                yield Command(page.name, following, tuple(words[place + 2 :]))
                break


COMMANDS = [command for page in PAGES for command in dict.fromkeys(commands_of(page))]
