"""Configs as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def in_words(config: Mapping[Any, Any]) -> str:
    """Class and arguments of a config with ``_target_``, as "GaussianNoise, sigma 50"."""
    arguments = [f"{key!s} {value}" for key, value in config.items() if key != "_target_"]
    return ", ".join([config["_target_"].rpartition(".")[2], *arguments])
