"""Freed memory serves the next tensors."""

import platform
import subprocess
import sys

import pytest

CODE = """
import resource, torch
from pscgan.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(2**24)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

keep_freed_memory()
print(*[faults() for _ in range(40)])
"""


@pytest.mark.integration
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of other C libraries nothing is asked")
def test_the_system_is_not_asked_each_time():
    """A page fault is a page that the system hands out anew: of the first blocks, until freed ones are large enough."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    first, *others = map(int, done.stdout.split())
    assert sum(others[-10:]) < first
