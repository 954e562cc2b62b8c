"""Posterior samplers for image restoration: stochastic conditional GANs, one network evaluation a sample."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .train.inference.load import load
    from .train.restore.open_image import read_measurement as read

__version__ = "0.1.0"
__all__ = ["load", "read"]


def __dir__() -> list[str]:
    return [*globals(), *__all__]


def __getattr__(name: str) -> Any:
    """``pscgan.load`` and ``pscgan.read``, imported when first asked for, so that ``import pscgan`` stays light."""
    if name == "load":
        from .train.inference.load import load

        return load
    if name == "read":
        from .train.restore.open_image import read_measurement

        return read_measurement
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
