"""What a run learns follows from its config: no default of torch, no global generator, no setting of the process."""

import os
import random
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from ..torch_defaults import torch_default
from .tiny import LIGHTNING_SAYS, assert_same_run, command, run

pytestmark = LIGHTNING_SAYS


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return run(tmp_path_factory.mktemp("run"), "images=16")


@contextmanager
def of_the_process():
    """Generators, what is printed of a number, where the process is and what its files may."""
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002  the global one
    random.seed(7)
    folder, mask = os.getcwd(), os.umask(0o077)
    os.chdir("/")
    try:
        with np.printoptions(precision=1), np.errstate(all="raise"):
            yield
    finally:
        os.chdir(folder)
        os.umask(mask)


SETTINGS = {
    "float64": lambda: torch_default(torch.float64),
    "bfloat16": lambda: torch_default(torch.bfloat16),
    "device": lambda: torch_default(torch.device("meta")),
    "inference_mode": torch.inference_mode,
    "no_grad": torch.no_grad,
    "process": of_the_process,
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_changes_nothing(name, expected, tmp_path):
    with SETTINGS[name]():
        folder = run(tmp_path / "run", "images=16")
    assert_same_run(folder, expected)


@pytest.mark.integration
def test_neither_do_hashes_and_the_locale(expected, tmp_path):
    done = command("images=16", "folder=run", cwd=tmp_path, PYTHONHASHSEED="5", LC_ALL="C", TZ="Pacific/Kiritimati")
    assert done.returncode == 0, done.stderr
    assert_same_run(tmp_path / "run", expected)
