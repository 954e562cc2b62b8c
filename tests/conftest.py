"""Two tests at a time, a thread each: torch's threads would wait for one another."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The global generator begins each test alike, whichever test came before on the same worker."""
    torch.manual_seed(0)
