"""Defaults of torch that a user's program may have set for its own purposes."""

from contextlib import contextmanager

import torch

OTHERS = [torch.float64, torch.bfloat16, torch.device("meta")]  # of meta nothing can be computed: it must not be used


@contextmanager
def torch_default(other):
    """A type or a device, as the default within."""
    if isinstance(other, torch.device):
        with other:
            yield
        return
    before = torch.get_default_dtype()
    torch.set_default_dtype(other)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
