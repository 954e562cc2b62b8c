"""docs/restoring.md names options and files that exist."""

import re
import shlex
from pathlib import Path

from pscgan.scripts.restore import check, parse

TEXT = (Path(__file__).parents[1] / "docs" / "restoring.md").read_text()


def test_commands_are_understood():
    blocks = re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)
    assert blocks
    for line in "".join(blocks).splitlines():
        options = parse(shlex.split(line.split("#")[0])[1:])
        check(options)
        assert options.model


def test_every_option_that_is_named_is_one():
    rows = re.findall(r"^\| (`--.*?) \|", TEXT, re.MULTILINE)
    named = set(re.findall(r"--[a-z-]+", " ".join(rows)))
    assert len(named) > 8
    for option in named:
        value = {"--degrade": [], "--phase": ["RGGB"]}.get(option, ["64"])
        assert parse(["x.png", "--model", "m", "--out", "o", option, *value])
