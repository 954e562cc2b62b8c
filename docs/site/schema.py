"""The JSON schema of ``pscgan train``, for editors: of a whole config, and of a file that sets a part of it.

A key that is not there, a value of a wrong type and a missing word of a ``Literal`` are errors. A component of somebody
else's class takes anything; a mapping without ``_target_`` takes the keys of all options of its group.
"""

import inspect
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from .config import CONF, Key, Option, options, parameters

Schema = dict[str, Any]
FILLED = r"\$\{.*\}|\?\?\?"
"""What stands for a value of any type: an interpolation, or that it must be given."""
NUMBER = r"[-+]?[0-9.][0-9_.]*(e[-+]?[0-9]+)?"
"""YAML 1.2 takes 1_000 for text, and 1e-3 too where it has no dot."""
ANYWHERE: Schema = {"_target_": {"type": "string"}, "_partial_": {"type": "boolean"}, "_convert_": {"type": "string"}}


def schema_of(hint: Any) -> Schema:
    """Of a type hint; what is neither plain nor a collection is a component."""
    kind, arguments = get_origin(hint) or hint, get_args(hint)
    if kind in (Union, UnionType):
        return {"anyOf": [schema_of(argument) for argument in arguments]}
    if kind is Literal:
        return {"anyOf": [{"enum": list(arguments)}, _filled()]}
    if kind is NoneType:
        return {"type": "null"}
    if kind is bool:
        return _filled("boolean")
    if kind in (int, float):
        return _filled("integer" if kind is int else "number", number=True)
    if kind is str or (isinstance(kind, type) and (issubclass(kind, Enum) or hasattr(kind, "__fspath__"))):
        return {"type": "string"}
    if isinstance(kind, type) and issubclass(kind, Sequence | Iterable) and not issubclass(kind, Mapping):
        return _filled("array") | ({"items": schema_of(arguments[0])} if arguments else {})
    if kind in (None, Any, object, inspect.Parameter.empty) or isinstance(kind, TypeVar):
        return {}
    return {"$ref": "#/definitions/component"}


def _filled(*types: str, number: bool = False) -> Schema:
    return {"type": [*types, "string"], "pattern": f"^({FILLED}{'|' + NUMBER if number else ''})$"}


def _of_key(key: Key) -> Schema:
    return schema_of(key.hint) | ({"description": key.meaning} if key.meaning else {})


def _closed(properties: Schema) -> Schema:
    return {"properties": properties | ANYWHERE, "additionalProperties": False}


def _component(properties: dict[str, list[Schema]]) -> Schema:
    """Of a group: the arguments of the class it names, or where it names none those of all options."""
    merged = {
        name: {"anyOf": list({str(one): one for one in several}.values())} for name, several in properties.items()
    }
    unnamed = {"if": {"type": "object", "not": {"required": ["_target_"]}}, "then": _closed(merged)}
    return {"allOf": [{"$ref": "#/definitions/component"}, unnamed]}


def schema(program: str = "train") -> Schema:
    """Of the config that a program composes."""
    files = options()
    (own,) = (file for file in files if file.path == CONF / f"{program}.yaml")
    classes: dict[str, Schema] = {}
    groups: dict[str, dict[str, dict[str, list[Schema]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for file in files:
        for part, target in file.targets.items():
            taken = parameters(target)
            arguments = {name: schema_of(one.annotation) for name, one in taken.items()}
            arguments |= {_last(key, part): _of_key(key) for key in file.keys if _is_in(key, part)}
            if target.startswith("pscgan.") and not any(one.kind is one.VAR_KEYWORD for one in taken.values()):
                classes.setdefault(target, {})
                classes[target] = classes[target] | arguments
            if not part or ("" not in file.targets and "." not in part):
                for name, value in arguments.items():
                    groups[file.path.parent.name][part][name].append(value)
    places = {
        str(name).rpartition("@")[2]: str(name).partition("@")[0]
        for entry in own.defaults
        if isinstance(entry, dict)
        for name in entry
        if not str(name).startswith("override")
    }
    properties = _nested(own)
    for place, group in places.items():
        parts = groups[group]
        if "" in parts:
            properties[place] = _component(parts[""])
        elif parts:
            named = {name: _component(arguments) for name, arguments in parts.items()}
            properties[place] = {"type": "object", "properties": named, "additionalProperties": {"type": "object"}}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"pscgan {program}",
        "type": "object",
        "properties": {"defaults": {"type": "array"}, "hydra": {"type": "object"}} | properties,
        "additionalProperties": False,
        "definitions": {
            "component": _filled("object", "null") | {"allOf": [_named(*one) for one in sorted(classes.items())]}
        },
    }


def _named(target: str, arguments: Schema) -> Schema:
    condition = {"required": ["_target_"], "properties": {"_target_": {"const": target}}, "type": "object"}
    return {"if": condition, "then": _closed(arguments)}


def _is_in(key: Key, part: str) -> bool:
    return key.name.rpartition(".")[0] == part


def _last(key: Key, part: str) -> str:
    return key.name.removeprefix(part).lstrip(".")


def _nested(file: Option, part: str = "") -> Schema:
    """Of keys that stand in the file of the program itself."""
    found = {}
    for key in file.keys:
        if _is_in(key, part):
            below = _nested(file, key.name)
            found[_last(key, part)] = {"type": "object"} | _closed(below) if below else _of_key(key)
    return found
