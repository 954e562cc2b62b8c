"""Names of methods, and of the folder of an evaluation. It imports no torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from ..runs.naming import RESERVED, run_name

DEGRADED = "degraded"
ALLOWED = (
    f"what pscgan.load takes (a run, a checkpoint, an export, bundled:NAME), {DEGRADED}, a method of "
    "conf/method, or a mapping with _target_ of a restorer"
)


def evaluation_name(name: str | None, methods: Any, overrides: str) -> str:
    """A folder's name from the methods and the overrides of the command: another command, another folder."""
    listed = OmegaConf.to_container(methods) if OmegaConf.is_config(methods) else methods
    return run_name(name or "+".join(named_values(listed)), overrides)


def named_values(methods: Any) -> dict[str, Any]:
    """What the user has listed, by name: of a run its folder's, of the rest their own.

    Raises:
        ValueError: if there is none, or a name comes twice.
    """
    if isinstance(methods, Mapping) and "_target_" not in methods:
        found = {str(name): value for name, value in methods.items()}
    else:
        listed = methods if isinstance(methods, list) else [methods]
        names = [_own_name(value) for value in listed if value is not None]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"methods has two of the name {twice}; give names, as methods={{a: runs/x, b: runs/y}}")
        found = dict(zip(names, listed, strict=False))
    if not found:
        raise ValueError(f"methods must be a list, or a mapping from names, of {ALLOWED}; got {methods}")
    plain = {name: name.isprintable() and name[:1] not in ("", ".") and "/" not in name for name in found}
    wrong = next((name for name, fits in plain.items() if not fits or name != name.translate(RESERVED)), None)
    if wrong is not None:
        raise ValueError(
            f"the name of a method must be one of a folder, and printable, got {wrong!r}; give names, as methods="
            "{a: runs/x, b: runs/y}"
        )
    return found


def _own_name(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("_target_", "")).rpartition(".")[2]
    path = Path(str(value).removeprefix("bundled:"))
    return path.stem if path.suffix in (".ckpt", ".safetensors") else path.name
