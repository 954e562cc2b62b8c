"""The values of ``conf`` as data: type, default and meaning of every key, for the reference and for editors.

Nothing is written twice: defaults and comments are those of the YAML files, types those of the signatures. A meaning
that no comment gives is that of the docstring.
"""

import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import griffe
import yaml
from hydra.utils import get_object
from omegaconf import OmegaConf

from pscgan.train.runs.config_check import SIGNATURES, hint_of, parameters_of

CONF = Path(__file__).parents[2] / "conf"
OPEN = re.compile(r"\s#\s(.*)")


class Key(NamedTuple):
    """A value that can be set."""

    name: str
    """Dotted, below the file."""
    hint: Any
    """Its type; None where nothing says it."""
    default: Any
    meaning: str
    is_written: bool = True
    """False: an argument with a default of its own, which the file does not set."""


class Option(NamedTuple):
    """A YAML file."""

    path: Path
    meaning: str
    defaults: list[Any]
    keys: list[Key]
    targets: dict[str, str]
    """By dotted name, "" for the file itself, what is built."""


@cache
def options() -> list[Option]:
    """All files, in the order of their names."""
    return [read(path) for path in sorted(CONF.rglob("*.yaml"))]


def read(path: Path) -> Option:
    """What a file says, and what the signatures and docstrings of its components add."""
    text = path.read_text()
    values: Any = OmegaConf.to_container(OmegaConf.create(text))
    defaults, _ = values.pop("defaults", []), values.pop("hydra", None)
    targets: dict[str, str] = {}
    is_program = path.parent == CONF
    keys = list(_keys("", values, _comments(text), targets, SIGNATURES.get(path.stem, {}) if is_program else {}))
    return Option(path, _head(text), defaults, keys, targets)


def _head(text: str) -> str:
    lines = [line for line in text.splitlines() if not line.startswith(("# @package", "# pscgan train"))]
    end = next((place for place, line in enumerate(lines) if not line.startswith("# ")), len(lines))
    return " ".join(line.removeprefix("# ") for line in lines[:end])


def _comments(text: str) -> dict[str, str]:
    """By dotted name, the comment behind a key."""
    lines, found = text.splitlines(), {}

    def visit(node: yaml.Node, prefix: str) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                line, name = key.start_mark.line, f"{prefix}{key.value}"
                if (comment := OPEN.search(lines[line])) and key.start_mark.column == _indent(lines[line]):
                    found[name] = comment[1]
                visit(value, f"{name}.")

    visit(yaml.compose(text), "")
    return found


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _keys(
    part: str,
    values: Mapping[str, Any],
    comments: Mapping[str, str],
    targets: dict[str, str],
    signed: Mapping[str, Any],
) -> Iterator[Key]:
    """Those of a mapping and of all below it."""
    target = values.get("_target_", signed.get(part))
    if "_target_" in values:
        targets[part] = str(target)
    signature = parameters(str(target)) if target else {}
    meanings = meanings_of(str(target)) if target else {}
    prefix = f"{part}." if part else ""
    for name, value in values.items():
        if str(name).startswith("_"):
            continue
        key, parameter = f"{prefix}{name}", signature.get(name)
        hint = hint_of(value) if parameter is None else parameter.annotation
        meaning = comments.get(key) or meanings.get(str(name), "")
        if isinstance(value, dict) and value:
            summary = summary_of(str(value["_target_"])) if "_target_" in value else ""
            yield Key(key, hint, None, meaning or summary)
            yield from _keys(key, value, comments, targets, signed)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield Key(key, hint, None, meaning)
            for place, element in enumerate(value):
                yield from _keys(f"{key}[{place}]", element, comments, targets, signed)
        else:
            yield Key(key, hint, value, meaning)
    if str(values.get("_target_", "")).startswith("pscgan."):
        for name, parameter in signature.items():
            if name not in values and parameter.default is not parameter.empty:
                yield Key(f"{prefix}{name}", parameter.annotation, parameter.default, meanings.get(name, ""), False)


def parameters(target: str) -> Mapping[str, inspect.Parameter]:
    """What a component takes; nothing where that cannot be known."""
    try:
        return parameters_of(target)
    except (ImportError, TypeError, ValueError):  # of an extra that is not installed, or without a signature
        return {}


def _sections(target: Any) -> list[griffe.DocstringSection]:
    return griffe.Docstring(inspect.cleandoc(target.__doc__ or "")).parse("google", warnings=False)


def meanings_of(target: str) -> dict[str, str]:
    """By argument, what the docstring says; a class has also the arguments that its bases explain."""
    found: Any = get_object(target)
    return {
        argument.name: " ".join(argument.description.split())
        for owner in reversed(inspect.getmro(found) if inspect.isclass(found) else [found])
        if (getattr(owner, "__module__", None) or "").startswith("pscgan.")
        for section in _sections(owner)
        if section.kind is griffe.DocstringSectionKind.parameters
        for argument in section.value
    }


def summary_of(target: str) -> str:
    """The first line of the docstring."""
    return (inspect.getdoc(get_object(target)) or "").partition("\n")[0]
