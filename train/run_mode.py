"""Whether Hydra runs one job or many."""

from __future__ import annotations

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode


def in_a_sweep() -> bool:
    """Whether this run is one of ``pscgan-train -m``."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN
