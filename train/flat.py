"""Nested configs as one level of dotted keys."""

from __future__ import annotations

from typing import Any


def flat(node: Any, prefix: str = "") -> dict[str, Any]:
    """Leaves by dotted key; lists are leaves."""
    if not isinstance(node, dict):
        return {prefix: node}
    return {
        key: leaf
        for name, child in node.items()
        for key, leaf in flat(child, f"{prefix}.{name}" if prefix else name).items()
    }
