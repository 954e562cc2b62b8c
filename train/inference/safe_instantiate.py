"""Objects from a plain config of which only classes of one package are built, and nothing else is imported."""

from __future__ import annotations

from importlib import import_module
from typing import Any

TARGET = "_target_"


def build(config: Any, package: str, name: str, **arguments: Any) -> Any:
    """The object that a config stands for.

    Args:
        config: a mapping with ``_target_``, the dotted name of a class, and its arguments: plain values or such
            mappings again.
        package: dotted name; classes must be defined in a module of it.
        name: of the config, for messages.
        **arguments: further ones of the outermost class.

    Raises:
        ValueError: naming the entry, if it names anything else than a class of the package, or the class refuses its
            arguments.
    """
    check(config, package, name)
    return _built(config, package, name, arguments)


def check(config: Any, package: str, name: str) -> type:
    """The class of a config, once all in it are found allowed; nothing is built. Arguments and errors as ``build``."""
    if not isinstance(config, dict) or TARGET not in config:
        raise ValueError(f"{name} must be a mapping with {TARGET}, got {config}")
    _check(config, package, name)
    return _class(config[TARGET], package, name)


def _check(value: Any, package: str, name: str) -> None:
    if isinstance(value, dict):
        for key, entry in value.items():
            if key == TARGET:
                _class(entry, package, f"{name}.{key}")
            elif key.startswith("_") or not key.isidentifier():
                raise ValueError(f"{name} must have names of arguments and {TARGET}, got the key {key!r}")
            else:
                _check(entry, package, f"{name}.{key}")
    elif isinstance(value, list):
        for place, entry in enumerate(value):
            _check(entry, package, f"{name}.{place}")
    elif isinstance(value, str) and "${" in value:
        raise ValueError(f"{name} must be a plain value, nothing that has to be resolved, got {value!r}")


def _class(target: Any, package: str, name: str) -> type:
    module, _, attribute = str(target).rpartition(".")
    refusal = f"{name} must be a class defined in {package}, got {target}"
    if not module.startswith(f"{package}.") or not all(part.isidentifier() for part in str(target).split(".")):
        raise ValueError(refusal)
    try:
        found = getattr(import_module(module), attribute, None)
    except ImportError as error:
        raise ValueError(refusal) from error
    if not isinstance(found, type) or found.__module__ != module:
        raise ValueError(refusal)
    return found


def _built(value: Any, package: str, name: str, arguments: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_built(entry, package, f"{name}.{place}", {}) for place, entry in enumerate(value)]
    if not isinstance(value, dict):
        return value
    entries = {key: _built(entry, package, f"{name}.{key}", {}) for key, entry in value.items() if key != TARGET}
    if TARGET not in value:
        return entries
    try:
        return _class(value[TARGET], package, name)(**{**entries, **arguments})
    except Exception as error:  # constructors that are given nonsense fail in ways of their own
        raise ValueError(f"{name} cannot be built: {error}") from error
