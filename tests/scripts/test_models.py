"""The models of the package, listed."""

import re

import pscgan
from pscgan.scripts.models import main


def test_every_name_loads_and_its_parameters_are_counted(capsys):
    main([])
    names = re.findall(r"bundled:\w+", printed := capsys.readouterr().out)
    assert len(names) == len(set(names)) >= 4
    for name in names:
        count = sum(parameter.numel() for parameter in pscgan.load(name).generator.parameters())
        (row,) = (line for line in printed.splitlines() if f"{name} " in line)
        assert f" {count:,} " in row
