"""Posterior samplers for image restoration: stochastic conditional GANs, one network evaluation a sample."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .train.inference.load import load

__version__ = "0.1.0"
__all__ = ["load"]


def __dir__() -> list[str]:
    return [*globals(), *__all__]


def __getattr__(name: str) -> Any:
    """``pscgan.load``, imported when it is first asked for, so that ``import pscgan`` stays light."""
    if name == "load":
        from .train.inference.load import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
