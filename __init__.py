"""Posterior samplers for image restoration: stochastic conditional GANs, one network evaluation a sample."""

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """``pscgan.load``, imported when it is first asked for, so that ``import pscgan`` stays light."""
    if name == "load":
        from .train.inference.load import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
