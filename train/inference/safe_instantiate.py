"""Objects from a plain config of which only classes of one package are built, and nothing else is imported."""

from collections.abc import Iterable
from functools import partial
from importlib import import_module
from typing import Any

TARGET, PARTIAL = "_target_", "_partial_"


def build(config: Any, package: str, name: str, members: Iterable[str] = (), **arguments: Any) -> Any:
    """The object that a config stands for.

    Args:
        config: a mapping with ``_target_``, the dotted name of a class, and its arguments: plain values or such
            mappings again, which with ``_partial_`` stand for classes whose further arguments the outer one gives.
        package: dotted name; classes must be defined in a module of it.
        name: of the config, for messages.
        members: attributes that the outermost class must have.
        **arguments: further ones of the outermost class.

    Raises:
        ValueError: naming the entry, if it names anything else than a class of the package, or the class refuses its
            arguments.
    """
    if not isinstance(config, dict) or TARGET not in config or PARTIAL in config:
        raise ValueError(f"{name} must be a mapping with {TARGET}, got {config}")
    return _built(config, package, name, members, arguments)


def _built(value: Any, package: str, name: str, members: Iterable[str], arguments: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_built(entry, package, f"{name}.{place}", (), {}) for place, entry in enumerate(value)]
    if isinstance(value, str) and "${" in value:
        raise ValueError(f"{name} must be a plain value, nothing that has to be resolved, got {value!r}")
    if not isinstance(value, dict):
        return value
    for key in value.keys() - {TARGET, PARTIAL}:
        if key.startswith("_") or not key.isidentifier():
            raise ValueError(f"{name} must have names of arguments and {TARGET}, got the key {key!r}")
    target = _class(value[TARGET], package, f"{name}.{TARGET}") if TARGET in value else dict
    absent = [member for member in members if not hasattr(target, member)]
    if absent:
        raise ValueError(f"{name} is a {target.__name__}, which has not {', '.join(absent)}")
    plain = [key for key in value if key not in (TARGET, PARTIAL)]
    entries = {key: _built(value[key], package, f"{name}.{key}", (), {}) for key in plain}
    if value.get(PARTIAL):
        return partial(target, **entries)
    try:
        return target(**{**entries, **arguments})
    except Exception as error:  # constructors that are given nonsense fail in ways of their own
        raise ValueError(f"{name} cannot be built: {error}") from error


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
