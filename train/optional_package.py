"""Packages of an extra, imported when they are first needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def optional_package(name: str, extra: str, purpose: str) -> Any:
    """The module of a package that an installation may lack.

    Args:
        name: of the module.
        extra: of this package that brings it.
        purpose: what needs it, for the message.

    Raises:
        ValueError: in one line that says how it is installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ValueError(f"{purpose} needs the package {name}; pip install pscgan[{extra}] brings it") from error
