"""In what the configs of runs differ, as few columns as say it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .run_folder import MAY_CHANGE

ABSENT = ""


def differences(configs: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """By dotted key the value in each config, for keys that are not the same in all.

    Keys that cannot change what is learned are left out. Where parts of another kind stand under one key, the key's
    value is their kind: a class, or the names of penalties. Inside them only parts of one kind are compared.
    """
    keys = {key: None for config in configs for key in config if not f"{key}.".startswith(MAY_CHANGE) and key != "name"}
    columns: dict[str, list[str]] = {}
    for key in keys:
        columns |= _columns(key, [config.get(key, ABSENT) for config in configs])
    kept = {key: values for key, values in columns.items() if not key.startswith(MAY_CHANGE)}
    return {key: values for key, values in kept.items() if not _follows(key, kept)}


def _follows(key: str, columns: dict[str, list[str]]) -> bool:
    """Whether a shorter key of the same last word has the same values, as ``dataset.seed`` has those of ``seed``."""
    word = key.rpartition(".")[2]
    return key != word and columns.get(word) == columns[key]


def _columns(key: str, nodes: list[Any]) -> dict[str, list[str]]:
    if all(node == nodes[0] for node in nodes):
        return {}
    kinds = [_kind(node) for node in nodes]
    columns = {} if len(set(kinds)) == 1 and isinstance(nodes[0], dict) else {key: kinds}
    for kind in dict.fromkeys(kinds):
        members = [index for index, node in enumerate(nodes) if kinds[index] == kind and isinstance(node, dict)]
        for name in dict.fromkeys(name for index in members for name in nodes[index]):
            inside = _columns(f"{key}.{name}", [nodes[index].get(name, ABSENT) for index in members])
            for inner, values in inside.items():
                column = columns.setdefault(inner, [ABSENT] * len(nodes))
                for index, value in zip(members, values, strict=True):
                    column[index] = value
    return columns


def _kind(node: Any) -> str:
    """A mapping's class or keys; of anything else the value."""
    if not isinstance(node, dict):
        return str(node)
    return str(node["_target_"]).rpartition(".")[2] if "_target_" in node else "+".join(node)
