"""Names of folders."""

import pytest

from pscgan.train.evaluation.naming import evaluation_name, named_values
from pscgan.train.runs.naming import run_name, sweep_name


@pytest.mark.parametrize("name", ["12:30", 'a"b', "a<b>|c?*", "C:\\runs"])
def test_no_name_has_a_character_that_some_file_system_or_wandb_lacks(name):
    names = [run_name(name, f"a={name}"), sweep_name("demo", [f"name={name}"]), evaluation_name(name, [], "")]
    assert not set("".join(names)) & set('<>:"|?*\\')


def test_a_name_keeps_what_all_have():
    assert run_name("mine/größe (2)", "seed=1,lr=1e-3") == "mine/größe (2),seed=1,lr=1e-3"


def test_a_method_is_named_as_a_folder():
    with pytest.raises(ValueError, match="a:b"):
        named_values({"a:b": "runs/a"})
